"""Reading and writing the values of one key over many param groups. What runs at every update is here, and is plain."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import torch

from rheostat.errors import refuse

Group = dict[str, Any]
_ITEM = re.compile(r"([A-Za-z_]\w*)\[(\d)\]")


class Column:
    """One key of some groups, as plain numbers: `group[key] = value`."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.groups: list[Group] = []
        self.entries: list[int] = []
        self.rows: list[list[float]] = []
        self.row: list[float] = []
        self.get: Callable[[Group], Any] = itemgetter(key)

    def add(self, group: Group, entry: int) -> None:
        """Take in one group, driven by the plan's entry of that number."""
        self.groups.append(group)
        self.entries.append(entry)

    def write(self, row: list[float]) -> None:
        """Write one value into each group."""
        key = self.key
        for group, value in zip(self.groups, row):  # noqa: B905 - strict costs a third of this loop
            group[key] = value
        self.row = row

    def adopt(self) -> None:
        """Take what the groups hold now as written by us."""
        self.row = [*map(self.get, self.groups)]

    def untouched(self) -> bool:
        """Whether every group still holds what was written last."""
        return [*map(self.get, self.groups)] == self.row

    def first_untouched(self) -> bool:
        """The same for the first group alone: cheap enough for every update."""
        return bool(self.groups[0][self.key] == self.row[0])

    def read(self) -> list[float]:
        """The value of each group now."""
        return [float(self.get(group)) for group in self.groups]

    def found(self) -> list[float]:
        """What the groups hold after somebody wrote into them; may wait for a device."""
        return self.read()


class ItemColumn(Column):
    """One element of a tuple, such as betas[0]."""

    def __init__(self, key: str, name: str, index: int) -> None:
        super().__init__(key)
        self.name, self.index = name, index
        self.get = lambda group: group[name][index]

    def write(self, row: list[float]) -> None:
        name, index = self.name, self.index
        for group, value in zip(self.groups, row):  # noqa: B905
            old = group[name]
            if isinstance(old[index], torch.Tensor):
                old[index].fill_(value)
            else:
                group[name] = (*old[:index], value, *old[index + 1 :])
        self.row = row

    def untouched(self) -> bool:
        values = [*map(self.get, self.groups)]
        return any(isinstance(value, torch.Tensor) for value in values) or values == self.row

    def first_untouched(self) -> bool:
        return True


class TensorColumn(Column):
    """Tensor values: filled in place, which rounds once and waits for no device."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.tensors: list[Any] = []

    def add(self, group: Group, entry: int) -> None:
        super().add(group, entry)
        self.tensors.append(group[self.key])

    def write(self, row: list[float]) -> None:
        for tensor, value in zip(self.tensors, row):  # noqa: B905
            tensor.fill_(value)
        self.row = row

    def restore(self) -> None:
        """Put our tensors back where somebody has put others."""
        for group, tensor in zip(self.groups, self.tensors, strict=True):
            group[self.key] = tensor

    def untouched(self) -> bool:
        """Whether each group still holds the tensor that is filled; reading its value would wait for the device."""
        return all(a is b for a, b in zip(map(self.get, self.groups), self.tensors))  # noqa: B905

    def adopt(self) -> None:
        self.row = []

    def first_untouched(self) -> bool:
        return self.groups[0][self.key] is self.tensors[0]

    def read(self) -> list[float]:
        """What was written; only where nothing was yet, the tensors are asked, which waits for the device."""
        return list(self.row) or [float(tensor) for tensor in self.tensors]

    def found(self) -> list[float]:
        planned = self.read()
        rounded = [float(torch.tensor(v, dtype=t.dtype)) for v, t in zip(planned, self.tensors, strict=True)]
        values = [float(self.get(group)) for group in self.groups]
        # A tensor of the planned value is no change: some frameworks write back what get_lr() gave them.
        return [v if r == now else now for v, r, now in zip(planned, rounded, values, strict=True)]


def value_of(group: Group, key: str) -> Any:
    """group[key], where key may name an element such as betas[0]; KeyError if the group has no such key."""
    if key in group:
        return group[key]
    match = _ITEM.fullmatch(key)
    if match is None or match[1] not in group:
        raise KeyError(key)
    values, index = group[match[1]], int(match[2])
    if not isinstance(values, (tuple, list)) or index >= len(values):
        raise KeyError(key)
    return values[index]


def separate(groups: list[Group], key: str) -> None:
    """Give each group a tensor of its own where the optimizer shares one among them."""
    seen: set[int] = set()
    for group in groups:
        value = group.get(key)
        if isinstance(value, torch.Tensor):
            if id(value) in seen:
                group[key] = value.clone()
            seen.add(id(group[key]))


def column_for(group: Group, key: str) -> tuple[type[Column], Column]:
    """An empty column of the kind that this group's key needs, and that kind."""
    if key not in group:
        match = _ITEM.fullmatch(key)
        assert match is not None
        return ItemColumn, ItemColumn(key, match[1], int(match[2]))
    kind = TensorColumn if isinstance(group[key], torch.Tensor) else Column
    return kind, kind(key)


def base_of(group: Group, key: str, label: str) -> float:
    """The value that factors multiply: what the group was given, also when it has been scheduled before."""
    value = group.get(f"initial_{key}", None)
    if value is None:
        value = value_of(group, key)
    current = value_of(group, key)
    if isinstance(current, torch.Tensor) and (current.numel() != 1 or not current.is_floating_point()):
        raise refuse(f"group {label} {key}", current, need="one floating-point number", mend="torch.tensor(1e-3)")
    try:
        base = float(value)
    except (TypeError, ValueError):
        raise refuse(f"group {label} {key}", value, need="a number to schedule") from None
    if not 0 <= base < float("inf"):
        raise refuse(f"group {label} {key}", base, need="a finite number ≥ 0")
    return base
