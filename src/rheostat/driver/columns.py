"""Reading and writing the values of one key over many param groups. What runs at every update is here, and is plain."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter, is_not, itemgetter
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from rheostat.errors import refuse
from rheostat.schedule.base import FloatArray

if TYPE_CHECKING:
    from torch.optim import Optimizer

Group = dict[str, Any]
Member = tuple[Group, int]
"""A group, and the number of the plan's entry that drives it."""

Foreign = tuple[int, float, float]
"""What somebody else wrote: the number of the plan's entry, the value we had written, the value found."""
_ITEM = re.compile(r"([A-Za-z_]\w*)\[(\d)\]")
_version = attrgetter("_version")  # PyTorch counts how often a tensor was written to: seen without asking the device


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


class TensorColumn(Column):
    """Tensor values of one dtype on one device: filled in place, without waiting for the device.

    A block of rows goes to the device at once; at each update one row is copied there into a line of numbers, and from
    those into the tensors.
    """

    def __init__(self, key: str, members: list[Member]) -> None:
        self.tensors: list[torch.Tensor] = [group[key] for group, _ in members]
        self.versions = [-1] * len(members)  # nothing is ours yet
        super().__init__(key, members)
        self.targets = [tensor.detach() for tensor in self.tensors]  # the same memory, whatever autograd thinks of it
        first = self.tensors[0]
        self.dtype, self.device = first.dtype, first.device
        self.line = torch.zeros(len(self.tensors), dtype=first.dtype, device=first.device)
        self.numbers = [number.view(t.shape) for number, t in zip(self.line.unbind(), self.tensors, strict=True)]
        self.block = self.line.unsqueeze(0)

    def load(self, values: FloatArray) -> None:
        block = rounded(values, self.dtype)
        self.rows = rows_of(block)
        if self.device.type == "cuda":
            block = block.pin_memory()
        self.block = block.to(self.device, non_blocking=True)

    def write(self, at: int) -> list[Foreign] | None:
        row, foreign = self.rows[at], None
        if self.touched():
            foreign = self.restore(row)
        elif row is self.row:
            return None
        self.fill(at)
        self.row, self.versions = row, list(map(_version, self.tensors))
        return foreign

    def fill(self, at: int) -> None:
        """Write row `at` into the tensors."""
        self.line.copy_(self.block[at])
        torch._foreach_copy_(self.targets, self.numbers)

    def known(self, tensor: torch.Tensor) -> float | None:
        """What a tensor of ours holds, if nobody else has written into it."""
        for ours, version, value in zip(self.tensors, self.versions, self.row, strict=True):
            if ours is tensor:
                return value if version == tensor._version else None
        return None

    def touched(self) -> bool:
        """Whether somebody has replaced a tensor of ours, or written into one."""
        return any(map(is_not, map(self.get, self.groups), self.tensors)) or (
            list(map(_version, self.tensors)) != self.versions
        )

    def restore(self, due: list[float]) -> list[Foreign]:
        """Put our tensors back where somebody has put others, and say which of those had another value.

        Reading them may wait for the device; only whoever writes tensors pays for it. Some frameworks write back what
        get_lr() gave them: the planned value is no change.
        """
        ours = -1 not in self.versions
        found = rounded(np.array(self.read()), self.dtype).tolist() if ours else self.row
        for group, tensor in zip(self.groups, self.tensors, strict=True):
            group[self.key] = tensor
        places = zip(self.entries, self.row, due, found, strict=True)
        return [(entry, old, now) for entry, old, new, now in places if now not in (old, new)]

    def read(self) -> list[float]:
        """What the tensors hold; where they are as we left them, the device is not asked."""
        return super().read() if self.touched() else list(self.row)


class SingleTensorColumn(TensorColumn):
    """One tensor: filled with a number that its dtype holds exactly."""

    def load(self, values: FloatArray) -> None:
        self.rows = rows_of(rounded(values, self.dtype))

    def fill(self, at: int) -> None:
        self.targets[0].fill_(self.rows[at][0])


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


def separate(optimizer: Optimizer, key: str) -> None:
    """Give each group a tensor of its own where the optimizer shares one among them and with later ones."""
    default: Any = optimizer.defaults.get(key)
    seen: set[int] = set()
    for group in optimizer.param_groups:
        value: Any = group.get(key)
        if not isinstance(value, torch.Tensor):
            continue
        if value is default:
            optimizer.defaults[key] = twin(default)
        if id(value) in seen:
            group[key] = twin(value)
        seen.add(id(group[key]))


def columns_of(members: dict[str, list[Member]]) -> list[Column]:
    """What is scheduled, by key, sorted into columns of one kind each."""
    columns: list[Column] = []
    for key, listed in members.items():
        kinds: dict[object, list[Member]] = {}
        for group, entry in listed:
            value = group.get(key)
            kind: object = (value.dtype, value.device) if isinstance(value, torch.Tensor) else key in group
            kinds.setdefault(kind, []).append((group, entry))
        for kind, some in kinds.items():
            columns.append(_class(kind, single=len(some) == 1)(key, some))
    return columns


def _class(kind: object, *, single: bool) -> type[Column]:
    if kind is False:
        return ItemColumn
    if kind is True:
        return SingleColumn if single else Column
    return SingleTensorColumn if single else TensorColumn


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
