"""A recorded ramp: learning rates and what the loss was at each, for one pass or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rheostat.errors import refuse
from rheostat.schedule.base import FloatArray

FEWEST = 5


@dataclass(frozen=True, eq=False)
class RangeCurve:
    """Losses over learning rates.

    Attributes:
        lrs: float64, shape (N,), rising.
        losses: float64, shape (passes, N); inf where a pass had diverged, NaN where it never came.
    """

    lrs: FloatArray
    losses: FloatArray

    @classmethod
    def of(cls, lrs: Sequence[float] | FloatArray, passes: Sequence[Sequence[float] | FloatArray]) -> RangeCurve:
        """A curve from passes over the same learning rates; a pass may be shorter.

        What is not finite counts as diverged, and so does all that came after it. A loss at a learning rate that
        comes twice is averaged.

        Raises:
            ScheduleError: if learning rates are not above 0, or lengths do not fit.
        """
        x = np.asarray(lrs, dtype=np.float64).reshape(-1)
        if not passes:
            raise refuse("losses", [], need="the losses of at least one pass")
        if not (np.isfinite(x).all() and (x > 0).all()):
            raise refuse("lrs", x[~(np.isfinite(x) & (x > 0))][0], need="finite learning rates above 0")
        rows = np.full((len(passes), x.size), np.nan)
        for row, losses in zip(rows, passes, strict=True):
            values = np.asarray(losses, dtype=np.float64).reshape(-1)
            if values.size > x.size:
                raise refuse("losses", values.size, need=f"as many losses as learning rates, {x.size}")
            row[: values.size] = values
            broken = np.flatnonzero(~np.isfinite(values))
            if broken.size:
                row[broken[0] :] = np.inf
        order = np.argsort(x, kind="stable")
        x, rows = x[order], rows[:, order]
        distinct, where = np.unique(x, return_inverse=True)
        if distinct.size < x.size:
            rows = np.stack([np.bincount(where, row, distinct.size) / np.bincount(where) for row in rows])
        if distinct.size < FEWEST:
            raise refuse("lrs", distinct.size, need=f"at least {FEWEST} different learning rates")
        return cls(_fixed(distinct), _fixed(rows))

    @property
    def decades(self) -> FloatArray:
        """The decimal logarithms of the learning rates."""
        return np.log10(self.lrs)


def _fixed(values: FloatArray) -> FloatArray:
    values.setflags(write=False)
    return values
