"""The rise at the beginning of a schedule: how long it is, and the schedule without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rheostat.schedule import Schedule
from rheostat.schedule.base import Bound
from rheostat.schedule.combine import Product, Sequence, Wrapped, product, sequence
from rheostat.schedule.curve import Curve
from rheostat.schedule.shapes.rise import Warmup


def rise_of(curve: Curve) -> int | None:
    """How many updates the values rise at the beginning, or None where they do not."""
    end = _first_end(curve.bound)
    if end is None or end < 1 or (curve.length is not None and end >= curve.length):
        return None
    first, last = curve.factors(np.array([0.0, float(end)]))
    return end if first < last else None


def without_rise(schedule: Schedule) -> Schedule | None:
    """The schedule without its first part or warmup factor, or None where there is nothing to leave out."""
    if isinstance(schedule, Sequence):
        inner = without_rise(schedule.parts[0])
        rest = schedule.parts[1:] if inner is None else (inner, *schedule.parts[1:])
        return rest[0] if len(rest) == 1 else sequence(*rest)
    if isinstance(schedule, Product):
        rest = tuple(part for part in schedule.parts if not isinstance(part, Warmup))
        return None if len(rest) in (0, len(schedule.parts)) else rest[0] if len(rest) == 1 else product(*rest)
    if isinstance(schedule, Wrapped):
        inner = without_rise(schedule.of)
        return None if inner is None else replace(schedule, of=inner)
    return None


def _first_end(bound: Bound) -> int | None:
    """Where the first part of a sequence, or the warmup of a product, ends."""
    source = bound.source
    if isinstance(source, Sequence):
        inner = _first_end(bound.parts[0])
        length = bound.parts[0].length
        return inner if inner is not None else None if length is None else int(length)
    if isinstance(source, Product):
        lengths = [p.length for p in bound.parts if isinstance(p.source, Warmup) and p.length is not None]
        return int(max(lengths)) if lengths else None
    return _first_end(bound.parts[0]) if isinstance(source, Wrapped) and bound.parts else None
