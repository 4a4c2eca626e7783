"""The algebra: sequences and products. Each binds its parts at their places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from rheostat.errors import ScheduleError, brief, refuse
from rheostat.schedule.base import Schedule, checked, walk
from rheostat.schedule.place import Bound, FloatArray, Place, Signals
from rheostat.schedule.wrap import Clipped, Repeated, Scaled, Wrapped, clipped, repeated, scaled

__all__ = [
    "Clipped",
    "Product",
    "Repeated",
    "Scaled",
    "Sequence",
    "Wrapped",
    "checked",
    "clipped",
    "product",
    "repeated",
    "scaled",
    "sequence",
    "walk",
]


@dataclass(frozen=True, slots=True, repr=False)
class Sequence(Schedule):
    """Parts one after the other; a part owns the half-open interval [begin, end), a joint the later part."""

    binds: ClassVar[int] = 1
    parts: tuple[Schedule, ...]

    @property
    def inside(self) -> tuple[Schedule, ...]:
        return self.parts

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
    def inside(self) -> tuple[Schedule, ...]:
        return self.parts

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


def _by_owner(t: FloatArray, signals: Signals, parts: list[Bound], begins: FloatArray) -> FloatArray:
    if t.size > 1 and t.ndim == 1 and (t[1:] >= t[:-1]).all():
        return _by_slices(t, signals, parts, begins)
    owners = np.searchsorted(begins, t, side="right") - 1
    result = np.empty_like(t)
    for i in np.flatnonzero(np.bincount(owners.ravel())):
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
