"""The loop that every peer runs in: what each update used, read where the optimizer reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

BASES = (0.1, 0.03, 2e-3)


def _groups(**settings: Any) -> list[dict[str, Any]]:
    own = {"lr": list(BASES), **settings}
    at = [{key: value[i] if isinstance(value, list) else value for key, value in own.items()} for i in range(3)]
    return [{"params": [torch.nn.Parameter(torch.zeros(1))], **group} for group in at]


@pytest.fixture
def sgd() -> Callable[..., torch.optim.Optimizer]:
    """SGD with three param groups of different base learning rates; a list as a setting gives one value to each."""
    return lambda **settings: torch.optim.SGD(_groups(**settings))


@pytest.fixture
def adamw() -> Callable[..., torch.optim.Optimizer]:
    """AdamW with the same three groups."""
    return lambda **settings: torch.optim.AdamW(_groups(**settings))


@pytest.fixture
def used() -> Callable[..., list[list[float]]]:
    """Run `updates` updates under a scheduler and list, for each, what its optimizer read in every group.

    `every` is the number of updates between two calls of scheduler.step(): 1 for a schedule that is counted in
    updates, more for one counted in epochs. Several keys are listed one after the other.
    """

    def run(scheduler: Any, updates: int, *, every: int = 1, keys: tuple[str, ...] = ("lr",)) -> list[list[float]]:
        optimizer, rows = scheduler.optimizer, []
        for t in range(updates):
            rows.append([value for key in keys for value in _read(optimizer, key)])
            optimizer.step()
            if (t + 1) % every == 0:
                scheduler.step()
        return rows

    return run


def _read(optimizer: torch.optim.Optimizer, key: str) -> list[float]:
    if key == "betas[0]":
        return [float(group["betas"][0]) for group in optimizer.param_groups]
    return [float(group[key]) for group in optimizer.param_groups]
