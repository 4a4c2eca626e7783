"""The command: which subcommands there are, and how their errors read."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

from rheostat import __version__
from rheostat.errors import RheostatWarning, ScheduleError, SchedulerError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; errors of ours end it with one clean message and status 2."""
    try:
        from cyclopts import App
    except ImportError:
        sys.exit("The command needs cyclopts, rich and plotext. Try pip install 'rheostat[cli]'.")
    # Subcommands are named by where they are: importing one, and what it needs, waits until it is called.
    app = App(
        name="rheostat",
        version=__version__,
        help="Learning-rate schedules for PyTorch: see them, check them, train with them.",
        help_format="plaintext",
        result_action="return_value",
    )
    app.command(
        "rheostat.cli.show:show", name="show", help="Draw one or several schedules, and print their key points."
    )
    app.command("rheostat.cli.lint:lint", name="lint", help="Say what is probably wrong with a schedule over a run.")
    app.command("rheostat.cli.find:find", name="find", help="Find a learning rate for the Task that a file returns.")
    app.command("rheostat.cli.tune:tune", name="tune", help="Find a learning rate, train with it, and check it.")
    app.command("rheostat.cli.train:train", name="train", help="Train the Task that a file returns.")
    app.command(
        "rheostat.cli.audit:audit", name="audit", help="Say whether a log used what was planned, and if not, why."
    )
    warnings.showwarning = _warned
    try:
        status = app(arguments)
    except (ScheduleError, SchedulerError) as error:
        sys.exit(_failed(str(error)))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def _warned(  # noqa: PLR0917 - Python's signature
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Warnings of ours are for the person at the terminal, who did not write the line that they point at."""
    ours = issubclass(category, RheostatWarning)
    text = f"warning: {message}\n" if ours else warnings.formatwarning(message, category, filename, lineno, line)
    (file or sys.stderr).write(text)


def _failed(message: str) -> int:
    message = re.sub(r"""on_change=(["'])(\w+)\1""", r"--on-change \2", message)  # as it is written at a terminal
    print(f"error: {message}", file=sys.stderr)
    return 2
