"""What the functions of a Task gave, checked where it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from rheostat.errors import refuse


def checked_loss(loss: Any) -> torch.Tensor:
    """What a task's loss gave, if it can be trained on."""
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or not loss.requires_grad:
        mend = "torch.nn.functional.cross_entropy(model(x), y)"
        raise refuse("loss()", loss, need="a tensor of one number that depends on the model", mend=mend)
    return loss


def named_numbers(given: Any) -> dict[str, float]:
    """What a task's evaluate gave, as floats."""
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise refuse("evaluate()", given, need="named numbers", mend="{'accuracy': 0.9}")
    numbers = {}
    for name, value in given.items():
        try:
            numbers[name] = float(value)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            raise refuse(f"evaluate()[{name!r}]", value, need="a number") from None
    return numbers
