"""A whole schedule in few updates: each stands for as many of the long run, those of a warmup for fewer. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rheostat.schedule import Curve
from rheostat.schedule.base import FloatArray

LONGEST = 0.25
"""The share of a short run within which a warmup keeps its updates: a model bears more when it has had more."""
_LOOKS = 10_000  # at a curve, to see where its warmup ends


def warmup(curves: Iterable[Curve], updates: int) -> float:
    """The share of the run before the highest value, the largest of several; 0 where it lies in the second half."""
    found = 0.0
    for curve in curves:
        length = curve.length or updates
        looks = min(length, _LOOKS)
        positions = np.arange(looks, dtype=np.float64) * (length / looks)
        share = int(curve.factors(positions).argmax()) / looks
        found = max(found, share if share < 0.5 else 0.0)
    return found


def shares(rise: float, whole: int, updates: int) -> FloatArray:
    """Where in the whole run, from 0 to 1, each update of a short one is.

    Args:
        rise: the share of the run that is warmup.
        whole: updates of the run.
        updates: of the short one.
    """
    kept = max(rise, min(rise * whole / updates, LONGEST))
    middles = (np.arange(updates) + 0.5) / updates
    return np.interp(middles, [0.0, kept, 1.0], [0.0, rise, 1.0])
