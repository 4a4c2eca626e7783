"""A curve without its noise: centred in the logarithm of the learning rate, so that nothing is shifted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rheostat.probe.curve import RangeCurve
from rheostat.schedule.base import FloatArray

WIDTH = 0.2  # decades: the standard deviation of the kernel
_HEAD = 20  # the first level is the median of a twentieth of the losses
_ROUNDING = 1e-10  # of the largest loss: what lies below is no difference


@dataclass(frozen=True, eq=False)
class Smooth:
    """What is read: all on the scale of the losses, all the same for every pass.

    Attributes:
        x: decimal logarithms of the learning rates, (N,).
        y: the smoothed loss, (N,); losses above the ceiling count as the ceiling.
        error: its standard error, (N,).
        first: the level before anything was learned.
        first_error: its standard error.
        ceiling: the level at which training is as good as lost: first + what the loss had fallen by.
        heard: whether an update came back with a finite loss, (N,).
    """

    x: FloatArray
    y: FloatArray
    error: FloatArray
    first: float
    first_error: float
    ceiling: float
    heard: np.ndarray

    @property
    def at(self) -> int:
        """Where the lowest is."""
        return int(self.y.argmin())

    @property
    def lowest(self) -> float:
        """The lowest."""
        return float(self.y[self.at])

    @property
    def drop(self) -> float:
        """How far the loss fell."""
        return self.first - self.lowest


def smooth(curve: RangeCurve) -> Smooth:
    """Smooth all passes of a curve into one.

    A kernel average (Nadaraya 1964; Watson 1964) with a Gaussian kernel of 0.2 decades, or one and a half steps where
    the ramp is coarser. Losses above the ceiling are clipped first: a cliff must not pull its neighbours up.
    """
    x, rows = curve.decades, curve.losses
    finite = np.isfinite(rows)
    noise, first, lowest = _levels(rows, finite)
    ceiling = first + max(first - lowest, 4 * noise)
    clipped = np.where(np.isnan(rows), np.nan, np.minimum(rows, ceiling))
    width = max(WIDTH, 1.5 * float(x[-1] - x[0]) / (x.size - 1))
    weights = np.exp(-0.5 * ((x[:, None] - x) / width) ** 2)
    here = ~np.isnan(clipped)
    mass = weights @ here.sum(0)
    y = weights @ np.where(here, clipped, 0.0).sum(0) / np.maximum(mass, 1e-300)
    amount = mass**2 / np.maximum(weights**2 @ here.sum(0), 1e-300)
    head = max(3, x.size // _HEAD) * rows.shape[0]
    return Smooth(
        x, y, noise / np.sqrt(amount), first, 1.2533 * noise / np.sqrt(head), ceiling, finite.any(0)
    )


def _levels(rows: FloatArray, finite: np.ndarray) -> tuple[float, float, float]:
    """Noise of one loss, the first level, and the lowest mean of three in a row."""
    lists = [row[known] for row, known in zip(rows, finite, strict=True) if known.any()]
    if not lists:
        return 0.0, 0.0, 0.0
    head = max(3, rows.shape[1] // _HEAD)
    first = float(np.median(np.concatenate([losses[:head] for losses in lists])))
    threes = [np.convolve(losses, np.ones(3) / 3, "valid") for losses in lists if losses.size >= 3]
    lowest = min([float(means.min()) for means in threes] or [first])
    # Second differences: a slope is no noise. Their standard deviation is sqrt(6) times that of one loss.
    bends = [np.abs(np.diff(losses, 2)) for losses in lists if losses.size >= 3]
    noise = float(np.median(np.concatenate(bends))) * 1.4826 / np.sqrt(6) if bends else 0.0
    return max(noise, _ROUNDING * max(float(np.abs(losses).max()) for losses in lists)), first, lowest
