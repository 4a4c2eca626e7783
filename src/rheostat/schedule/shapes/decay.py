"""Shapes that go from one level to another over their length.

Each says how far it has come, from 0 to 1, in more digits than a float64 has; the mixture of the two levels is then
rounded once. So small values near the end are as accurate as large ones, both ends are exact, and nothing rises that
should fall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rheostat.schedule.base import FloatArray, Formula, Place, Schedule, Shape, maker
from rheostat.schedule.levels import Level, level, number
from rheostat.schedule.precise import Pair, fallen, half_cosine, mixture, quotient, root
from rheostat.schedule.span import Span


@dataclass(frozen=True, slots=True, repr=False)
class Decay(Shape):
    """From `start` to `end`; abstract in how far it has come."""

    needs_length: ClassVar[bool] = True
    end: Level = 0.0
    start: Level = 1.0
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        start, end = place.fall(self.start, self.end, self.name)
        assert place.length is not None
        n, passed = place.length, self.passed
        return lambda t: mixture(start, end, passed(t, n))

    def passed(self, t: FloatArray, n: float) -> Pair:
        """How far it has come at 0 ≤ t ≤ n: from 0 to 1."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, repr=False)
class Linear(Decay):
    name: ClassVar[str] = "linear"

    def passed(self, t: FloatArray, n: float) -> Pair:
        return quotient(t, n)


@dataclass(frozen=True, slots=True, repr=False)
class Cosine(Decay):
    name: ClassVar[str] = "cosine"

    def passed(self, t: FloatArray, n: float) -> Pair:
        return half_cosine(t, n)


@dataclass(frozen=True, slots=True, repr=False)
class Polynomial(Decay):
    name: ClassVar[str] = "polynomial"
    power: float = 1.0

    def passed(self, t: FloatArray, n: float) -> Pair:
        return fallen(t, n, float(self.power))


@dataclass(frozen=True, slots=True, repr=False)
class OneMinusSqrt(Decay):
    name: ClassVar[str] = "one_minus_sqrt"

    def passed(self, t: FloatArray, n: float) -> Pair:
        return root(t, n)


@dataclass(frozen=True, slots=True, repr=False)
class Rex(Decay):
    name: ClassVar[str] = "rex"

    def passed(self, t: FloatArray, n: float) -> Pair:
        # 1 − (1 − p)/(1 − p/2), in whole positions: the sum is exact.
        return quotient(t, n + (n - t))


@maker
def linear(*, end: Level = 0.0, start: Level = 1.0, over: Span | str | None = None) -> Schedule:
    """Go from `start` to `end` in a straight line.

    factor(t) = start·(1 − t/N) + end·t/N for 0 ≤ t < N, and `end` from t = N on.

    Picture::

        linear()                                      ██████▇▇▇▇▇▇▆▆▆▆▆▆▅▅▅▅▅▅▄▄▄▄▄▄▃▃▃▃▃▃▂▂▂▂▂▂▁▁▁▁▁▁

    Args:
        end: level reached at t = N: a factor ≥ 0, or `absolute(value)`.
        start: level at t = 0, likewise.
        over: length N; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for a level that is negative or not finite, or a length without a unit.

    Example:
        >>> import rheostat as rh
        >>> rh.linear(end=0.5).over(rh.Run(steps=2)).at(1)
        0.75

    Source: Goyal et al. 2017 (arXiv 1706.02677) for the rise; the usual fine-tuning decay of BERT (arXiv 1810.04805).
    Equals PyTorch's LinearLR(start_factor=start, end_factor=end, total_iters=N).
    """
    return Linear(end=level("end", end), start=level("start", start), span=Span.or_rest(over))


