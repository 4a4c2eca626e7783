"""Networks that were trained before, and are trained on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import corpora
import losses
import models
import sets
import torch
from torch import nn


def character_model(width: int = 48) -> nn.Module:
    """A transformer of two layers over characters."""
    symbols = len(corpora.characters()[2])
    return models.Transformer(nn.Embedding(symbols, width), sets.CONTEXT, width, 2, symbols, causal=True)


@cache
def trained_before() -> dict[str, torch.Tensor]:
    """The character model after 1500 updates on the plays."""
    with torch.random.fork_rng():
        torch.manual_seed(99)
        model = character_model()
        x, y, *_ = sets.text(corpora.characters)
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
        for i in range(1500):
            rows = torch.arange(32 * i, 32 * i + 32) % len(x)
            losses.next_character(model, (x[rows], y[rows])).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return {name: value.clone() for name, value in model.state_dict().items()}


def trained_character_model() -> nn.Module:
    """The same, ready to be fine-tuned on other English."""
    model = character_model()
    model.load_state_dict(trained_before())
    return model


def trained(make: Callable[[], nn.Module], data: corpora.Split, updates: int, lr: float, seed: int) -> dict[str, Any]:
    """The weights of a classifier after so many updates, of 20 rows each."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = make()
        x, y, *_ = data
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        for i in range(updates):
            rows = torch.arange(20 * i, 20 * i + 20)
            losses.classify(model, (x[rows], y[rows])).backward()
            optimizer.step()
            optimizer.zero_grad()
    return {name: value.clone() for name, value in model.state_dict().items()}


def image_model() -> nn.Module:
    """A convolutional network with batch norm."""
    return models.cnn(28, 8, norm=True)


@cache
def trained_on_images() -> dict[str, Any]:
    """The same after 500 updates on Fashion-MNIST."""
    return trained(image_model, corpora.fashion(), 500, 2e-3, 98)


def trained_image_model() -> nn.Module:
    """The same, to be fine-tuned on images that are turned."""
    model = image_model()
    model.load_state_dict(trained_on_images())
    return model
