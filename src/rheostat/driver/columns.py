"""Reading and writing the values of one key over many param groups. What runs at every update is here, and is plain."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any, cast

import torch

from rheostat.errors import refuse
from rheostat.schedule.base import FloatArray

Group = dict[str, Any]
Member = tuple[Group, int]
"""A group, and the number of the plan's entry that drives it."""

Foreign = tuple[int, float, float]
"""What somebody else wrote: the number of the plan's entry, the value we had written, the value found."""
_ITEM = re.compile(r"([A-Za-z_]\w*)\[(\d)\]")


class Column:
    """One key of some groups, as plain numbers: `group[key] = value`.

    `write` also looks at what it replaces: a value that is not the one written before came from somebody else.
    """

    def __init__(self, key: str, members: list[Member]) -> None:
        self.key = key
        self.get: Callable[[Group], Any] = itemgetter(key)
        self.groups = [group for group, _ in members]
        self.entries = [entry for _, entry in members]
        self.rows: list[list[float]] = []
        self.row = self.read()

    def load(self, values: FloatArray) -> None:
        """Take in a block of rows to write from, with one value for each group in a row."""
        self.rows = rows_of(values)

    def write(self, at: int) -> list[Foreign] | None:
        """Write row `at` into the groups; returns what was found there that we had not written, if anything."""
        key, foreign, row = self.key, None, self.rows[at]
        if list(map(self.get, self.groups)) != self.row:  # the same objects, mostly: compared at a glance
            foreign = self.foreign(row)
        elif row is self.row:
            return None
        for group, value in zip(self.groups, row):  # noqa: B905 - strict costs a quarter of this loop
            group[key] = value
        self.row = row
        return foreign

    def foreign(self, due: list[float]) -> list[Foreign]:
        """Which groups hold neither what we had written nor what is due: some frameworks write what get_lr() says."""
        found = zip(self.entries, self.row, due, self.read(), strict=True)
        return [(entry, ours, now) for entry, ours, new, now in found if now not in (ours, new)]

    def read(self) -> list[float]:
        """The value of each group now."""
        return [number_of(value_of(group, self.key)) for group in self.groups]


class SingleColumn(Column):
    """One key of one group: what most trainings have, without the loop."""

    def __init__(self, key: str, members: list[Member]) -> None:
        super().__init__(key, members)
        (self.group,) = self.groups

    def write(self, at: int) -> list[Foreign] | None:
        group, key, row, foreign = self.group, self.key, self.rows[at], None
        (held,) = self.row
        found = group[key]
        if found is not held and found != held:
            foreign = self.foreign(row)
        (group[key],) = row
        self.row = row
        return foreign


class ItemColumn(Column):
    """One element of a tuple, such as betas[0]."""

    def __init__(self, key: str, members: list[Member]) -> None:
        super().__init__(key, members)
        self.name, self.index = item_of(key)
        for group in self.groups:  # a tuple from the optimizer's defaults is one for all groups, and so are its tensors
            item = group[self.name][self.index]
            if isinstance(item, torch.Tensor):
                self.put(group, twin(item))

    def write(self, at: int) -> list[Foreign] | None:
        name, index, row = self.name, self.index, self.rows[at]
        foreign = self.foreign(row) or None
        for group, value in zip(self.groups, row, strict=True):
            item = group[name][index]
            if isinstance(item, torch.Tensor):
                item.detach().fill_(value)
            else:
                self.put(group, value)
        self.row = row
        return foreign

    def foreign(self, due: list[float]) -> list[Foreign]:
        items = [group[self.name][self.index] for group in self.groups]
        if any(isinstance(item, torch.Tensor) for item in items):  # reading them could wait for the device
            return []
        return super().foreign(due) if items != self.row else []

    def put(self, group: Group, value: Any) -> None:
        """Replace the element."""
        values, index = group[self.name], self.index
        group[self.name] = (*values[:index], value, *values[index + 1 :])


def rows_of(block: Any) -> list[list[float]]:
    """The rows of an array or a tensor, where each that repeats the one before it is that one.

    What is in the groups already need not be written.
    """
    again = (block[1:] == block[:-1]).all(1).tolist()
    if True not in again:
        return cast("list[list[float]]", block.tolist())
    distinct = iter(block[[0, *(i for i, same in enumerate(again, 1) if not same)]].tolist())
    row: list[float] = next(distinct)
    rows = [row]
    for same in again:
        row = row if same else next(distinct)
        rows.append(row)
    return rows


def item_of(key: str) -> tuple[str, int]:
    """The name and index in a key such as betas[0]; KeyError if it is not of that form."""
    match = _ITEM.fullmatch(key)
    if match is None:
        raise KeyError(key)
    return match[1], int(match[2])


def value_of(group: Group, key: str) -> Any:
    """group[key], where key may name an element such as betas[0]; KeyError if the group has no such key."""
    if key in group:
        return group[key]
    name, index = item_of(key)
    values = group.get(name)
    if not isinstance(values, (tuple, list)) or index >= len(values):
        raise KeyError(key)
    return values[index]


def number_of(value: Any) -> float:
    """A scheduled value as a float, whether it is a number or a tensor, and whatever autograd thinks of it."""
    return float(value.detach() if isinstance(value, torch.Tensor) else value)


def twin(tensor: torch.Tensor) -> torch.Tensor:
    """Another tensor of the same value, as good as the first to autograd."""
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def base_of(group: Group, key: str, label: str) -> float:
    """The value that factors multiply: what the group was given, also when it has been scheduled before."""
    current = value_of(group, key)
    value = group.get(f"initial_{key}")
    if value is None:
        value = current
    for tensor in (current, value):
        if isinstance(tensor, torch.Tensor) and (tensor.numel() != 1 or not tensor.is_floating_point()):
            raise refuse(f"group {label} {key}", tensor, need="one floating-point number", mend="torch.tensor(1e-3)")
    try:
        base = float("nan") if isinstance(value, (bool, str)) else number_of(value)
    except (TypeError, ValueError, OverflowError):
        mend = f"'{key}[0]'" if isinstance(value, (tuple, list)) else None
        raise refuse(f"group {label} {key}", value, need="a number to schedule", mend=mend) from None
    if not 0 <= base < float("inf"):
        raise refuse(f"group {label} {key}", value, need="a finite number ≥ 0")
    return base
