"""Tensor values: filled in place, each number rounded once, without waiting for the device."""

from __future__ import annotations

from operator import attrgetter, is_not
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rheostat.driver.columns import Column, Foreign, Member, rows_of, twin
from rheostat.schedule.base import FloatArray

if TYPE_CHECKING:
    from torch.optim import Optimizer

_version = attrgetter("_version")  # PyTorch counts how often a tensor was written to: seen without asking the device


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
