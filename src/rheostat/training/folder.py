"""The folder of a run: which one it is, and what was asked for, written down in it."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path

import torch

import rheostat
from rheostat.driver import Scheduler
from rheostat.errors import SchedulerError
from rheostat.ledger.path import path_of
from rheostat.training import disk
from rheostat.training.task import Task

LEDGER, CONFIG = "ledger.jsonl", "config.json"


def find_folder(name: str, out: str | Path | None, *, resume: bool) -> Path:
    """The folder of the run: given, the next free one, or, to resume, the latest."""
    runs = Path("runs")
    found = [re.fullmatch(rf"{re.escape(name)}-([0-9]+)", p.name) for p in runs.glob("*")]
    numbers = [int(match[1]) for match in found if match]
    if out is None and resume and not numbers:
        raise SchedulerError(f"resume: no run {runs}/{name}-1 to resume. Try --out with the folder of the run.")
    if out is None:
        return runs / f"{name}-{max(numbers, default=0) + (0 if resume else 1)}"
    folder = path_of("out", out, "'runs/mine'")
    if not resume and (folder / LEDGER).exists():
        raise SchedulerError(
            f"out={str(out)!r}: holds a run already. Try --resume to go on with it, or another folder."
        )
    if folder.exists() and not folder.is_dir():
        raise SchedulerError(f"out={str(out)!r}: is no folder. Try another name.")
    return folder


def was_begun(folder: Path) -> bool:
    """Whether a run was begun in a folder."""
    return any((folder / name).exists() for name in (LEDGER, CONFIG, f"{CONFIG}.tmp"))


def set_ledger_aside(folder: Path, updates: int) -> None:
    """Keep the ledger of so many updates under a name of its own; the next begins with other numbers."""
    if (folder / LEDGER).exists():
        (folder / LEDGER).replace(folder / f"ledger.first-{updates}.jsonl")


def make(folder: Path) -> None:
    """Make the folder.

    Raises:
        SchedulerError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(folder, error) from error


def describe(folder: Path, task: Task, scheduler: Scheduler) -> None:
    """Write down what was asked for, beside what will be used.

    Raises:
        SchedulerError: if that cannot be written.
    """
    described = {
        "name": task.name,
        "schedule": {key: {name: str(s) for name, s in by.items()} for key, by in scheduler.rules.items()},
        "run": repr(scheduler.run),
        "base": {f"{e.key}/{e.label}": e.base for e in scheduler.entries},
        "accumulate": task.accumulate,
        "seed": task.seed,
        "versions": {"rheostat": rheostat.__version__, "torch": torch.__version__, "python": platform.python_version()},
    }
    put(folder / CONFIG, json.dumps(described, indent=2) + "\n")


def put(path: Path, text: str) -> None:
    """Write a file of the folder.

    Raises:
        SchedulerError: if it cannot be written.
    """
    try:
        disk.replace(path, text)
    except OSError as error:
        raise _not_written(path.parent, error) from error


def _not_written(folder: Path, error: OSError) -> SchedulerError:
    return SchedulerError(
        f"out={str(folder)!r}: cannot be written: {error.strerror}. Try a folder with room and permission to write."
    )
