"""The command `rheostat` in a process of its own, as a user runs it, without waiting each time until PyTorch is imported.

One server imports everything, and forks for each call: the child has its own folder, environment and output, and ends as
a command does. Run as a script, this file is the server: it reads a call on each line of its input and answers with a line.
"""

import functools
import io
import json
import os
import subprocess
import sys
import tempfile


def rheostat(*arguments, cwd=None, **environment):
    """Run the command; a CompletedProcess with its status and output."""
    call = {"arguments": arguments, "cwd": str(cwd or "."), "environment": environment}
    server = _server()
    server.stdin.write(json.dumps(call) + "\n")
    server.stdin.flush()
    return subprocess.CompletedProcess(("rheostat", *arguments), *json.loads(server.stdout.readline()))


def rheostat_from_the_shell(*arguments, cwd=None, **environment):
    """The same with an interpreter of its own."""
    command, env = [sys.executable, "-m", "rheostat", *arguments], {**os.environ, **DEFAULTS, **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=120, check=False)


DEFAULTS = {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}


@functools.cache
def _server():
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _serve():
    import cyclopts  # noqa: F401 - imported once for all calls, as the next
    import matplotlib.pyplot  # noqa: F401
    import plotext  # noqa: F401
    import rich.console
    import rich.progress
    import rich.table  # noqa: F401
    import torch._dynamo  # noqa: F401

    import rheostat.cli.lint
    import rheostat.cli.show
    import rheostat.cli.train
    import rheostat.training  # noqa: F401

    for line in sys.stdin:
        call = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if child == 0:
                _run(call, out, err)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(json.dumps([status, *(_read(file) for file in (out, err))]), flush=True)


def _run(call, out, err):
    status = 1
    try:
        os.environ.update({**DEFAULTS, **call["environment"]})
        os.chdir(call["cwd"])
        for file, number in ((out, 1), (err, 2)):
            os.dup2(file.fileno(), number)
        encoding = os.environ["PYTHONIOENCODING"]
        sys.stdin = io.StringIO()
        sys.stdout = open(1, "w", encoding=encoding, closefd=False)
        sys.stderr = open(2, "w", encoding=encoding, closefd=False, errors="backslashreplace")
        sys.argv = ["rheostat", *call["arguments"]]
        from rheostat.cli import main

        main(call["arguments"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _read(file):
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    _serve()
