"""The algebra: sequences, products, and what wraps one schedule. Each binds its parts at their places."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from rheostat.errors import ScheduleError, brief, refuse
from rheostat.schedule.base import Bound, Evaluate, FloatArray, Place, Schedule, Signals, check_depth, value_text
from rheostat.schedule.levels import Level, count, level, number
from rheostat.schedule.metric import Plateau
from rheostat.schedule.periods import Periods

_MOST_PARTS = 1000


@dataclass(frozen=True, slots=True, repr=False)
class Sequence(Schedule):
    """Parts one after the other; a part owns the half-open interval [begin, end), a joint the later part."""

    binds: ClassVar[int] = 1
    parts: tuple[Schedule, ...]

    @property
    def takes_rest(self) -> bool:
        return any(part.takes_rest for part in self.parts)

    @property
    def depth(self) -> int:
        return 1 + max(part.depth for part in self.parts)

    def length(self, place: Place) -> Fraction | None:
        lengths = [part.length(place) for part in self.parts]
        return None if None in lengths else sum(filter(None, lengths), Fraction(0))

    def bind(self, place: Place) -> Bound:
        ends = self._ends(place)
        parts, begin = [], 0.0
        for i, (part, end) in enumerate(zip(self.parts, ends, strict=True)):
            length = None if end is None else end - begin
            try:
                parts.append(part.bind(replace(place, begin=place.begin + begin, length=length)))
            except ScheduleError as error:
                raise error.inside(f"parts[{i}] {brief(part)}") from None
            begin += length or 0.0
        begins = np.array([part.begin - place.begin for part in parts])
        return Bound(self, place.begin, ends[-1], lambda t, s: _by_owner(t, s, parts, begins), tuple(parts))

    def _ends(self, place: Place) -> list[float | None]:
        """Where each part ends: exact sums, each rounded once, and no part shorter than one update."""
        lengths = [part.length(place) for part in self.parts]
        fixed = sum(filter(None, lengths), Fraction(0))
        total = None if place.length is None else Fraction(place.length)
        ends: list[float | None] = []
        at, previous = Fraction(0), 0.0
        for part, length in zip(self.parts, lengths, strict=True):
            if length is None:
                length = self._room(part, total, fixed, place)
            if length is None:
                ends.append(None)
                break
            at += length
            previous = max(place.whole(at), previous + place.least)
            ends.append(previous)
        if total is not None and at <= total < previous:
            raise ScheduleError(
                f"{brief(self)}: need at least one update for each of {len(self.parts)} parts; there are "
                f"{float(total):g} {place.axis} for them. Try fewer parts, or a longer run."
            )
        return ends

    def _room(self, part: Schedule, total: Fraction | None, fixed: Fraction, place: Place) -> Fraction | None:
        if total is None:
            if part is self.parts[-1]:
                return None
            mend = f"over=... on {brief(part)}, or a Run with a length"
            raise refuse("run", place.run, need=f"a known length, for what follows {brief(part)} to begin", mend=mend)
        if total - fixed < place.least:
            raise ScheduleError(
                f"{brief(self)}: need room for {brief(part)}; the other parts take {float(fixed):g} of "
                f"{float(total):g} {place.axis}. Try shorter parts, or a longer run."
            )
        return total - fixed

    def __repr__(self) -> str:
        return " >> ".join(part.text(self.binds) for part in self.parts)


@dataclass(frozen=True, slots=True, repr=False)
class Product(Schedule):
    """The product of factors, each on its own clock from the product's begin."""

    binds: ClassVar[int] = 2
    parts: tuple[Schedule, ...]

    @property
    def takes_rest(self) -> bool:
        return any(part.takes_rest for part in self.parts)

    @property
    def depth(self) -> int:
        return 1 + max(part.depth for part in self.parts)

    def length(self, place: Place) -> Fraction | None:
        lengths = [part.length(place) for part in self.parts]
        return None if None in lengths else max(filter(None, lengths))

    def bind(self, place: Place) -> Bound:
        parts = []
        for part in self.parts:
            try:
                parts.append(part.bind(place.within(part)))
            except ScheduleError as error:
                raise error.inside(f"factor {brief(part)}") from None
        # One order whichever way it was written, so that a * b and b * a agree to the last bit.
        ordered = sorted(parts, key=lambda part: repr(part.source))

        def evaluate(t: FloatArray, signals: Signals) -> FloatArray:
            result = ordered[0](t, signals)
            for part in ordered[1:]:
                result = result * part(t, signals)
            return result

        return Bound(self, place.begin, place.length, evaluate, tuple(parts))

    def __repr__(self) -> str:
        return " * ".join(part.text(self.binds) for part in self.parts)


@dataclass(frozen=True, slots=True, repr=False)
class Wrapped(Schedule):
    """A schedule with one thing changed; as long as what it wraps."""

    of: Schedule

    @property
    def takes_rest(self) -> bool:
        return self.of.takes_rest

    @property
    def depth(self) -> int:
        return 1 + self.of.depth

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


def sequence(*schedules: Schedule) -> Schedule:
    """The sequence of all parts; sequences among them are taken apart, so that nesting changes nothing."""
    parts = tuple(p for s in schedules for p in (s.parts if isinstance(s, Sequence) else (s,)))
    open_ended = [part for part in parts if part.takes_rest]
    if len(open_ended) > 1:
        listed = " and ".join(brief(part) for part in open_ended[:2])
        raise ScheduleError(f"{listed}: need a length for all but one part of a sequence. Try over='10 epochs'.")
    return checked(Sequence(parts))


def product(*schedules: Schedule) -> Schedule:
    """The product of all factors; products among them are taken apart."""
    return checked(Product(tuple(p for s in schedules for p in (s.parts if isinstance(s, Product) else (s,)))))


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


def walk(schedule: Schedule) -> list[Schedule]:
    """A schedule and everything it is made of."""
    if isinstance(schedule, (Sequence, Product)):
        return [schedule, *(s for part in schedule.parts for s in walk(part))]
    return [schedule, *walk(schedule.of)] if isinstance(schedule, Wrapped) else [schedule]


def checked(schedule: Schedule) -> Schedule:
    """The schedule, if it is neither too deep nor too long."""
    check_depth(schedule.depth)
    parts: tuple[Schedule, ...] = getattr(schedule, "parts", ())
    if len(parts) > _MOST_PARTS:
        raise ScheduleError(f"{brief(parts[0])} …: need at most {_MOST_PARTS} parts. Try piecewise([...]).")
    return schedule


def _by_owner(t: FloatArray, signals: Signals, parts: list[Bound], begins: FloatArray) -> FloatArray:
    if t.size > 1 and t.ndim == 1 and (t[1:] >= t[:-1]).all():
        return _by_slices(t, signals, parts, begins)
    owners = np.searchsorted(begins, t, side="right") - 1
    result = np.empty_like(t)
    for i in np.unique(owners):
        mine = owners == i
        result[mine] = parts[i](t[mine] - begins[i], signals)
    return result


def _by_slices(t: FloatArray, signals: Signals, parts: list[Bound], begins: FloatArray) -> FloatArray:
    """The same for positions in rising order, where each part owns a slice of them."""
    first, last = np.searchsorted(begins, t[[0, -1]], side="right") - 1
    edges = [0, *np.searchsorted(t, begins[first + 1 : last + 1]), t.size]
    pieces = [
        parts[i](t[low:high] - begins[i], signals)
        for i, low, high in zip(range(first, last + 1), edges, edges[1:], strict=False)
        if low < high
    ]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
