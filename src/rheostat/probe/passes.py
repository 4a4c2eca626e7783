"""How often a training sees its samples: where it learns them by heart, a short run sees fewer, as often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from rheostat.probe.batches import Batches
from rheostat.schedule import Run

_AS_NEW = 4
"""Passes up to which samples teach as much as new ones would (Muennighoff et al., Scaling Data-Constrained Language
Models, 2023; in bench/find_lr, noise is not learned by heart in as few)."""
_FEWEST = 3  # batches: with one there is no noise in the gradients, which bounds the learning rate as well
_EXPECTED = 8  # samples that should be met again before it is believed that they never are
_VALUES = 1000  # of a sample, evenly apart, that tell it from others
_SEEN = 4  # the part of them that is enough: some augmentations leave many samples as they are


def few(batches: Batches, drawn: list[Any], run: Run, updates: int, accumulate: int) -> int | None:
    """How many batches a short run goes through, over and over; None for as many as there are.

    updates / passes, where passes = the training's updates / the updates of an epoch; at least those of three updates.
    It is None where a training makes four passes or less, where no epoch's length is known, and where samples do not
    come again as they were (augmentation, windows cut at random): fewer of them would be learned by heart, and all are
    not.

    Args:
        batches: where they come from.
        drawn: the first of an epoch, or all.
        run: the training.
        updates: of the short run.
        accumulate: batches for each update.
    """
    size = len(drawn) if batches.epoch else batches.size
    if run.steps_per_epoch is not None:
        size = run.steps_per_epoch * accumulate
    if not size or run.updates is None:
        return None
    passes = run.updates * accumulate / size
    if passes <= _AS_NEW:
        return None
    if batches.recur is None:
        batches.recur = _recur(batches, drawn, size)
    if not batches.recur:
        return None
    return max(_FEWEST, round(updates / passes)) * accumulate


def _recur(batches: Batches, drawn: list[Any], size: int) -> bool:
    """Whether the next epoch has samples of this one."""
    known = {row for batch in drawn for row in _rows(batch)}
    objects = {id(batch) for batch in drawn}
    share, met, expected = min(1.0, len(drawn) / size), 0, 0.0
    for batch in batches.following(len(drawn)):
        if id(batch) in objects:
            return True
        rows = list(_rows(batch))
        met, expected = met + sum(row in known for row in rows), expected + share * len(rows)
        if expected >= _EXPECTED:
            break
    return met > 0 and met >= expected / _SEEN


def _rows(batch: Any) -> Iterator[int]:
    """What tells the samples of a batch apart: of the rows of its largest tensor, or of its texts."""
    tensors = list(_leaves(batch))
    if tensors and isinstance(tensors[0], str):
        yield from (hash(text) for text in tensors if isinstance(text, str))
        return
    large = max((t for t in tensors if not isinstance(t, str)), key=np.size, default=None)
    for row in () if large is None or not large.ndim else large.reshape(len(large), -1):
        kept = _unpadded(row)
        yield hash(kept[:: max(1, kept.size // _VALUES)].tobytes())


def _unpadded(row: np.ndarray) -> np.ndarray:
    """Without what only fills it up to the longest of its batch, as tokens are."""
    if row.dtype.kind not in "iu":
        return row
    changes = np.flatnonzero(np.diff(row))
    return row[changes[0] + 1 : changes[-1] + 1] if changes.size else row


def _leaves(batch: Any) -> Iterator[Any]:
    """The tensors and texts in a batch of any nesting, as arrays and as they are."""
    if isinstance(batch, torch.Tensor):
        if batch.layout is torch.strided and not batch.is_nested:
            plain = batch.detach().cpu()
            yield (plain.float() if plain.is_floating_point() else plain).numpy()  # NumPy lacks some of the kinds
    elif isinstance(batch, (str, np.ndarray)):
        yield batch
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from _leaves(value)
    elif isinstance(batch, (list, tuple)):
        for value in batch:
            yield from _leaves(value)
