"""Shapes of one's own: through given points, or from a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rheostat.errors import ScheduleError, refuse
from rheostat.schedule.base import FloatArray, Formula, Place, Schedule, Shape, maker
from rheostat.schedule.levels import Level, choice, level
from rheostat.schedule.precise import half_cosine, mixture, quotient
from rheostat.schedule.span import Span


@dataclass(frozen=True, slots=True, repr=False)
class Piecewise(Shape):
    name: ClassVar[str] = "piecewise"
    points: tuple[tuple[Span, Level], ...]
    shape: str = "linear"
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        at = np.array([place.position(span, f"piecewise(points[{i}])") for i, (span, _) in enumerate(self.points)])
        levels = np.array([place.level(value, f"piecewise(points[{i}])") for i, (_, value) in enumerate(self.points)])
        if (np.diff(at) <= 0).any():
            i = int(np.argmax(np.diff(at) <= 0))
            here, there = self.points[i][0], self.points[i + 1][0]
            need = f"places in rising order; {here} and {there} are updates {at[i]:g} and {at[i + 1]:g}"
            raise refuse("points", [str(span) for span, _ in self.points], need=need, mend="the same points, sorted")
        if self.shape == "constant":
            levels = np.concatenate([levels[:1], levels])  # the first one is held before its place too
            formula: Formula = lambda t: levels[np.searchsorted(at, place.before_end(t), side="right")]
            return formula
        return lambda t: _between(t, at, levels, smooth=self.shape == "cosine")


@dataclass(frozen=True, slots=True, repr=False)
class FromFunction(Shape):
    name: ClassVar[str] = "from_function"
    needs_length: ClassVar[bool] = True
    f: Callable[[FloatArray], FloatArray]
    span: Span | None = None

    def formula(self, place: Place) -> Formula:
        assert place.length is not None
        n = place.length
        # A look at the whole range now, so that a bad formula is found before training and not during it.
        self._checked(np.linspace(0.0, 1.0, 1001))
        return lambda t: self._checked(t / n)

    def _checked(self, progress: FloatArray) -> FloatArray:
        try:
            values = np.asarray(self.f(progress), dtype=np.float64)
        except Exception as error:
            raise ScheduleError(f"{self!r}: the function raised {type(error).__name__}: {error}") from error
        if values.shape != progress.shape:
            raise ScheduleError(
                f"{self!r}: need as many factors as positions, shape {progress.shape}, not {values.shape}. "
                "Try a vectorised formula, or np.vectorize(f)."
            )
        bad = ~np.isfinite(values) | (values < 0)
        if bad.any():
            i = int(np.argmax(bad))
            raise ScheduleError(
                f"{self!r}: need finite factors ≥ 0; at progress {progress.flat[i]:g} it gives {values.flat[i]:g}. "
                "Try np.maximum(formula, 0)."
            )
        return values


def _between(t: FloatArray, at: FloatArray, levels: FloatArray, *, smooth: bool) -> FloatArray:
    """Interpolate, each point exact; the first and last level are held outside."""
    right = np.clip(np.searchsorted(at, t, side="right"), 1, max(len(at) - 1, 1))
    if len(at) == 1:
        return np.full_like(t, levels[0])
    left = right - 1
    width = at[right] - at[left]
    passed = np.clip(t - at[left], 0.0, width)
    return mixture(levels[left], levels[right], (half_cosine if smooth else quotient)(passed, width))


@maker
def piecewise(
    points: Iterable[tuple[Span | str, Level]], *, shape: str = "linear", over: Span | str | None = None
) -> Schedule:
    """Go through given points, in straight lines, along half cosines, or in steps.

    With places a_i and levels l_i, for a_i ≤ t < a_{i+1} and p = (t − a_i)/(a_{i+1} − a_i):
    l_i + (l_{i+1} − l_i)·p if linear, the same with sin²(π·p/2) for p if cosine, and l_i if constant. The first level
    is held before the first place, the last level after the last. Places count from where this schedule begins.

    Picture::

        piecewise([("0 steps", 0.2), ("20%", 1.0), ("100%", 0.0)])  ▂▃▄▄▅▆▆▇███████▇▇▇▇▇▆▆▆▆▅▅▅▅▅▄▄▄▄▄▃▃▃▃▂▂▂▂▂▁▁▁▁▁

    Args:
        points: pairs of a place, with a unit, and a level (a factor ≥ 0 or `absolute(value)`); places rise.
        shape: "linear", "constant" or "cosine".
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for points that are not such pairs, unsorted, or out of range.

    Example:
        >>> import rheostat as rh
        >>> rh.piecewise([("0 steps", 0.0), ("2 steps", 1.0)]).over(rh.Run(steps=4)).values()
        array([0. , 0.5, 1. , 1. ])

    Source: NumPy's interp; Page's CIFAR-10 training (DAWNBench 2018) used it with three points. With "constant" equals
    PyTorch's MultiStepLR with a factor of its own at each milestone; PyTorch has no such class for the others.
    """
    listed = list(points) if isinstance(points, Iterable) and not isinstance(points, str) else []
    if not listed:
        raise refuse("points", points, need="pairs of place and level", mend="[('0 steps', 0.0), ('5 epochs', 1.0)]")
    checked = []
    for i, point in enumerate(listed):
        pair: tuple[Any, ...]
        if isinstance(point, str) or not isinstance(point, Iterable) or len(pair := tuple(point)) != 2:
            raise refuse(f"points[{i}]", point, need="a pair of place and level", mend="('5 epochs', 1.0)")
        checked.append((Span.of(pair[0], f"points[{i}]", zero=True), level(f"points[{i}]", pair[1])))
    return Piecewise(tuple(checked), choice("shape", shape, ("linear", "constant", "cosine")), Span.or_rest(over))


@maker
def from_function(f: Callable[[FloatArray], FloatArray], *, over: Span | str | None = None) -> Schedule:
    """Follow a vectorised function of progress.

    factor(t) = f(t/N) for 0 ≤ t ≤ N, and f(1) after.

    Picture::

        from_function(np.cos)                         ████████████████████████▇▇▇▇▇▇▇▇▇▇▆▆▆▆▆▆▆▆▆▅▅▅▅▅

    Args:
        f: takes a float64 array of progress in [0, 1] and returns an array of that shape: finite factors ≥ 0.
        over: length N; the rest of the run by default.

    Returns:
        A Schedule. Its repr names the function and cannot be parsed: text is data, and names no code.

    Raises:
        ScheduleError: if f is not callable, or, at `over(run)`, if what it returns is not such an array.

    Example:
        >>> import rheostat as rh
        >>> rh.from_function(lambda p: 1 - p**2).over(rh.Run(steps=2)).at(1)
        0.75

    Source: yours. Equals PyTorch's LambdaLR, with progress in place of a count.
    """
    if not callable(f):
        raise refuse("f", f, need="a function of progress", mend="from_function(lambda p: 1 - p)")
    return FromFunction(f, Span.or_rest(over))
