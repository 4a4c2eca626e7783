"""Writing one factor of all base learning rates into the groups of one or several optimizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer

from rheostat.driver.columns import base_of
from rheostat.errors import refuse
from rheostat.schedule.base import FloatArray
from rheostat.schedule.levels import count, number

FEWEST = 10


class Bases:
    """The base learning rates of all groups: what a factor multiplies, so that their ratios stay.

    Args:
        optimizers: the optimizers themselves.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.optimizers = list(optimizers)
        groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        lacking = [i for i, group in enumerate(groups) if "lr" not in group]
        if lacking:
            raise refuse("optimizer", type(optimizers[0]).__name__, need=f"an lr in group {lacking[0]}")
        self.values = [base_of(group, "lr", str(group.get("name", i))) for i, group in enumerate(groups)]
        self.first = next((value for value in self.values if value > 0), 0.0)
        if not self.first:
            raise refuse("lr of every group", 0.0, need="a group with an lr above 0, which fixes the ratios")
        self.ratios = [value / self.first for value in self.values]  # exactly 1 for the first

    def write(self, lr: float) -> None:
        """Set the first group to a learning rate, and all others in their ratio to it."""
        ratios = iter(self.ratios)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                value, held = next(ratios) * lr, group["lr"]
                if isinstance(held, torch.Tensor):
                    held.detach().fill_(value)
                else:
                    group["lr"] = value


def ramp(low: float, high: float, steps: int) -> FloatArray:
    """An exponential ramp: `steps` learning rates from low to high, each the same factor above the one before."""
    low, high = number("min", low, above=0.0), number("max", high, above=0.0)
    count("steps", steps, least=FEWEST)
    if high <= low:
        raise refuse("max", high, need=f"a learning rate above min={low:g}", mend=f"min={high:g} and max={low:g}")
    lrs: FloatArray = np.exp(np.linspace(np.log(low), np.log(high), steps))
    lrs[0], lrs[-1] = low, high
    return lrs


def modules_of(given: Any) -> list[torch.nn.Module]:
    """The modules in what was given: one, or several."""
    several = list(given) if isinstance(given, (list, tuple)) else [given]
    for module in several:
        if not isinstance(module, torch.nn.Module):
            raise refuse("model", module, need="a torch.nn.Module, or a list of them")
    return several
