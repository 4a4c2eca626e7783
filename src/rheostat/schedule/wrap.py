"""What wraps one schedule and changes one thing about it: clip, scale, repeat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rheostat.errors import ScheduleError, brief, refuse
from rheostat.schedule.base import Schedule, checked, value_text, walk
from rheostat.schedule.levels import Level, count, level, number
from rheostat.schedule.metric import Plateau
from rheostat.schedule.periods import Periods
from rheostat.schedule.place import Bound, Evaluate, FloatArray, Place, Signals


@dataclass(frozen=True, slots=True, repr=False)
class Wrapped(Schedule):
    """A schedule with one thing changed; as long as what it wraps."""

    of: Schedule

    @property
    def inside(self) -> tuple[Schedule, ...]:
        return (self.of,)

    def length(self, place: Place) -> Fraction | None:
        return self.of.length(place)

    def call(self) -> str:
        """The method call that makes it, as text."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{self.of.text(2)}.{self.call()}"


@dataclass(frozen=True, slots=True, repr=False)
class Clipped(Wrapped):
    min: Level | None = None
    max: Level | None = None

    def bind(self, place: Place) -> Bound:
        low = 0.0 if self.min is None else place.level(self.min, "clip(min)")
        high = np.inf if self.max is None else place.level(self.max, "clip(max)")
        if low > high:
            raise refuse("min", self.min, need=f"at most max={self.max!r}", mend="the two the other way round")
        of = self.of.bind(place)
        return Bound(self, place.begin, place.length, lambda t, s: np.clip(of(t, s), low, high), (of,))

    def call(self) -> str:
        given = (("min", self.min), ("max", self.max))
        return f"clip({', '.join(f'{name}={value_text(v)}' for name, v in given if v is not None)})"


@dataclass(frozen=True, slots=True, repr=False)
class Scaled(Wrapped):
    k: float = 1.0

    def bind(self, place: Place) -> Bound:
        of, k = self.of.bind(place), float(self.k)
        return Bound(self, place.begin, place.length, lambda t, s: k * of(t, s), (of,))

    def call(self) -> str:
        return f"scale({self.k!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Repeated(Wrapped):
    n: int = 1

    def length(self, place: Place) -> Fraction | None:
        once = self.of.length(place)
        return None if once is None else once * self.n

    def bind(self, place: Place) -> Bound:
        once = self.of.length(place)
        if once is None:
            if place.length is None:
                raise refuse("run", place.run, need=f"a known length, for {self!r} to divide", mend="Run(steps=...)")
            once = Fraction(place.length) / self.n
        if once < place.least:
            raise ScheduleError(
                f"{brief(self)}: need at least one update for each of {self.n}; there are {float(once * self.n):g} "
                f"{place.axis}. Try fewer, or a longer run."
            )
        cycles, last = Periods.at(place, once), self.n - 1.0
        if place.axis == "seconds" or once.denominator == 1:
            of = place.bind(self.of, float(once))
            evaluate: Evaluate = lambda t, s: of(t - cycles.begin(np.minimum(cycles.index(t), last)), s)
            return Bound(self, place.begin, place.length, evaluate, (of,))
        # No whole number of updates: some turns are one update longer than others, and each reaches its own end.
        short = place.bind(self.of, float(math.floor(once)))
        long = place.bind(self.of, float(math.ceil(once)))
        usual = float(math.floor(once))

        def either(t: FloatArray, signals: Signals) -> FloatArray:
            index = np.minimum(cycles.index(t), last)
            begin = cycles.begin(index)
            is_long = cycles.begin(index + 1) - begin > usual
            result = np.empty_like(t)
            for of, mine in ((short, ~is_long), (long, is_long)):
                if mine.any():
                    result[mine] = of((t - begin)[mine], signals)
            return result

        return Bound(self, place.begin, place.length, either, (long,))

    def call(self) -> str:
        return f"repeat({self.n})"


def clipped(of: Schedule, low: Level | None, high: Level | None) -> Schedule:
    """`of`, kept within [low, high]."""
    if low is None and high is None:
        raise ScheduleError("clip(): need min, max or both. Try .clip(min=0.01).")
    low, high = (None if v is None else level(name, v) for name, v in (("min", low), ("max", high)))
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
        raise refuse("min", low, need=f"at most max={high!r}", mend=f".clip(min={high!r}, max={low!r})")
    return checked(Clipped(of, low, high))


def scaled(of: Schedule, k: float) -> Schedule:
    """`of`, times k."""
    return checked(Scaled(of, number("k", k)))


def repeated(of: Schedule, n: int) -> Schedule:
    """`of`, n times over."""
    if any(isinstance(s, Plateau) for s in walk(of)):
        raise refuse("repeat", of, need="a schedule without plateau", mend="cosine().repeat(3) * plateau()")
    return checked(Repeated(of, count("n", n, least=1, most=10**6)))
