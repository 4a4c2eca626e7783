"""Where a schedule is bound, and what it becomes there: plain numbers, ready to be evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rheostat.errors import refuse
from rheostat.schedule.levels import Absolute, Level
from rheostat.schedule.span import Span

if TYPE_CHECKING:
    from rheostat.schedule.base import Schedule
    from rheostat.schedule.metric import Control
    from rheostat.schedule.run import Axis, Run

FloatArray = NDArray[np.float64]
Formula = Callable[[FloatArray], FloatArray]
Signals = Sequence[float]
"""The factors of the metric-driven parts of a curve, in the order of its controls."""
Evaluate = Callable[[FloatArray, Signals], FloatArray]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a schedule is bound: the run, the axis, where it begins and how long it is there."""

    run: Run
    axis: Axis
    base: float | None
    begin: float = 0.0
    length: float | None = None
    controls: list[Control] = field(default_factory=list)
    bound: dict[tuple[int, float, float], Bound] = field(default_factory=dict)

    def bind(self, schedule: Schedule, length: float) -> Bound:
        """Bind what begins here to a length; once, although repeats within repeats ask for it again and again."""
        key = (id(schedule), self.begin, length)
        if key not in self.bound:
            self.bound[key] = schedule.bind(replace(self, length=length))
        return self.bound[key]

    def whole(self, exact: Fraction) -> float:
        """The nearest position that can own an update: a whole number, or any on the axis of seconds."""
        return float(exact) if self.axis == "seconds" else float(math.floor(exact + Fraction(1, 2)))

    def position(self, span: Span, name: str) -> float:
        """Where `span` ends on this axis, as a position."""
        return self.whole(self.run.convert(span, self.axis, name))

    def period(self, span: Span, name: str) -> Fraction:
        """A recurring length, exact; at least one update."""
        exact = self.run.convert(span, self.axis, name)
        if exact < self.least:
            raise refuse(name, str(span), need="at least one update", mend="'1 steps'")
        return exact

    def level(self, value: Level, name: str) -> float:
        """A level as a factor of the base value."""
        if not isinstance(value, Absolute):
            return float(value)
        if self.base is None:
            raise refuse(name, value, need="a base value to compare with", mend="schedule.over(run, base=3e-4)")
        if not self.base > 0:
            raise refuse(name, value, need="a base value above 0; this group's is 0", mend=f"a factor as {name}")
        return divided(value.value, self.base)

    def fall(self, start: Level, end: Level, name: str) -> tuple[float, float]:
        """Start and end as factors; an absolute end must not lie above the start it comes from."""
        high, low = self.level(start, f"{name}(start)"), self.level(end, f"{name}(end)")
        if isinstance(end, Absolute) and not isinstance(start, Absolute) and low > high:
            need = f"a value that is not above the one it starts from, {high * (self.base or 0.0):g}"
            raise refuse("end", end, need=need, mend="a smaller end, or start=absolute(...) if it should rise")
        return high, low

    def within(self, schedule: Schedule) -> Place:
        """The place of a part that begins here: as long as the part says, or as this place is."""
        own = schedule.length(self)
        return self if own is None else replace(self, length=max(self.whole(own), self.least))

    @property
    def least(self) -> float:
        """The shortest length that a part can have."""
        return 0.0 if self.axis == "seconds" else 1.0

    def before_end(self, t: FloatArray) -> FloatArray:
        """Positions as seen from within: at the very end a staircase or cycle still stands on its last part."""
        if self.length is None:
            return t
        return np.minimum(t, np.nextafter(self.length, 0.0) if self.axis == "seconds" else self.length - 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A schedule at its place: plain numbers, ready to be evaluated on local positions."""

    source: Schedule
    begin: float
    length: float | None
    evaluate: Evaluate
    parts: tuple[Bound, ...] = ()

    def __call__(self, t: FloatArray, signals: Sequence[float]) -> FloatArray:
        """Factors at local positions `t` ≥ 0, of the same shape; past the end the last value is held."""
        return self.evaluate(t if self.length is None else np.minimum(t, self.length), signals)


def divided(value: float, base: float) -> float:
    """The quotient value / base, or its neighbour that gives the value back when it is multiplied by the base.

    Float64 numbers lie closer below a power of two than above it: only there can a neighbour do what the quotient does
    not, and only the one above.
    """
    near = value / base
    above = math.nextafter(near, math.inf)
    return above if near * base != value and above * base == value else near
