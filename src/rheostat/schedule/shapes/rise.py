"""The rise at the beginning of training: warmup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rheostat.errors import refuse
from rheostat.schedule.base import Formula, Place, Schedule, Shape, maker
from rheostat.schedule.levels import Absolute, Level, choice, level
from rheostat.schedule.precise import half_cosine, mixture, power, quotient, rounded
from rheostat.schedule.span import Span


@dataclass(frozen=True, slots=True, repr=False)
class Warmup(Shape):
    name: ClassVar[str] = "warmup"
    needs_length: ClassVar[bool] = True
    span: Span
    start: Level | None = None
    shape: str = "linear"

    def formula(self, place: Place) -> Formula:
        assert place.length is not None
        n = place.length
        if self.shape == "exponential":
            share = self._start(place, self.start)
            if share <= 0:
                raise refuse("start", self.start, need="a start above 0 for an exponential warmup", mend="start=0.01")
            return lambda t: rounded(power(share, n - t, n))
        offset, start = (self._tick(place), 0.0) if self.start is None else (0.0, self._start(place, self.start))
        passed = quotient if self.shape == "linear" else half_cosine
        return lambda t: mixture(start, 1.0, passed(np.minimum(t + offset, n), n))

    def _start(self, place: Place, level: Level | None) -> float:
        assert level is not None
        start = place.level(level, "warmup(start)")
        if start > 1:
            raise refuse("start", level, need=f"at most the base value, {place.base}", mend="a smaller start")
        return start

    def _tick(self, place: Place) -> float:
        """How far one update is, on an axis where that is known; by default a hundredth of the warmup."""
        if place.axis != "seconds":
            return 1.0
        assert place.length is not None
        return min(place.run.seconds_per_step or place.length / 100, place.length)


@maker
def warmup(over: Span | str, *, start: Level | None = None, shape: str = "linear") -> Schedule:
    """Rise to 1 over a length W, from the first update's share or from `start`.

    Without `start`: factor(t) = (t + 1)/W for 0 ≤ t < W, so that update 0 is not wasted at 0 and update W − 1 has
    the full value. With `start`: factor(t) = start·(1 − t/W) + t/W, so `start` at t = 0 and 1 at t = W. The cosine
    shape puts sin²(π/2·p) for p, the same progress; the exponential one is start^(1 − t/W). 1 from t = W on.

    Picture::

        warmup("100%")                                ▁▁▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇██████
        warmup("100%", shape="cosine")                ▁▁▁▁▁▁▁▁▁▁▁▂▂▂▂▂▃▃▃▃▄▄▄▄▅▅▅▅▆▆▆▆▇▇▇▇▇███████████

    Args:
        over: length W, with a unit: "500 steps", "5%", "2 epochs".
        start: level at t = 0: a factor in [0, 1], or `absolute(value)`; required (above 0) by "exponential".
        shape: "linear", "cosine" or "exponential".

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for a length that is 0 or lacks its unit, a start above 1, or an unknown shape.

    Example:
        >>> import rheostat as rh
        >>> rh.warmup("4 steps").over(rh.Run(steps=6)).values()
        array([0.25, 0.5 , 0.75, 1.  , 1.  , 1.  ])

    Source: Goyal et al. 2017 (arXiv 1706.02677), section 2.2, gradual warmup; the 1-based count follows
    Ma & Yarats 2019 (arXiv 1910.04209). With start=s equals PyTorch's LinearLR(start_factor=s, total_iters=W).
    On a wall-clock run one update's share is `seconds_per_step` of the Run, or a hundredth of W.
    """
    choice("shape", shape, ("linear", "cosine", "exponential"))
    if start is not None:
        start = level("start", start)
        if not isinstance(start, Absolute) and start > 1:
            raise refuse("start", start, need="a factor in [0, 1], or absolute(...)", mend="start=0.01")
    if shape == "exponential" and (start is None or start == 0):
        raise refuse("start", start, need="a start above 0 for an exponential warmup", mend="start=0.01")
    return Warmup(Span.of(over, "over"), start, shape)
