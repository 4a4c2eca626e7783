"""Cycles on whole updates: which cycle owns an update, in exact integer arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from rheostat.errors import refuse
from rheostat.schedule.base import FloatArray, Place

_INT64 = 2**62
_FAR = 10**15
_MOST_GROWING = 100_000
_BITS = 128


class Cycles(Protocol):
    """Consecutive cycles from 0 on."""

    def index(self, t: FloatArray) -> FloatArray:
        """The number of the cycle that owns each position."""

    def begin(self, index: FloatArray) -> FloatArray:
        """Where each cycle begins."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Cycles of one exact length; cycle k begins at the nearest whole update to k · every."""

    every: Fraction
    whole: bool

    @classmethod
    def at(cls, place: Place, every: Fraction) -> Periods:
        return cls(every, place.axis != "seconds")

    def index(self, t: FloatArray) -> FloatArray:
        n, d = self.every.numerator, self.every.denominator
        if not self.whole:
            k = np.floor(t / float(self.every))
            # The division rounds: whoever stands on a boundary belongs to the later cycle.
            k += self.begin(k + 1.0) <= t
            result: FloatArray = k - (self.begin(k) > t)
            return result
        if d == 1:
            return np.floor_divide(t, float(n))
        i = _integers(t, 2 * max(n, d))
        # The largest k with floor(k·n/d + 1/2) ≤ i, without leaving the integers.
        found: FloatArray = np.asarray(-(-(2 * i + 1) * d // (2 * n)) - 1).astype(np.float64)
        return found

    def begin(self, index: FloatArray, after: Fraction = Fraction(0)) -> FloatArray:
        """Where each cycle begins, or the place that lies `after` that, on the nearest whole update too."""
        d = self.every.denominator * after.denominator
        n, plus = self.every.numerator * after.denominator, after.numerator * self.every.denominator
        if not self.whole:
            return index * float(self.every) + float(after)
        if d == 1:
            return index * float(n) + float(plus)
        k = _integers(index, 2 * (n + plus + d))
        found: FloatArray = np.asarray((2 * (k * n + plus) + d) // (2 * d)).astype(np.float64)
        return found


@dataclass(frozen=True, slots=True)
class Growing:
    """Cycles of which each is `growth` times as long as the one before; begins are listed once, exactly."""

    begins: FloatArray

    @classmethod
    def at(cls, place: Place, first: Fraction, growth: Fraction) -> Growing:
        end = int(_FAR if place.length is None else place.length) + 1 << _BITS
        begin, period = 0, _fixed(first)
        begins = []
        while begin < end:
            begins.append(begin)
            begin += period
            period = period * growth.numerator // growth.denominator
            if len(begins) > _MOST_GROWING:
                need = f"fewer than {_MOST_GROWING} cycles in {end >> _BITS:g} {place.axis}"
                raise refuse("growth", float(growth), need=need, mend="growth=1, a larger growth or a longer period")
        exact = (Fraction(at, 2**_BITS) for at in (*begins, begin))
        return cls(np.array([place.whole(at) for at in exact]))

    def index(self, t: FloatArray) -> FloatArray:
        found: FloatArray = (np.searchsorted(self.begins, t, side="right") - 1).astype(np.float64)
        return np.minimum(found, len(self.begins) - 2)

    def begin(self, index: FloatArray) -> FloatArray:
        begins: FloatArray = self.begins[index.astype(np.int64)]
        return begins


def _fixed(exact: Fraction) -> int:
    """In units of 2**-128 updates, rounded up: what that leaves out moves no boundary over any number of cycles."""
    return -((-exact.numerator << _BITS) // exact.denominator)


def _integers(values: FloatArray, factor: int) -> Any:
    whole = values.astype(np.int64)
    # Past 64 bits Python's own integers take over: slow, and exact.
    return whole if (int(whole.max(initial=0)) + 1) * factor < _INT64 else whole.astype(object)