@maker
def cosine(*, end: Level = 0.0, start: Level = 1.0, over: Span | str | None = None) -> Schedule:
    """Go from `start` to `end` along half a cosine: slowly at first and at last.

    factor(t) = end + (start − end)·(1 + cos(π·t/N))/2 for 0 ≤ t < N, and `end` from t = N on.

    Picture::

        cosine()                                      ███████████▇▇▇▇▇▆▆▆▆▅▅▅▅▄▄▄▄▃▃▃▃▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁

    Args:
        end: level reached at t = N: a factor ≥ 0, or `absolute(value)`.
        start: level at t = 0, likewise.
        over: length N; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for a level that is negative or not finite, or a length without a unit.

    Example:
        >>> import rheostat as rh
        >>> round(rh.cosine(end=0.1).over(rh.Run(steps=2)).at(1), 12)
        0.55

    Source: Loshchilov & Hutter 2017, SGDR (arXiv 1608.03983), equation 5, one cycle.
    Equals PyTorch's CosineAnnealingLR(T_max=N, eta_min=end·base), which climbs again past N; this one does not.
    """
    return Cosine(end=level("end", end), start=level("start", start), span=Span.or_rest(over))


@maker
def polynomial(*, power: float = 1.0, end: Level = 0.0, start: Level = 1.0, over: Span | str | None = None) -> Schedule:
    """Go from `start` to `end` as a power of the remaining progress.

    factor(t) = end + (start − end)·(1 − t/N)^power for 0 ≤ t < N, and `end` from t = N on.

    Picture::

        polynomial(power=2)                           ████▇▇▇▆▆▆▅▅▅▅▄▄▄▄▄▃▃▃▃▃▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁

    Args:
        power: exponent, above 0 (at most 1000); 1 is linear, 2 falls early, 0.5 falls late.
        end: level reached at t = N: a factor ≥ 0, or `absolute(value)`.
        start: level at t = 0, likewise.
        over: length N; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for an argument out of range.

    Example:
        >>> import rheostat as rh
        >>> rh.polynomial(power=2).over(rh.Run(steps=2)).at(1)
        0.25

    Source: the "poly" policy of Caffe and DeepLab (arXiv 1606.00915, section 3.2).
    Equals PyTorch's PolynomialLR(total_iters=N, power=power) with end=0.
    """
    return Polynomial(
        end=level("end", end),
        start=level("start", start),
        span=Span.or_rest(over),
        power=number("power", power, above=0.0, most=1000.0),
    )


@maker
def one_minus_sqrt(*, end: Level = 0.0, start: Level = 1.0, over: Span | str | None = None) -> Schedule:
    """Go from `start` to `end` as 1 − √progress: steeply at first; the cooldown of a warmup-stable-decay run.

    factor(t) = end + (start − end)·(1 − √(t/N)) for 0 ≤ t < N, and `end` from t = N on.

    Picture::

        one_minus_sqrt()                              █▇▇▆▆▆▆▅▅▅▅▅▄▄▄▄▄▄▄▃▃▃▃▃▃▃▃▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁

    Args:
        end: level reached at t = N: a factor ≥ 0, or `absolute(value)`.
        start: level at t = 0, likewise.
        over: length N; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for a level that is negative or not finite, or a length without a unit.

    Example:
        >>> import rheostat as rh
        >>> rh.one_minus_sqrt().over(rh.Run(steps=4)).at(1)
        0.5

    Source: Hägele et al. 2024, Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations
    (arXiv 2405.18392), section 3. PyTorch has no such class.
    """
    return OneMinusSqrt(end=level("end", end), start=level("start", start), span=Span.or_rest(over))


@maker
def rex(*, end: Level = 0.0, start: Level = 1.0, over: Span | str | None = None) -> Schedule:
    """Go from `start` to `end` along a reflected exponential: high for long, then down steeply.

    factor(t) = end + (start − end)·(1 − p)/(1 − p/2), with p = t/N for 0 ≤ t < N, and `end` from t = N on.

    Picture::

        rex()                                         ███████████▇▇▇▇▇▇▇▇▆▆▆▆▆▆▆▅▅▅▅▅▅▄▄▄▄▄▃▃▃▃▂▂▂▁▁▁▁

    Args:
        end: level reached at t = N: a factor ≥ 0, or `absolute(value)`.
        start: level at t = 0, likewise.
        over: length N; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for a level that is negative or not finite, or a length without a unit.

    Example:
        >>> import rheostat as rh
        >>> round(rh.rex().over(rh.Run(steps=2)).at(1), 12)
        0.666666666667

    Source: Chen, Wolfe & Kyrillidis 2022, REX: Revisiting Budgeted Training (arXiv 2107.04197), section 4.
    PyTorch has no such class.
    """
    return Rex(end=level("end", end), start=level("start", start), span=Span.or_rest(over))
