"""A second scheduler on the same optimizer, as when a notebook cell is run twice: the newer takes over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rheostat.driver.clock import watchers
from rheostat.driver.columns import number_of, value_of
from rheostat.driver.guards import Guards
from rheostat.driver.plan import Entry, Rules

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from rheostat.driver.engine import Engine


def find_older(optimizers: Sequence[Optimizer], by_key: Rules) -> list[Engine]:
    """The schedulers that already write one of these keys."""
    found = {id(w.scheduler): w.scheduler for optimizer in optimizers for w in watchers(optimizer)}
    return [scheduler for scheduler in found.values() if scheduler.rules.keys() & by_key.keys()]


def rebase(entries: list[Entry], optimizers: Sequence[Optimizer], older: list[Engine]) -> list[Entry]:
    """Base values as the user means them.

    A value set by hand since an older scheduler wrote is a new base value; the older one's own last value is not.
    """
    written = {
        (id(group), column.key): value
        for scheduler in older
        for column in scheduler.writer.columns
        for group, value in zip(column.groups, column.row, strict=True)
    }
    rebased = []
    for e in entries:
        group = optimizers[e.optimizer].param_groups[e.group]
        now = number_of(value_of(group, e.key))
        by_hand = written.get((id(group), e.key), now) != now
        rebased.append(replace(e, base=now) if by_hand else e)
    return rebased


def replace_older(older: list[Engine], guards: Guards) -> None:
    """Let the older schedulers go, and say so."""
    for scheduler in older:
        guards.second(scheduler.position)
        scheduler.close()
