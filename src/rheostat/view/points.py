"""The updates that matter in a curve, and samples of it that miss none of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rheostat.schedule import Curve

FloatArray = NDArray[np.float64]
DEFAULT_LENGTH = 1000  # how much of a curve without an end is shown
_EXHAUSTIVE = 200_000


@dataclass(frozen=True, slots=True)
class Point:
    """One update that matters: its position, epoch (where the run knows epochs), value, and why it matters."""

    t: int
    epoch: float | None
    value: float
    what: str


def shown_length(curve: Curve) -> int:
    """How many positions of a curve are shown."""
    if curve.length is not None:
        return curve.length
    return max(DEFAULT_LENGTH, 2 * max(curve.joints, default=0))


def sample(curve: Curve, most: int = 4000) -> tuple[FloatArray, FloatArray]:
    """Positions and values to draw: at most about `most`, with both sides of every joint and the extremes between.

    Args:
        curve: the curve.
        most: roughly how many points, at least 16.

    Returns:
        Two float64 arrays of the same shape, positions in rising order.
    """
    n = shown_length(curve)
    if n <= most:
        t = np.arange(n, dtype=np.float64)
        return t, curve.values(0, n)
    every = np.arange(n) if n <= _EXHAUSTIVE else np.unique(np.linspace(0, n - 1, _EXHAUSTIVE).round().astype(np.int64))
    near = [j + d for j in (*curve.joints, n - 1) for d in (-1, 0) if 0 <= j + d < n]
    every = np.union1d(every, np.array([0, *near]))
    values = _values(curve, every.astype(np.float64))
    buckets = np.array_split(np.arange(every.size), max(most // 4, 4))
    kept = {int(i) for b in buckets for i in (b[0], b[-1], b[values[b].argmin()], b[values[b].argmax()])}
    kept |= set(np.searchsorted(every, np.array([0, *near])).tolist())
    chosen = np.array(sorted(kept))
    return every[chosen].astype(np.float64), values[chosen]


def key_points(curve: Curve) -> list[Point]:
    """The updates that matter: first, each joint, peak, last, and what is held after the end."""
    n = shown_length(curve)
    t, values = sample(curve)
    what: dict[int, list[str]] = {0: ["first"]}
    for joint in curve.joints:
        if 0 < joint < n:
            what.setdefault(joint, []).append("next part begins")
    what.setdefault(int(t[values.argmax()]), []).append("peak")
    what.setdefault(n - 1, []).append("last" if curve.length is not None else "last shown")
    if curve.length is not None:
        what.setdefault(n, []).append("held after the end")
    return [Point(at, _epoch(curve, at), curve.at(at), ", ".join(words)) for at, words in sorted(what.items())]


def _values(curve: Curve, t: FloatArray) -> FloatArray:
    factors = curve.factors(t)
    return factors if curve.base is None else factors * curve.base


def _epoch(curve: Curve, t: int) -> float | None:
    per_epoch = curve.run.steps_per_epoch
    return t / per_epoch if per_epoch and curve.unit == "updates" else None
