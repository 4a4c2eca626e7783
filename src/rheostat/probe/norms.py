"""The running statistics of batch norm, made anew for the weights as they are: after a short run they lag behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn.modules.batchnorm import _NormBase


def refresh(model: torch.nn.Module, batches: Iterable[Any], forward: Callable[[Any], object]) -> None:
    """Replace each running mean and variance by the plain average over some batches; frozen layers keep theirs.

    Args:
        model: the model, in the mode that it is trained in.
        batches: batches that it was trained on.
        forward: what calls the model with a batch.

    Source: Wu & Johnson, Rethinking "Batch" in BatchNorm, 2021, section 3.
    """
    norms = [m for m in model.modules() if isinstance(m, _NormBase) and m.training and m.running_mean is not None]
    if not norms:
        return
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    try:
        for batch in batches:
            forward(batch)
    finally:
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum
