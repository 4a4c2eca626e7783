"""Shapes that come again: triangular cycles, and cosine decay with restarts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from rheostat.errors import ScheduleError, refuse
from rheostat.schedule.base import FloatArray, Formula, Place, Schedule, Shape, maker
from rheostat.schedule.levels import Absolute, Level, choice, flag, level, number
from rheostat.schedule.periods import Cycles, Growing, Periods
from rheostat.schedule.precise import Pair, half_cosine, mixture, power, quotient, times
from rheostat.schedule.span import Span

_Fade = Callable[[FloatArray, FloatArray], Pair]
_LEAST = 1e-300  # in place of a fall of no length, which owns no position
_MODES = ("triangular", "triangular2", "exp_range")


@dataclass(frozen=True, slots=True, repr=False)
class Cyclic(Shape):
    name: ClassVar[str] = "cyclic"
    low: Level
    up: Span
    down: Span | None = None
    mode: str = "triangular"
    factor: float | None = None
    every: Span | None = None
    inverted: bool = False
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        low = place.level(self.low, "cyclic(low)")
        if low > 1:
            raise refuse("low", self.low, need=f"at most the base value, {place.base}", mend="a smaller low")
        up = place.period(self.up, "cyclic(up)")
        down = up if self.down is None else place.period(self.down, "cyclic(down)")
        cycles, fade = Periods.at(place, up + down), self._fade(place)
        trough, crest = (1.0, low) if self.inverted else (low, 1.0)

        def formula(t: FloatArray) -> FloatArray:
            index = cycles.index(place.before_end(t))
            # Each cycle has a peak of its own on a whole update: it is reached, however the lengths fall.
            begin, peak, end = cycles.begin(index), cycles.begin(index, up), cycles.begin(index + 1)
            rising = t < peak
            side = np.where(rising, peak - begin, np.maximum(end - peak, _LEAST))
            rise = quotient(np.clip(np.where(rising, t - begin, end - t), 0.0, side), side)
            return mixture(trough, crest, times(rise, fade(t, index)))

        return formula

    def _fade(self, place: Place) -> _Fade:
        if self.mode == "triangular2":
            return lambda _, index: (0.5**index, np.zeros_like(index))
        if self.mode == "exp_range":
            assert self.factor is not None
            assert self.every is not None
            every, factor = place.run.convert(self.every, place.axis, "cyclic(every)"), float(self.factor)
            return lambda t, _: power(factor, t, every)
        return lambda t, _: (np.ones_like(t), np.zeros_like(t))


@dataclass(frozen=True, slots=True, repr=False)
class CosineRestarts(Shape):
    name: ClassVar[str] = "cosine_restarts"
    period: Span
    growth: float = 1
    end: Level = 0.0
    decay: float = 1.0
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        _, end = place.fall(1.0, self.end, self.name)
        cycles, decay = self._cycles(place), float(self.decay)

        def formula(t: FloatArray) -> FloatArray:
            index = cycles.index(place.before_end(t))
            begin = cycles.begin(index)
            local, length = t - begin, cycles.begin(index + 1) - begin
            peak = np.maximum(decay**index, min(end, 1.0))
            return mixture(peak, end, half_cosine(np.clip(local, 0.0, length), length))

        return formula

    def _cycles(self, place: Place) -> Cycles:
        period = place.period(self.period, "cosine_restarts(period)")
        if self.growth == 1:
            return Periods.at(place, period)
        return Growing.at(place, period, Fraction(repr(self.growth)))


@maker
def cyclic(
    *,
    low: Level,
    up: Span | str,
    down: Span | str | None = None,
    mode: str = "triangular",
    factor: float | None = None,
    every: Span | str | None = None,
    inverted: bool = False,
    over: Span | str | None = None,
) -> Schedule:
    """Rise from `low` to 1 and fall back, in straight lines, again and again.

    factor(t) = low + (1 − low)·a(t)·r(t), where r rises 0 → 1 over `up` and falls 1 → 0 over `down`. The amplitude
    a is 1 ("triangular"), 2^−k in cycle k ("triangular2"), or factor^(t/every) ("exp_range"). Inverted, for
    momentum: 1 − (1 − low)·a(t)·r(t).

    Picture::

        cyclic(low=0.1, up="20%")                     ▁▂▃▄▄▅▆▇▇██▇▇▆▅▄▃▃▂▁▂▃▄▅▅▆▇███▇▆▆▅▄▃▃▂▂▂▃▄▅▅▆▇██

    Args:
        low: level between the peaks: a factor in [0, 1], or `absolute(value)`; the peak is the base value.
        up: length of a rise, with a unit.
        down: length of a fall; as `up` by default.
        mode: "triangular", "triangular2" or "exp_range".
        factor: for "exp_range": what the amplitude is multiplied by per `every`, in (0, 1].
        every: for "exp_range": that interval, with a unit.
        inverted: whether to start at 1 and dip to `low` instead.
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for an argument out of range, or `factor` and `every` without "exp_range" or the reverse.

    Example:
        >>> import rheostat as rh
        >>> rh.cyclic(low=0.5, up="2 steps").over(rh.Run(steps=5)).values()
        array([0.5 , 0.75, 1.  , 0.75, 0.5 ])

    Source: Smith 2017, Cyclical Learning Rates (arXiv 1506.01186), section 3. Equals PyTorch's
    CyclicLR(base_lr=low·base, max_lr=base, step_size_up=up, step_size_down=down, mode, gamma=factor per step).
    """
    choice("mode", mode, _MODES)
    if (mode == "exp_range") != (factor is not None and every is not None) or (factor is None) != (every is None):
        raise ScheduleError(
            f"mode={mode!r}, factor={factor!r}, every={every!r}: need factor and every with mode='exp_range', and "
            "neither otherwise. Try mode='exp_range', factor=0.9, every='1 epoch'."
        )
    low = level("low", low)
    if not isinstance(low, Absolute) and low > 1:
        raise refuse("low", low, need="a factor in [0, 1], or absolute(...)", mend="low=0.1")
    return Cyclic(
        low=low,
        up=Span.of(up, "up"),
        down=None if down is None else Span.of(down, "down"),
        mode=mode,
        factor=None if factor is None else number("factor", factor, above=0.0, most=1.0),
        every=None if every is None else Span.of(every, "every"),
        inverted=flag("inverted", inverted),
        span=Span.or_rest(over),
    )


@maker
def cosine_restarts(
    *,
    period: Span | str,
    growth: float = 1,
    end: Level = 0.0,
    decay: float = 1.0,
    over: Span | str | None = None,
) -> Schedule:
    """Fall along half a cosine, jump back up, and fall again, over periods that may grow.

    Cycle k is period·growth^k long. In it, factor = end + (peak − end)·(1 + cos(π·p))/2 for progress p of the cycle,
    with peak = max(decay^k, end). A cycle that is cut off by the end of the schedule is held where it is.

    Picture::

        cosine_restarts(period="30%")                 ████▇▆▅▅▄▃▂▁▁▁▁███▇▆▆▅▄▃▂▁▁▁▁███▇▆▆▅▄▃▂▂▁▁▁███▇▇

    Args:
        period: length of the first cycle, with a unit.
        growth: how many times longer each cycle is than the one before, ≥ 1.
        end: level at the end of each cycle: a factor in [0, 1], or `absolute(value)`.
        decay: what the peak is multiplied by at each restart, in (0, 1].
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for an argument out of range or a length without a unit.

    Example:
        >>> import rheostat as rh
        >>> rh.cosine_restarts(period="2 steps", decay=0.5).over(rh.Run(steps=4)).values().round(6)
        array([1.  , 0.5 , 0.5 , 0.25])

    Source: Loshchilov & Hutter 2017, SGDR (arXiv 1608.03983), section 3; the decaying peak as in timm.
    Equals PyTorch's CosineAnnealingWarmRestarts(T_0=period, T_mult=growth, eta_min=end·base).
    """
    end = level("end", end)
    if not isinstance(end, Absolute) and end > 1:
        raise refuse("end", end, need="a factor in [0, 1], or absolute(...)", mend="end=0.1")
    return CosineRestarts(
        period=Span.of(period, "period"),
        growth=number("growth", growth, least=1.0, most=1000.0),
        end=end,
        decay=number("decay", decay, above=0.0, most=1.0),
        span=Span.or_rest(over),
    )
