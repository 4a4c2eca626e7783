"""A schedule taken up in the middle of training, from whatever factor is in force there."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rheostat.schedule.base import Schedule
from rheostat.schedule.levels import number
from rheostat.schedule.place import Bound, FloatArray, Formula, Place, Signals
from rheostat.schedule.span import Span
from rheostat.schedule.wrap import Wrapped

_LOOKS = 4097  # positions at which the rest of a curve is looked at, to find where it is highest
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, repr=False)
class Rebased(Wrapped):
    """`of` from the place `at` on, beginning at `factor` there and ending where `of` ends."""

    at: Span
    factor: float

    @property
    def takes_rest(self) -> bool:
        return True

    def length(self, place: Place) -> Fraction | None:  # noqa: ARG002 - it goes on to the end of the run
        return None

    def bind(self, place: Place) -> Bound:
        of = self.of.bind(place.within(self.of))
        end = of.length if place.length is None else place.length
        neutral = (1.0,) * len(place.controls)  # what controls multiply is put back below
        begin = place.position(self.at, "rebase(at)")
        if end is not None:
            begin = min(begin, end)
        plain: Formula = lambda t: of(t, neutral)
        joined = _joined(plain, begin, float(self.factor), end)

        def evaluate(t: FloatArray, signals: Signals) -> FloatArray:
            result = np.where(t < begin, plain(t), joined(t))
            return result if not signals else result * _share(plain(t), of(t, signals))

        return Bound(self, place.begin, place.length, evaluate, (of,))

    def call(self) -> str:
        return f"rebase({str(self.at)!r}, {self.factor!r})"


def _joined(of: Formula, begin: float, factor: float, length: float | None) -> Formula:
    """The formula from `begin` on."""
    here = _at(of, begin)
    if factor == here:
        return of
    if length is None:
        return lambda t: of(t) * (factor / here) if here > 0 else np.full_like(t, factor)
    if begin >= length:
        return lambda t: np.full_like(t, factor)
    looks = np.unique(np.round(np.linspace(begin, length, _LOOKS)).clip(begin, length))
    seen = of(looks)
    top = float(looks[len(looks) - 1 - int(np.argmax(seen[::-1]))])
    rises = bool((np.diff(seen) > _ROUNDING * seen.max()).any()) and top > begin
    return _up_to(of, begin, factor, top, float(seen.max())) if rises else _down_to(of, begin, factor, length)


def _up_to(of: Formula, begin: float, factor: float, top: float, highest: float) -> Formula:
    """What is ahead rises: the difference fades out in a straight line, until `of` is highest."""
    apart = factor - _at(of, begin)

    def formula(t: FloatArray) -> FloatArray:
        plan = of(t)
        left = np.clip((top - t) / (top - begin), 0.0, 1.0)
        # Whatever cycles lie ahead: never below both, nor above all that is planned.
        mixed = np.clip(plan + apart * left, np.minimum(plan, factor), max(factor, highest))
        return np.where(t >= top, plan, np.where(t <= begin, factor, mixed))

    return formula


def _down_to(of: Formula, begin: float, factor: float, length: float) -> Formula:
    """What is ahead only falls: its distance from the end is stretched, or compressed, to begin at `factor`."""
    here, end = _at(of, begin), _at(of, length)

    def formula(t: FloatArray) -> FloatArray:
        left = (of(t) - end) / (here - end) if here > end else (length - t) / (length - begin)
        mixed = np.clip(end + (factor - end) * left, min(end, factor), max(end, factor))
        return np.where(t <= begin, factor, mixed)

    return formula


def _share(plain: FloatArray, signalled: FloatArray) -> FloatArray:
    """How much of the plan metric-driven parts leave."""
    return np.divide(signalled, plain, out=np.ones_like(plain), where=plain > 0)


def _at(of: Formula, t: float) -> float:
    return float(of(np.array([t]))[0])


def rebased(of: Schedule, at: Span | str, factor: float) -> Schedule:
    """`of`, beginning at `factor` at a place."""
    from rheostat.schedule.combine import checked

    return checked(Rebased(of, Span.of(at, "at", zero=True), float(number("factor", factor))))
