"""Where a log comes from: a ledger, a CSV or JSONL file, TensorBoard's events, or columns in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rheostat.errors import SchedulerError, refuse
from rheostat.ledger.audit import events, tables
from rheostat.ledger.audit.guess import Choice, choose
from rheostat.ledger.audit.plan import FloatArray, IntArray
from rheostat.ledger.lines import MARK
from rheostat.ledger.parts import closed_parts, opened
from rheostat.ledger.reading import iterate
from rheostat.schedule import Run


@dataclass(frozen=True, eq=False)
class Log:
    """What each update used, as a log says.

    Attributes:
        t: updates, in rising order, each once.
        used: their values.
        where: which file and columns they are from.
        group: the group, where it is one of a ledger.
        notes: what was decided on the way.
    """

    t: IntArray
    used: FloatArray
    where: str
    group: str | None = None
    notes: tuple[str, ...] = ()


def read_logs(source: Any, choice: Choice, run: Run) -> list[Log]:
    """One log for each group that a ledger holds, or the one that the columns of another log give."""
    if isinstance(source, Mapping):
        table = {str(name): _column(str(name), values) for name, values in source.items()}
        if len(table) < len(source):
            raise refuse("source", sorted(map(repr, source)), need="columns whose names differ as text")
        return [_of_table(table, choice, run, "the columns given")]
    path = _file(source)
    if events.is_events(path):
        return [_of_table(events.scalars(path, choice), choice, run, str(path))]
    if path.is_dir():
        raise SchedulerError(f"{path}: is a folder without ledger.jsonl or TensorBoard events. Try the log's file.")
    if _is_ledger(path):
        return _of_ledger(path, choice)
    return [_of_table(tables.read(path, choice), choice, run, str(path))]


def _file(source: Any) -> Path:
    if not isinstance(source, (str, Path)):
        raise refuse("source", source, need="the path of a log, or a dict of columns", mend="'runs/x/ledger.jsonl'")
    path = Path(source)
    if path.is_dir() and (path / "ledger.jsonl").exists():
        path = path / "ledger.jsonl"
    if not path.exists() and not closed_parts(path):
        raise SchedulerError(f"{path}: there is no such file.")
    return path


def _is_ledger(path: Path) -> bool:
    if not path.exists():
        return True  # only its closed parts are left
    with opened(path) as file:
        return file.read(len(MARK)) == MARK


def _of_ledger(path: Path, choice: Choice) -> list[Log]:
    for name, value in (("step_column", choice.step_column), ("lr_column", choice.lr_column)):
        if value is not None:
            raise refuse(name, value, need="nothing here: a ledger says itself what is what", mend="key and group")
    updates: dict[str, list[int]] = {}
    values: dict[str, list[float]] = {}
    keys: dict[str, None] = {}
    for row in iterate(path):
        keys |= dict.fromkeys(row["used"])
        for label, value in row["used"].get(choice.key, {}).items():
            if choice.group in (None, label):
                updates.setdefault(label, []).append(row["update"])
                values.setdefault(label, []).append(value)
            else:
                updates.setdefault(label, [])
    if not updates:
        known = f"it holds {', '.join(keys)}" if keys else "it holds no rows"
        raise SchedulerError(f"{path}: has no values of {choice.key!r}; {known}. Try another key.")
    if choice.group is not None and choice.group not in values:
        raise refuse("group", choice.group, need=f"one of the ledger's groups: {', '.join(updates)}")
    return [
        _log(np.array(updates[label], dtype=np.float64), np.array(by), f"{choice.key}/{label} of {path}", label)
        for label, by in values.items()
    ]


def _of_table(table: Mapping[str, FloatArray], choice: Choice, run: Run, where: str) -> Log:
    step, value = choose(table, choice, where)
    known = np.isfinite(table[step]) & ~np.isnan(table[value])
    t, used = table[step][known], table[value][known]
    if not t.size:
        raise SchedulerError(f"{where}: no row has both {step!r} and {value!r}.")
    notes: tuple[str, ...] = ()
    if "epoch" in step.lower():
        t, notes = _in_updates(t, run, step, where)
    return _log(t, used, f"{value!r} over {step!r} of {where}", None, notes)


def _in_updates(t: FloatArray, run: Run, step: str, where: str) -> tuple[FloatArray, tuple[str, ...]]:
    """Epochs as the updates that they begin with."""
    if (t % 1 != 0).any():
        raise SchedulerError(f"{where}: {step!r} holds parts of epochs. Try a column that counts updates.")
    if run.steps_per_epoch is None:
        need = "the number of updates in an epoch, because the log counts epochs"
        raise refuse("steps_per_epoch", None, need=need, mend="--steps-per-epoch, or a column that counts updates")
    per_epoch = run.steps_per_epoch
    return t * per_epoch, (f"{step!r} counts epochs: epoch e is compared at update e × {per_epoch}",)


def _log(t: FloatArray, used: FloatArray, where: str, group: str | None, notes: tuple[str, ...] = ()) -> Log:
    if not t.size:
        raise SchedulerError(f"{where}: there is no row.")
    bad = ~((t >= 0) & (t % 1 == 0) & (t <= 1e15))
    if bad.any():
        raise SchedulerError(f"{where}: {t[bad][0]:g} is no update: need whole numbers ≥ 0. Try another step column.")
    # A resumed run logs some updates again: what it used last is what counts.
    order = np.argsort(t, kind="stable")
    last = np.append(t[order][1:] != t[order][:-1], True)
    twice = int(t.size - last.sum())
    if twice:
        again = "as a resumed run leaves them"
        notes = (*notes, f"{twice} rows of updates that come again later, {again}, were not compared")
    kept = order[last]
    return Log(t[kept].astype(np.int64), used[kept], where, group, notes)


def _column(name: str, values: Any) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise refuse(name, values, need="a column of numbers") from None
