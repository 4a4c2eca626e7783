"""A schedule over a run: every unit resolved, everything checked, ready to be read, explained, compared and drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from rheostat.errors import ScheduleError, brief, refuse
from rheostat.schedule.base import Bound, FloatArray, Place, Schedule
from rheostat.schedule.explain import explain
from rheostat.schedule.levels import choice, count, number
from rheostat.schedule.metric import Control
from rheostat.schedule.run import Axis, Run
from rheostat.schedule.span import Span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_VALUES = 10**9
_LARGEST = 1e15
_BLOCK = 2**13
_BLOCKS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Curve:
    """What a schedule is at every update of a run. Made by `schedule.over(run)`.

    Attributes:
        schedule: the schedule.
        run: the run that it is over.
        base: the base value that factors multiply, or None where the curve gives factors.
        axis: what positions count: "updates", "epochs" or "seconds".

    Example:
        >>> import rheostat as rh
        >>> curve = (rh.warmup("2 steps") >> rh.linear()).over(rh.Run(steps=6), base=0.1)
        >>> [curve.at(t) for t in (0, 1, 4, 6, 1000)]
        [0.05, 0.1, 0.05, 0.0, 0.0]
    """

    schedule: Schedule
    run: Run
    base: float | None = None
    axis: Axis = "updates"
    bound: Bound = field(init=False, repr=False, compare=False)
    controls: tuple[Control, ...] = field(init=False, repr=False, compare=False)
    _last: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            raise refuse("schedule", self.schedule, need="a schedule", mend="rh.parse(text)")
        choice("axis", self.axis, ("updates", "epochs", "seconds"))
        if self.base is not None:
            object.__setattr__(self, "base", number("base", self.base))
        whole = self.run.horizon(self.axis)
        place = Place(self.run, self.axis, self.base, length=None if whole is None else float(whole))
        bound = self.schedule.bind(place.within(self.schedule))
        object.__setattr__(self, "bound", bound)
        object.__setattr__(self, "controls", tuple(place.controls))
        object.__setattr__(self, "_last", _last_position(bound, whole, self.axis))
        self._check_ends()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.schedule, self.run, self.base, self.axis)

    @property
    def unit(self) -> Axis:
        """What positions count: "updates", "epochs" or "seconds"."""
        return self.axis

    @property
    def length(self) -> int | None:
        """Number of positions of the run on its axis (whole seconds, rounded up); None where it is unknown."""
        whole = self.run.horizon(self.axis)
        return None if whole is None else -int(-whole // 1)

    @property
    def joints(self) -> list[int]:
        """Where the parts of the outermost sequence begin, without the first."""
        return [math.ceil(part.begin) for part in self.bound.parts[1:] if self.bound.source.binds == 1]

    @property
    def start_factors(self) -> tuple[float, ...]:
        """The factor of each metric-driven part before any report."""
        return (1.0,) * len(self.controls)

    def at(self, t: float | str | Span, signals: Sequence[float] | None = None) -> float:
        """The value that update t uses.

        Args:
            t: an update ≥ 0 (on a wall-clock run seconds, with clock "epochs" an epoch), or a Span such as "3 epochs".
            signals: factors of metric-driven parts, in the order of `controls`; 1 each by default.

        Returns:
            The value as a float (a factor, where the curve has no base); past the end the last value.

        Raises:
            ScheduleError: if t is negative, not finite, or a length that the run cannot convert.
        """
        return float(self._values(np.array([self._position(t)]), self._signals(signals))[0])

    def values(self, start: int = 0, stop: int | None = None, signals: Sequence[float] | None = None) -> FloatArray:
        """The values of updates start … stop − 1.

        Args:
            start: first update (≥ 0).
            stop: one past the last update; the run's length by default.
            signals: as in `at`.

        Returns:
            A float64 array of shape (stop − start,), each element equal to `at` of its update, bit for bit.

        Raises:
            ScheduleError: if the run's length is unknown and `stop` is not given, or the range is not one.
        """
        if stop is None:
            stop = self.length
        if stop is None:
            raise refuse("stop", None, need="a number, because the run's length is unknown", mend="values(stop=1000)")
        start, stop = _whole("start", start), _whole("stop", stop)
        if not start <= stop <= start + _MOST_VALUES:
            raise refuse("stop", stop, need=f"at least start={start}, and at most {_MOST_VALUES} values in one call")
        known, result = self._signals(signals), np.empty(stop - start)
        for low in range(start, stop, _BLOCK):  # blocks that stay in the processor's cache
            high = min(low + _BLOCK, stop)
            result[low - start : high - start] = self._values(np.arange(low, high, dtype=np.float64), known)
        return result

    def factors(self, t: FloatArray, signals: Sequence[float] | None = None) -> FloatArray:
        """The factors at positions `t` ≥ 0 (a float64 array), of the same shape; values are these times the base."""
        if not isinstance(t, np.ndarray) or t.dtype != np.float64 or (t.size and not t.min() >= 0):  # as no NaN is
            raise refuse("t", t, need="a float64 array of positions ≥ 0", mend="np.arange(100.0), or at(...)")
        with np.errstate(all="ignore"):  # underflow to 0 is what a long decay does; what else there is was checked
            return self.bound(np.minimum(t, self._last), self.start_factors if signals is None else signals)

    def explain(self, t: float | str | Span, signals: Sequence[float] | None = None) -> str:
        """Where the value of update t comes from, as one line of text: the base times each factor in force."""
        position, known = self._position(t), self._signals(signals)
        factors = explain(self.bound, min(position, self._last), known)
        value = self.at(position, known)
        head = "factor" if self.base is None else f"{value:.6g} = {self.base:g} ×"
        tail = "  (past the end: the last value is held)" if position > self._last else ""
        return f"{self.axis[:-1]} {position:g}: {head} {factors}{tail}"

    def diff(self, other: Curve) -> Difference:
        """Where another curve first differs from this one, and by how much at most.

        Args:
            other: a curve on the same axis.

        Returns:
            A `Difference`; false where the two agree bit for bit over the longer of the two runs.

        Raises:
            ScheduleError: if the axes differ, or neither length is known.
        """
        if not isinstance(other, Curve):
            raise refuse("other", other, need="a curve", mend="schedule.over(run)")
        if other.axis != self.axis:
            raise refuse("other.axis", other.axis, need=f"the axis of this curve, {self.axis!r}")
        if self == other:
            return Difference()
        lengths = [n for n in (self.length, other.length) if n is not None]
        if not lengths:
            raise refuse("run", self.run, need="a known length of at least one of the two", mend="Run(steps=...)")
        if max(lengths) > _MOST_VALUES:
            raise refuse("run", self.run, need=f"at most {_MOST_VALUES:.0e} {self.axis}, to compare each of them")
        return _difference(self, other, max(lengths))

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the curve on Matplotlib axes (new ones by default), and return them."""
        from rheostat.view.pictures import plot_curve

        return plot_curve(self, ax=ax, **options)

    def sparkline(self, width: int = 40) -> str:
        """The curve as one line of block characters, scaled from 0 to its maximum."""
        count("width", width, least=1, most=10_000)
        n = self.length or 1000
        values = self._values(np.linspace(0, max(n - 1, 0), width).round(), None)
        top = float(values.max()) or 1.0
        return "".join(_BLOCKS[int(i)] for i in np.ceil(values / top * 8))

    def _repr_html_(self) -> str:
        from rheostat.view.html import curve_html

        return curve_html(self)

    def _values(self, t: FloatArray, signals: Sequence[float] | None) -> FloatArray:
        factors = self.factors(t, signals)
        return factors if self.base is None else factors * self.base

    def _signals(self, signals: Sequence[float] | None) -> Sequence[float]:
        """One factor for each metric-driven part."""
        if signals is None:
            return self.start_factors
        known = [float(number(f"signals[{i}]", s)) for i, s in enumerate(signals)]
        if len(known) != len(self.controls):
            raise refuse("signals", known, need=f"one factor for each metric-driven part: {len(self.controls)}")
        return known

    def _position(self, t: float | str | Span) -> float:
        if isinstance(t, Real):
            return float(number("t", t, most=_LARGEST))  # type: ignore[arg-type]
        if not isinstance(t, (str, Span)):
            raise refuse("t", t, need="an update ≥ 0, or a length with a unit", mend="100 or '3 epochs'")
        span = Span.of(t, "t", zero=True)
        exact = self.run.convert(span, self.axis, "t")
        return float(exact) if self.axis == "seconds" else float((exact + Fraction(1, 2)) // 1)

    def _check_ends(self) -> None:
        """A last line of defence: no value that is accepted may be infinite, negative or NaN."""
        far = self._last if np.isfinite(self._last) else _LARGEST
        probes = np.unique(np.array([0.0, 1.0, far / 2, max(far - 1, 0.0), far, *map(float, self.joints)]))
        values = self._values(probes, None)
        if not (np.isfinite(values) & (values >= 0)).all():
            i = int(np.argmin(np.isfinite(values) & (values >= 0)))
            where = f"{self.axis[:-1]} {probes[i]:g} uses {values[i]:g}"
            raise ScheduleError(f"{brief(self.schedule)}: need finite values ≥ 0; {where}. Try smaller factors.")


@dataclass(frozen=True)
class Difference:
    """How two curves differ: false if they do not.

    Attributes:
        first: the first update at which they differ, or None.
        values: the two values there, or None.
        largest: the largest difference |a − b|.
        at: the update of the largest difference, or None.
    """

    first: int | None = None
    values: tuple[float, float] | None = None
    largest: float = 0.0
    at: int | None = None

    def __bool__(self) -> bool:
        return self.first is not None

    def __str__(self) -> str:
        if self.values is None:
            return "no difference"
        a, b = _told_apart(*self.values)
        return f"first at {self.first}: {a} and {b}; largest at {self.at}: {self.largest:g} apart"


def _told_apart(a: float, b: float) -> tuple[str, str]:
    """Two values that differ, with as many digits as it takes to see that, from six on."""
    texts = ((f"{a:.{digits}g}", f"{b:.{digits}g}") for digits in range(6, 18))
    return next((x, y) for x, y in texts if x != y)


def _whole(name: str, value: float) -> int:
    found = number(name, value, most=_LARGEST)
    if found != int(found):
        raise refuse(name, value, need="a whole number ≥ 0", mend=f"{name}={int(found)}")
    return int(found)


def _last_position(bound: Bound, whole: Fraction | None, axis: Axis) -> float:
    """The position whose value is held ever after: the end, or, where the run cuts a longer schedule off, its last
    update, so that holding it cannot be a restart.
    """
    if whole is None:
        return np.inf if bound.length is None else bound.length
    cut_off = bound.length is not None and bound.length > whole and axis != "seconds"
    return float(whole) - 1.0 if cut_off else float(whole)


def _difference(a: Curve, b: Curve, n: int, block: int = 2**20) -> Difference:
    first: int | None = None
    pair: tuple[float, float] | None = None
    largest, at = 0.0, None
    for begin in range(0, n, block):
        x, y = a.values(begin, min(begin + block, n)), b.values(begin, min(begin + block, n))
        apart = np.abs(x - y)
        i = int(np.argmax(apart))
        if apart[i] > largest:
            largest, at = float(apart[i]), begin + i
        if first is None and apart[i] > 0:
            j = int(np.argmax(apart > 0))
            first, pair = begin + j, (float(x[j]), float(y[j]))
    return Difference(first, pair, largest, at)
