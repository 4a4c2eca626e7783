"""What the tasks minimise: each a function of a model and a batch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


def classify(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy."""
    return F.cross_entropy(model(batch[0]), batch[1])


def smoothed(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy with a tenth of the certainty taken away: a few hundred rows are soon known by heart."""
    return F.cross_entropy(model(batch[0]), batch[1], label_smoothing=0.1)


def next_character(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy of each following character."""
    return F.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten())


def squared(model: nn.Module, batch: Any) -> torch.Tensor:
    """Mean squared error."""
    return F.mse_loss(model(batch[0]), batch[1])


def likelihood(model: nn.Module, batch: Any) -> torch.Tensor:
    """The bound on the negative log-likelihood of a pixel, normal with a spread of 0.2: often below 0."""
    found, mean, spread = model(batch[0])
    code = 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(-1).mean() / batch[0].shape[-1]
    return (found - batch[0]).square().mean() / (2 * 0.2**2) + math.log(0.2 * math.sqrt(2 * math.pi)) + code


def contrast(model: nn.Module, batch: Any) -> torch.Tensor:
    """How hard it is to tell the other view of each row from all others (InfoNCE; van den Oord et al. 2018)."""
    a, b = (F.normalize(model(view), dim=-1) for view in batch)
    return F.cross_entropy(a @ b.T / 0.2, torch.arange(len(a)))
