"""From curves to groups: values computed in blocks, written row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from rheostat.driver.columns import Column, Group, ItemColumn, Member, SingleColumn, number_of, value_of
from rheostat.driver.feedback import Drive, Signals
from rheostat.driver.plan import Entry, curve_of, has
from rheostat.driver.tensors import SingleTensorColumn, TensorColumn, separate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.optim import Optimizer

    from rheostat.schedule import Curve, Run
    from rheostat.schedule.run import Axis

_BLOCK_VALUES = 32_768
_LONGEST_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Track:
    """One curve, and which entries it drives with which bases."""

    curve: Curve
    drive: Drive
    entries: list[int]


class Writer:
    """Writes the values of one position after another into the groups of the optimizers.

    Args:
        optimizers: the optimizers, whose groups are found again whenever they were replaced.
        entries: what is scheduled.
        run: how long training is.
        axis: what positions count.
    """

    def __init__(self, optimizers: Sequence[Optimizer], entries: list[Entry], run: Run, axis: Axis) -> None:
        self.optimizers, self.entries, self.run, self.axis = optimizers, entries, run, axis
        self.tracks = _tracks(entries, run, axis)
        self.bases = np.array([e.base for e in entries])
        self.columns: list[Column] = []
        self.begin, self.count, self.coordinate = 0, 0, 0.0
        self.block = np.empty((0, len(entries)))
        most = max(1, min(_LONGEST_BLOCK, _BLOCK_VALUES // len(entries)))
        self.most = 1 if axis == "seconds" else most

    def regroup(self) -> None:
        """Find the groups, and sort what is scheduled in them into columns."""
        for optimizer in self.optimizers:
            for key in {e.key for e in self.entries}:
                separate(optimizer, key)
        members: dict[str, list[Member]] = {}
        for i, e in enumerate(self.entries):
            group = self.group(e)
            members.setdefault(e.key, []).append((group, i))
            group[f"initial_{e.key}"] = e.asked_for[1]
        self.columns = columns_of(members)
        self._load()  # not computed again: by the clock, they would be other values by now

    def group(self, e: Entry) -> Group:
        """The group of an entry, as it is now."""
        return self.optimizers[e.optimizer].param_groups[e.group]

    def forget(self) -> None:
        """Drop the values computed ahead, because a metric or the position has changed."""
        self.count = 0

    def fill(self, position: int, coordinate: float, signals: Signals) -> None:
        """Compute the rows from a position on, which is at a coordinate of the axis."""
        n = self.most
        whole = self.run.horizon(self.axis)
        if whole is not None and position <= whole:
            n = min(n, int(whole) - position + 1)  # the first update past the end begins a block of its own
        values = np.empty((n, len(self.entries)))
        for track in self.tracks:
            t = np.maximum(coordinate - track.drive[1] + np.arange(n, dtype=np.float64), 0.0)
            factors = track.curve.factors(t, signals[track.drive])
            values[:, track.entries] = factors[:, None] * self.bases[track.entries]
        self.block = values
        self._load()
        self.begin, self.count, self.coordinate = position, n, coordinate

    def _load(self) -> None:
        for column in self.columns:
            column.load(self.block[:, column.entries])

    def known(self, tensor: torch.Tensor) -> float | None:
        """What a tensor of ours holds, if nobody else has written into it; the device is not asked."""
        for column in self.columns:
            if isinstance(column, TensorColumn) and (value := column.known(tensor)) is not None:
                return value
        return None

    def moves(self, optimizer: Optimizer) -> bool:
        """Whether the learning rates last written for an optimizer are not all 0."""
        return any(
            value != 0 and self.optimizers[self.entries[i].optimizer] is optimizer
            for column in self.columns
            if column.key == "lr"
            for i, value in zip(column.entries, column.row, strict=True)
        )

    def used(self) -> dict[str, dict[str, float]]:
        """What the groups hold now: {key: {group: value}}."""
        result: dict[str, dict[str, float]] = {}
        for column in self.columns:
            labels = [self.entries[i].label for i in column.entries]
            result.setdefault(column.key, {}).update(zip(labels, column.read(), strict=True))
        return result

    def of_groups(self, key: str, rows: Sequence[Sequence[float]]) -> list[float]:
        """Values of one key, given as one row for each column, in the order of the groups.

        A group whose value is not scheduled has the one that it holds.
        """
        found = {
            (e.optimizer, e.group): value
            for column, row in zip(self.columns, rows, strict=True)
            for e, value in zip((self.entries[i] for i in column.entries), row, strict=True)
            if e.key == key
        }
        for o, optimizer in enumerate(self.optimizers):
            for g, group in enumerate(optimizer.param_groups):
                if (o, g) not in found and has(group, key):
                    found[o, g] = number_of(value_of(group, key))
        return [found[place] for place in sorted(found)]


def _tracks(entries: list[Entry], run: Run, axis: Axis) -> list[Track]:
    """One curve for all entries that it serves; absolute levels need one for each base value."""
    tracks: dict[tuple[Drive, float | None], Track] = {}
    for i, e in enumerate(entries):
        drive = (e.schedule, e.since)
        key = (drive, e.base if e.schedule.needs_base else None)
        if key not in tracks:
            tracks[key] = Track(curve_of(e, run, axis), drive, [])
        tracks[key].entries.append(i)
    return list(tracks.values())


def columns_of(members: dict[str, list[Member]]) -> list[Column]:
    """What is scheduled, by key, sorted into columns of one kind each."""
    columns: list[Column] = []
    for key, listed in members.items():
        kinds: dict[object, list[Member]] = {}
        for group, entry in listed:
            value = group.get(key)
            kind: object = (value.dtype, value.device) if isinstance(value, torch.Tensor) else key in group
            kinds.setdefault(kind, []).append((group, entry))
        for kind, some in kinds.items():
            columns.append(_class(kind, single=len(some) == 1)(key, some))
    return columns


def _class(kind: object, *, single: bool) -> type[Column]:
    if kind is False:
        return ItemColumn
    if kind is True:
        return SingleColumn if single else Column
    return SingleTensorColumn if single else TensorColumn
