"""Shapes that depend on time alone, and need no end: constant, step, multistep, exponential, inverse_sqrt."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rheostat.errors import ScheduleError, refuse
from rheostat.schedule.base import FloatArray, Formula, Place, Schedule, Shape, maker
from rheostat.schedule.levels import Level, level, number
from rheostat.schedule.periods import Periods
from rheostat.schedule.precise import power, rounded
from rheostat.schedule.span import Span

_LARGEST = 1e12  # a factor beyond this is a mistake, and would soon be infinite


@dataclass(frozen=True, slots=True, repr=False)
class Constant(Shape):
    name: ClassVar[str] = "constant"
    factor: Level = 1.0
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        factor = place.level(self.factor, "constant(factor)")
        return lambda t: np.full_like(t, factor)


@dataclass(frozen=True, slots=True, repr=False)
class Step(Shape):
    name: ClassVar[str] = "step"
    every: Span
    factor: float
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        every = place.period(self.every, "step(every)")
        periods, factor = Periods.at(place, every), float(self.factor)
        check_growth(self, place, float(every))
        return lambda t: factor ** periods.index(place.before_end(t))


@dataclass(frozen=True, slots=True, repr=False)
class Multistep(Shape):
    name: ClassVar[str] = "multistep"
    at: tuple[Span, ...]
    factor: float
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        at = np.array([place.position(span, f"multistep(at[{i}])") for i, span in enumerate(self.at)])
        if at[0] < place.least:
            raise refuse("at[0]", str(self.at[0]), need="at least one update before the first drop", mend="'1 steps'")
        if (np.diff(at) <= 0).any():
            i = int(np.argmax(np.diff(at) <= 0))
            need = f"places in rising order; {self.at[i]} and {self.at[i + 1]} are updates {at[i]:g} and {at[i + 1]:g}"
            raise refuse("at", [str(span) for span in self.at], need=need, mend="the same places, sorted, each once")
        powers: FloatArray = float(self.factor) ** np.arange(len(at) + 1, dtype=np.float64)
        return lambda t: powers[np.searchsorted(at, place.before_end(t), side="right")]


@dataclass(frozen=True, slots=True, repr=False)
class Exponential(Shape):
    name: ClassVar[str] = "exponential"
    factor: float
    every: Span
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        every, factor = place.run.convert(self.every, place.axis, "exponential(every)"), float(self.factor)
        check_growth(self, place, float(every))
        return lambda t: rounded(power(factor, t, every))


@dataclass(frozen=True, slots=True, repr=False)
class InverseSqrt(Shape):
    name: ClassVar[str] = "inverse_sqrt"
    timescale: Span
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        scale = float(place.run.convert(self.timescale, place.axis, "inverse_sqrt(timescale)"))
        return lambda t: np.sqrt(scale / (scale + t))


def check_growth(shape: Step | Exponential, place: Place, every: float) -> None:
    """Refuse a factor above 1 that is never bounded, or that ends beyond any sensible value."""
    if shape.factor <= 1:
        return
    if place.length is None:
        raise refuse("factor", shape.factor, need="at most 1 where the run has no end", mend="over='1000 steps'")
    if place.length / every * math.log(shape.factor) > math.log(_LARGEST):
        need = f"a factor that stays below {_LARGEST:g} over {place.length:g} {place.axis}"
        raise refuse("factor", shape.factor, need=need, mend="a smaller factor, or a longer every=")


@maker
def constant(factor: Level = 1.0, *, over: Span | str | None = None) -> Schedule:
    """Hold one level.

    factor(t) = factor for every t ≥ 0.

    Picture::

        constant(0.5)                                 ████████████████████████████████████████████████

    Args:
        factor: the level: a factor ≥ 0, or `absolute(value)`.
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for a level that is negative or not finite.

    Example:
        >>> import rheostat as rh
        >>> rh.constant(0.1, over="5 epochs") >> rh.constant()
        constant(0.1, over='5 epochs') >> constant()

    Source: a fixed learning rate; the sequence above equals PyTorch's ConstantLR(factor=0.1, total_iters=5).
    """
    return Constant(level("factor", factor), Span.or_rest(over))


@maker
def step(*, every: Span | str, factor: float, over: Span | str | None = None) -> Schedule:
    """Multiply by `factor` at regular intervals.

    factor(t) = factor^⌊t/every⌋ for t ≥ 0; a drop falls on the nearest whole update to k·every.

    Picture::

        step(every="25%", factor=0.5)                 ████████████▄▄▄▄▄▄▄▄▄▄▄▄▂▂▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁

    Args:
        every: length between drops, with a unit.
        factor: what each drop multiplies by, above 0; above 1 only where that stays bounded.
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for an argument out of range or a length without a unit.

    Example:
        >>> import rheostat as rh
        >>> rh.step(every="2 steps", factor=0.5).over(rh.Run(steps=5)).values()
        array([1.  , 1.  , 0.5 , 0.5 , 0.25])

    Source: the staircase of He et al. 2016 (arXiv 1512.03385), section 3.4.
    Equals PyTorch's StepLR(step_size=every, gamma=factor).
    """
    return Step(Span.of(every, "every"), number("factor", factor, above=0.0), Span.or_rest(over))


@maker
def multistep(*, at: Iterable[Span | str], factor: float, over: Span | str | None = None) -> Schedule:
    """Multiply by `factor` at each of the given places.

    factor(t) = factor^(number of places ≤ t) for t ≥ 0. Places count from where this schedule begins.

    Picture::

        multistep(at=["50%", "75%"], factor=0.5)      ████████████████████████▄▄▄▄▄▄▄▄▄▄▄▄▂▂▂▂▂▂▂▂▂▂▂▂

    Args:
        at: places, each with a unit, in rising order, each after the first update.
        factor: what each drop multiplies by, in (0, 1e9].
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for places that are unsorted, doubled or lack a unit, or a factor out of range.

    Example:
        >>> import rheostat as rh
        >>> rh.multistep(at=["1 steps", "3 steps"], factor=0.5).over(rh.Run(steps=4)).at(3)
        0.25

    Source: He et al. 2016 (arXiv 1512.03385), section 4.2, drops at 32k and 48k iterations.
    Equals PyTorch's MultiStepLR(milestones=at, gamma=factor).
    """
    if isinstance(at, (str, Span)) or not isinstance(at, Iterable):
        raise refuse("at", at, need="a list of places with units", mend="at=['30 epochs', '60 epochs']")
    places = tuple(Span.of(span, f"at[{i}]") for i, span in enumerate(at))
    if not places:
        raise refuse("at", [], need="at least one place", mend="at=['30 epochs', '60 epochs']")
    checked = number("factor", factor, above=0.0)
    if len(places) * math.log(checked) > math.log(_LARGEST):
        raise ScheduleError(
            f"factor={factor!r}: need a factor that stays below {_LARGEST:g} after {len(places)} steps."
        )
    return Multistep(places, checked, Span.or_rest(over))


@maker
def exponential(*, factor: float, every: Span | str, over: Span | str | None = None) -> Schedule:
    """Multiply by `factor` per interval, smoothly at every update.

    factor(t) = factor^(t/every) for t ≥ 0.

    Picture::

        exponential(factor=0.1, every="100%")         ███▇▇▇▆▆▆▆▅▅▅▅▅▄▄▄▄▄▄▃▃▃▃▃▃▃▃▂▂▂▂▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁

    Args:
        factor: what one interval multiplies by, above 0; above 1 only where that stays bounded.
        every: the interval, with a unit.
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for an argument out of range or a length without a unit.

    Example:
        >>> import rheostat as rh
        >>> rh.exponential(factor=0.5, every="2 steps").over(rh.Run(steps=5)).at(4)
        0.25

    Source: exponential decay. Equals PyTorch's ExponentialLR(gamma=factor), stepped once per `every`, at those
    moments, and goes on between them.
    """
    return Exponential(number("factor", factor, above=0.0), Span.of(every, "every"), Span.or_rest(over))


@maker
def inverse_sqrt(timescale: Span | str, *, over: Span | str | None = None) -> Schedule:
    """Fall with the inverse square root of time, without an end.

    factor(t) = 1/√(1 + t/timescale) for t ≥ 0.

    Picture::

        inverse_sqrt("10%")                           ██▇▇▆▆▆▆▅▅▅▅▅▅▅▄▄▄▄▄▄▄▄▄▄▄▄▄▄▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃

    Args:
        timescale: length after which the factor is 1/√2; after a warmup, that warmup's length.
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for a length that is 0 or lacks its unit.

    Example:
        >>> import rheostat as rh
        >>> noam = rh.warmup("4000 steps") >> rh.inverse_sqrt("4000 steps")
        >>> noam.over(rh.Run()).at(16_000)
        0.5

    Source: Vaswani et al. 2017 (arXiv 1706.03762), section 5.3, relative to its peak. PyTorch has no such class.
    """
    return InverseSqrt(Span.of(timescale, "timescale"), Span.or_rest(over))
