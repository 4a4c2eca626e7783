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
        start: the loss before the first update.
        first: the level of the first losses.
        first_error: its standard error.
        ceiling: the level at which training is as good as lost: first + what the loss had fallen by.
        noise: the standard deviation of one loss.
        heard: whether an update came back with a finite loss, (N,).
    """

    x: FloatArray
    y: FloatArray
    error: FloatArray
    start: float
    first: float
    first_error: float
    ceiling: float
    noise: float
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
    def leapt(self) -> bool:
        """Whether the first updates threw the loss up by more than it ever fell below where it had been."""
        return self.first > self.start + max(self.start - self.lowest, 4 * self.noise)

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
    lists = [row[known] for row, known in zip(rows, finite, strict=True) if known.any()]
    head = _head(x.size)
    first, lowest = _levels(lists, head)
    ceiling = first + max(first - lowest, 4 * (float(_median(_bends(rows).reshape(1, -1))[0]) + _rounding(rows)))
    clipped = np.where(np.isnan(rows), np.nan, np.minimum(rows, ceiling))
    noise = _noise(clipped)
    width = max(WIDTH, 1.5 * float(x[-1] - x[0]) / (x.size - 1))
    weights = np.exp(-0.5 * ((x[:, None] - x) / width) ** 2)
    here = ~np.isnan(clipped)
    mass = weights @ here.sum(0)
    amount = mass**2 / np.maximum(weights**2 @ here.sum(0), 1e-300)
    y: FloatArray = weights @ np.where(here, clipped, 0.0).sum(0) / np.maximum(mass, 1e-300)
    # Once it is known where the loss fell, all that came before tells where it had been.
    fallen = np.flatnonzero(y < (first + y.min()) / 2)
    before = max(head, int(min(fallen[0], y.argmin())) if fallen.size else 0)
    known = clipped[:, :before][here[:, :before]]
    return Smooth(
        x=x,
        y=y,
        error=noise / np.sqrt(amount),
        start=float(np.mean([losses[0] for losses in lists])) if lists else 0.0,
        first=float(np.median(known)),
        first_error=1.2533 * float(np.median(noise[:before])) / np.sqrt(known.size),  # of a median
        ceiling=ceiling,
        noise=float(np.median(noise)),
        heard=np.asarray(finite.any(0)),
    )


def _levels(lists: list[FloatArray], head: int) -> tuple[float, float]:
    """The first level, and the lowest mean of three in a row."""
    if not lists:
        return 0.0, 0.0
    first = float(np.median(np.concatenate([losses[:head] for losses in lists])))
    threes = [np.convolve(losses, np.ones(3) / 3, "valid") for losses in lists if losses.size >= 3]
    return first, min([float(means.min()) for means in threes] or [first])


def _bends(rows: FloatArray) -> FloatArray:
    """The standard deviation of one loss as each second difference shows it: a slope is no noise."""
    with np.errstate(invalid="ignore"):
        bends = np.abs(np.diff(rows, 2)) * 1.4826 / np.sqrt(6)
    return np.where(np.isfinite(bends), bends, np.nan)


def _noise(clipped: FloatArray) -> FloatArray:
    """The standard deviation of one loss, which may grow or shrink along the ramp: a median over a window; (N,)."""
    bends, n = _bends(clipped), clipped.shape[1]
    size = min(bends.shape[1], 2 * max(4, n // 14) + 1)
    windows = np.lib.stride_tricks.sliding_window_view(bends, size, axis=1)
    local = _median(np.moveaxis(windows, 1, 0).reshape(windows.shape[1], -1))
    found: FloatArray = local[np.clip(np.arange(n) - 1 - size // 2, 0, local.size - 1)]
    return found + _rounding(clipped)


def _rounding(losses: FloatArray) -> float:
    """What no difference between losses can be told below."""
    known = np.abs(losses[np.isfinite(losses)])
    return _ROUNDING * float(known.max(initial=0.0))


def _median(parts: FloatArray) -> FloatArray:
    """The median of each row, as far as it is known."""
    known = np.isfinite(parts).any(1)
    found = np.zeros(len(parts))
    found[known] = np.nanmedian(parts[known], axis=1)
    return found


def _head(size: int) -> int:
    """How many losses make the first level."""
    return max(3, size // _HEAD)
