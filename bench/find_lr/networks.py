"""The networks of the tasks that need more than sizes."""

from __future__ import annotations

import corpora
import models
import sets
from torch import nn


def vit() -> nn.Module:
    """A transformer over 16 patches of a digit."""
    return models.Transformer(models.Patches(48), 16, 48, 2, 10, causal=False)


def recurrent() -> nn.Module:
    """A GRU over characters."""
    return models.Recurrent(len(corpora.characters()[2]), 80)


def row_by_row() -> nn.Module:
    """An LSTM that reads an image of a digit from top to bottom."""
    return models.Reader(8, 64, 10)


def large_patches() -> nn.Module:
    """A transformer over 16 patches of 7 × 7."""
    return models.Transformer(models.Patches(32, 7), 16, 32, 2, 10, causal=False)


def of_eight() -> nn.Module:
    """The next character from the eight before it (Bengio et al. 2003)."""
    symbols = len(corpora.characters()[2])
    return nn.Sequential(nn.Embedding(symbols, 16), nn.Flatten(), *models.mlp(8 * 16, 128, symbols, act=nn.Tanh))


def factors() -> nn.Module:
    """A vector and a number for each word on either side of a pair."""
    return models.Factors(sets.WORDS, 16)
