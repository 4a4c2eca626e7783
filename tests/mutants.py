"""Try the mutants that mutmut makes: each in a fork of one session that has collected the tests, the likeliest first.

mutmut's own `run` starts pytest anew for each of thousands of mutants. What is tried is the same: its mutants, and all
tests that reach the changed function, until one fails. `mutmut show NAME` shows a mutant.
"""

import contextlib
import fnmatch
import gc
import json
import os
import pickle
import resource
import select
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants, setup_source_paths
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

CHILDREN = 2


def made():
    """{file: the names of its mutants}; a name is its function's, and a number."""
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):  # it names every file
        create_mutants(CHILDREN)
    metas = sorted(Path("mutants/src").rglob("*.py.meta"))
    found = {str(meta)[12:-5]: list(json.loads(meta.read_text())["exit_code_by_key"]) for meta in metas}
    return {file: names for file, names in found.items() if names}


def in_a_fork(work):
    """Start `work` in a fork; returns its process and the end of a pipe that gives what it returns."""
    there, here = os.pipe()
    process = os.fork()
    if process:
        os.close(here)
        return process, there
    os.close(there)
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    with os.fdopen(here, "wb") as pipe:
        pickle.dump(work(), pipe)
    os._exit(0)


def result(process, pipe, otherwise=None):
    with os.fdopen(pipe, "rb") as stream:
        data = stream.read()
    os.waitpid(process, 0)
    return pickle.loads(data) if data else otherwise


class Session:
    """The plugin that runs mutants where pytest would run the tests."""

    def __init__(self, names):
        self.names = names
        self.outcomes = {}
        self.killers = defaultdict(Counter)

    def pytest_runtestloop(self, session):
        self.session = session
        self.items = {item.nodeid: item for item in session.items}
        self.reached_by, self.seconds, failed = result(*in_a_fork(self.reach))
        assert not failed, f"{failed} tests fail without a mutant"
        gc.freeze()  # what the forks share stays shared
        waiting, running = self.names[::-1], {}
        while waiting or running:
            while waiting and len(running) < CHILDREN:
                self.start(waiting.pop(), running)
            for pipe in select.select(list(running), [], [])[0] if running else ():
                process, name = running.pop(pipe)
                self.note(name, result(process, pipe, otherwise=("timeout", None)))
        return True

    def run(self, tests):
        """Run tests one after the other, and tell after each whether any has failed."""
        items = [self.items[test] for test in tests]
        for item, following in zip(items, [*items[1:], None]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            yield item.nodeid, self.session.testsfailed

    def reach(self):
        """Which functions each test reaches, as mutmut's own look does."""
        os.environ["MUTMUT_DEPENDENCY_DEPTH"] = "-1"
        set_mutant_under_test("stats")
        reached_by, seconds, before = defaultdict(set), {}, os.times().user
        for test, _ in self.run(self.items):
            for function in state()._stats:
                reached_by[function].add(test)
            state()._stats.clear()
            seconds[test], before = os.times().user - before, os.times().user
        return dict(reached_by), seconds, self.session.testsfailed

    def start(self, name, running):
        function = name.partition("__mutmut_")[0]
        killers, of_file = self.killers[function], self.killers[function.rpartition(".")[0]]
        tests = self.reached_by.get(function, ())
        tests = sorted(tests, key=lambda test: (-killers[test], -of_file[test], self.seconds[test], test))
        if not tests:
            self.note(name, ("no test", None))
            return
        process, pipe = in_a_fork(lambda: self.attempt(name, tests))
        running[pipe] = process, name

    def attempt(self, name, tests):
        limit = int(10 + 8 * sum(self.seconds[test] for test in tests))
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        set_mutant_under_test(name)
        try:
            return next((("killed", test) for test, failed in self.run(tests) if failed), ("survived", None))
        except BaseException:  # what a mutant does to pytest itself is seen too
            return "killed", None

    def note(self, name, outcome):
        self.outcomes[name], killer = outcome
        function = name.partition("__mutmut_")[0]
        if killer:
            self.killers[function][killer] += 1
            self.killers[function.rpartition(".")[0]][killer] += 1
        if len(self.outcomes) % 100 == 0:
            print(f"{len(self.outcomes)} of {len(self.names)}", file=sys.__stderr__, flush=True)


def report(files, outcomes):
    total = Counter()
    for file, names in files.items():
        count = Counter(outcomes[name] for name in names if name in outcomes)
        total += count
        if count:
            print(row(file, count))
    print(row("all", total))
    for name, outcome in outcomes.items():
        if outcome != "killed":
            print(f"{outcome}: {name}")


def row(file, count):
    tried = count.total()
    share = (count["killed"] + count["timeout"]) / tried
    return f"| {file} | {tried} | {count['killed']} | {count['timeout']} | {count['survived']} | {count['no test']} | {share:.1%} |"


def main(patterns):
    files = made()
    names = [name for all_of_one in files.values() for name in all_of_one]
    wanted = [name for name in names if not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut"]
    session = Session(wanted)
    os.chdir("mutants")
    os.environ["PYTHONPATH"] = str(Path("src").absolute())
    tests = settings["pytest_add_cli_args_test_selection"] + settings["pytest_add_cli_args"]
    pytest.main(["--rootdir=.", "-q", "-s", *tests], plugins=[session])
    report(files, session.outcomes)


if __name__ == "__main__":
    main(sys.argv[1:])
