"""Which columns of a log hold updates and values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from rheostat.errors import SchedulerError, brief, nearest, refuse
from rheostat.ledger.audit.plan import FloatArray

_STEPS = ("step", "global_step", "update", "updates", "iteration", "iterations", "iter", "it", "_step", "steps")
_NOT_LR = ("momentum", "decay", "warmup", "scale", "factor", "ratio", "beta", "eps")


@dataclass(frozen=True, slots=True)
class Choice:
    """What to take from a log: named by the user, or to be guessed."""

    key: str = "lr"
    group: str | None = None
    step_column: str | None = None
    lr_column: str | None = None

    def may_matter(self, name: str) -> bool:
        """Whether a column may be one of the two, so that others need not be read as numbers."""
        if name in (self.step_column, self.lr_column):
            return True
        return (self.step_column is None and bool(_counts([name]))) or self.may_be_value(name)

    def may_be_value(self, name: str) -> bool:
        """Whether a column may be the one of values."""
        return self.lr_column == name or (self.lr_column is None and bool(_values([name], self.key)))


def choose(table: Mapping[str, FloatArray], choice: Choice, where: str) -> tuple[str, str]:
    """The names of the two columns.

    Raises:
        ScheduleError: for a name that is not there.
        SchedulerError: if none, or several that differ, come into question.
    """
    step = _named("step_column", choice.step_column, table)
    value = _named("lr_column", choice.lr_column, table)
    if step is None:
        found = _counts(table)
        step = _only(found, table, where, "step_column", "steps: step, global_step, update, iteration or epoch")
    if value is None:
        found = [name for name in _values(table, choice.key) if choice.group is None or _holds(name, choice.group)]
        kind = "learning rates: lr, learning_rate, lr-AdamW, train/lr" if choice.key == "lr" else f"{choice.key!r}"
        value = _only(found, table, where, "lr_column", kind)
    return step, value


def _counts(names: Iterable[str]) -> list[str]:
    """The columns that count updates; those that count epochs where there are none."""
    last = {name: name.lower().rpartition("/")[2] for name in names}
    return [n for n, tail in last.items() if tail in _STEPS] or [n for n, tail in last.items() if tail == "epoch"]


def _values(names: Iterable[str], key: str) -> list[str]:
    """The columns whose name holds that of the key as a word."""
    word = r"lrs?|learning[_ ]?rates?" if key == "lr" else re.escape(key.lower())
    pattern = re.compile(rf"(?:^|[/._\- :])(?:{word})\d*(?:$|[/._\- :])")
    others = _NOT_LR if key == "lr" else ()
    return [n for n in names if pattern.search(n.lower()) and not any(other in n.lower() for other in others)]


def _holds(name: str, group: str) -> bool:
    return group in re.split(r"[/._\- :]", name) or name.endswith(group)


def _named(argument: str, name: str | None, table: Mapping[str, FloatArray]) -> str | None:
    if name is not None and name not in table:
        close = nearest(name, table)
        listed = brief(", ".join(table), 300)
        raise refuse(
            argument, name, need=f"one of the log's columns {listed}", mend=None if close is None else repr(close)
        )
    return name


def _only(found: list[str], table: Mapping[str, FloatArray], where: str, argument: str, kind: str) -> str:
    option = f"--{argument.replace('_', '-')}"
    if not found:
        names = brief(", ".join(table), 400) if table else "none at all"
        raise SchedulerError(f"{where}: no column looks like {kind}. Its columns: {names}. Try {option} NAME.")
    known = [table[name][~np.isnan(table[name])] for name in found]
    if not all(np.array_equal(known[0], other) for other in known[1:]):
        names = ", ".join(map(repr, found))
        raise SchedulerError(f"{where}: several columns may be meant: {names}. Try {option} with one of them.")
    return found[0]
