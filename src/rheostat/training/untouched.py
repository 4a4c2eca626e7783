"""A refusal leaves the optimizers as they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim import Optimizer


@contextmanager
def untouched(optimizers: Sequence[Optimizer]) -> Iterator[None]:
    """Put the values in the param groups back if what is done meanwhile ends in an error."""
    before = [[_values(group) for group in optimizer.param_groups] for optimizer in optimizers]
    try:
        yield
    except BaseException:
        for optimizer, groups in zip(optimizers, before, strict=True):
            for group, old in zip(optimizer.param_groups, groups, strict=True):
                _put_back(group, old)
        raise


def _values(group: dict[str, Any]) -> dict[str, Any]:
    return {k: (v, v.detach().clone() if isinstance(v, torch.Tensor) else v) for k, v in group.items() if k != "params"}


def _put_back(group: dict[str, Any], old: dict[str, Any]) -> None:
    for key in group.keys() - old.keys() - {"params"}:
        del group[key]
    for key, (value, copy) in old.items():
        if isinstance(value, torch.Tensor):
            value.detach().copy_(copy)
        group[key] = value
