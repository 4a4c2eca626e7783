"""Reading and writing the values of one key over many param groups. What runs at every update is here, and is plain."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
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
        self.groups = [group for group, _ in members]
        self.entries = [entry for _, entry in members]
        self.rows: list[list[float]] = []
        self.row = self.read()

    def load(self, values: FloatArray) -> None:
        """Take in a block of rows to write from, with one value for each group in a row."""
        self.rows = values.tolist()

    def write(self, at: int) -> list[Foreign] | None:
        """Write row `at` into the groups; returns what was found there that we had not written, if anything."""
        key, foreign, row = self.key, None, self.rows[at]
        for group, old, value in zip(self.groups, self.row, row):  # noqa: B905 - strict costs a third of this loop
            if group[key] is not old and group[key] != old:
                foreign = foreign or self.foreign(row)
            group[key] = value
        self.row = row
        return foreign

    def foreign(self, due: list[float]) -> list[Foreign]:
        """Which groups hold neither what we had written nor what is due: some frameworks write what get_lr() says."""
        found = zip(self.entries, self.row, due, self.read(), strict=True)
        return [(entry, ours, now) for entry, ours, new, now in found if now not in (ours, new)]

    def read(self) -> list[float]:
        """The value of each group now."""
        return [float(value_of(group, self.key)) for group in self.groups]


class SingleColumn(Column):
    """One key of one group: what most trainings have, without the loop."""

    def write(self, at: int) -> list[Foreign] | None:
        group, key, row = self.groups[0], self.key, self.rows[at]
        old, foreign = self.row[0], None
        if group[key] is not old and group[key] != old:
            foreign = self.foreign(row)
        group[key] = row[0]
        self.row = row
        return foreign


class ItemColumn(Column):
    """One element of a tuple, such as betas[0]."""

    def write(self, at: int) -> list[Foreign] | None:
        match = _ITEM.fullmatch(self.key)
        assert match is not None
        name, index, foreign, row = match[1], int(match[2]), None, self.rows[at]
        for group, old, value in zip(self.groups, self.row, row, strict=True):
            values = group[name]
            if isinstance(values[index], torch.Tensor):
                values[index].fill_(value)
                continue
            if values[index] != old:
                foreign = foreign or self.foreign(row)
            group[name] = (*values[:index], value, *values[index + 1 :])
        self.row = row
        return foreign


class TensorColumn(Column):
    """Tensor values of one dtype on one device: filled in place, without waiting for the device.

    A block of rows goes to the device at once; at each update one row is copied there into a line of numbers, and from
    those into the tensors.
    """

    def __init__(self, key: str, members: list[Member]) -> None:
        self.tensors: list[torch.Tensor] = [group[key] for group, _ in members]
        super().__init__(key, members)
        self.targets = [tensor.detach() for tensor in self.tensors]  # the same memory, whatever autograd thinks of it
        first = self.tensors[0]
        self.line = torch.zeros(len(self.tensors), dtype=first.dtype, device=first.device)
        self.numbers = [number.view(t.shape) for number, t in zip(self.line.unbind(), self.tensors, strict=True)]
        self.block = self.line.unsqueeze(0)

    def load(self, values: FloatArray) -> None:
        super().load(values)
        block = rounded(values, self.line.dtype)
        if self.line.device.type == "cuda":
            block = block.pin_memory()
        self.block = block.to(self.line.device, non_blocking=True)

    def write(self, at: int) -> list[Foreign] | None:
        foreign, key = None, self.key
        for group, tensor in zip(self.groups, self.tensors):  # noqa: B905
            if group[key] is not tensor:
                foreign = foreign or self.restore(self.rows[at])
        self.line.copy_(self.block[at])
        torch._foreach_copy_(self.targets, self.numbers)
        self.row = self.rows[at]
        return foreign

    def restore(self, due: list[float]) -> list[Foreign]:
        """Put our tensors back where somebody has put others, and say which of those had another value.

        Reading them may wait for the device; only whoever replaces tensors pays for it. Some frameworks write back
        what get_lr() gave them: a tensor of the planned value is no change.
        """
        foreign = []
        for i, (group, tensor) in enumerate(zip(self.groups, self.tensors, strict=True)):
            now = group[self.key]
            expected = rounded(np.array([self.row[i], due[i]]), tensor.dtype).tolist()
            if now is not tensor and float(now) not in expected:
                foreign.append((self.entries[i], self.row[i], float(now)))
            group[self.key] = tensor
        return foreign

    def read(self) -> list[float]:
        """What was written; where nothing was yet, the tensors are asked, which waits for the device."""
        return list(getattr(self, "row", ())) or [float(tensor) for tensor in self.tensors]


def rounded(values: FloatArray, dtype: torch.dtype) -> torch.Tensor:
    """Float64 values in a dtype, each rounded once, to nearest even.

    PyTorch goes to the 16-bit types by way of float32, which rounds twice; NumPy goes to float16 directly, and for
    bfloat16 all but 7 bits of the fraction are rounded away here, after which every further step is exact.
    """
    if dtype == torch.float16:
        return torch.from_numpy(values.astype(np.float16))
    if dtype == torch.bfloat16:
        bits = np.ascontiguousarray(values).view(np.uint64)
        cut = np.uint64(52 - 7)
        one = np.uint64(1)
        even = (bits >> cut) & one
        bits = (bits + ((one << (cut - one)) - one) + even) >> cut << cut
        values = bits.view(np.float64)
    return torch.from_numpy(np.ascontiguousarray(values)).to(dtype)


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


def columns_of(members: dict[str, list[Member]]) -> list[Column]:
    """What is scheduled, by key, sorted into columns of one kind each."""
    columns: list[Column] = []
    for key, listed in members.items():
        kinds: dict[object, list[Member]] = {}
        for group, entry in listed:
            value = group.get(key)
            tensor = isinstance(value, torch.Tensor)
            kinds.setdefault((value.dtype, value.device) if tensor else key in group, []).append((group, entry))
        for kind, some in kinds.items():
            plain = SingleColumn if len(some) == 1 else Column
            columns.append((plain if kind is True else ItemColumn if kind is False else TensorColumn)(key, some))
    return columns


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
