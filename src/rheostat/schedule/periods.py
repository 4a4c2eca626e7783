"""Cycles on whole updates: which cycle owns an update, in exact integer arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from rheostat.schedule.base import FloatArray, Place

_INT64 = 2**62
_FAR = 10**15


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
            return np.floor(t / float(self.every))
        if d == 1:
            return np.floor_divide(t, float(n))
        i = _integers(t, d)
        # The largest k with floor(k·n/d + 1/2) ≤ i, without leaving the integers.
        found: FloatArray = np.asarray(-(-(2 * i + 1) * d // (2 * n)) - 1).astype(np.float64)
        return found

    def begin(self, index: FloatArray) -> FloatArray:
        n, d = self.every.numerator, self.every.denominator
        if not self.whole:
            return index * float(self.every)
        if d == 1:
            return index * float(n)
        k = _integers(index, n)
        found: FloatArray = np.asarray((2 * k * n + d) // (2 * d)).astype(np.float64)
        return found


@dataclass(frozen=True, slots=True)
class Growing:
    """Cycles of which each is `growth` times as long as the one before; begins are listed once, exactly."""

    begins: tuple[float, ...]

    @classmethod
    def at(cls, place: Place, first: Fraction, growth: Fraction) -> Growing:
        end = _FAR if place.length is None else place.length
        begins, begin, period = [0.0], first, first
        while begin < end:
            begins.append(place.whole(begin))
            period = _coarse(period * growth)
            begin += period
        begins.append(place.whole(begin))
        return cls(tuple(begins))

    def index(self, t: FloatArray) -> FloatArray:
        found: FloatArray = (np.searchsorted(np.asarray(self.begins), t, side="right") - 1).astype(np.float64)
        return np.minimum(found, len(self.begins) - 2)

    def begin(self, index: FloatArray) -> FloatArray:
        begins: FloatArray = np.asarray(self.begins)[index.astype(np.int64)]
        return begins


def _coarse(exact: Fraction, bits: int = 64) -> Fraction:
    """Keep fractions small over thousands of cycles; 2**-64 of an update moves no boundary."""
    return exact if exact.denominator.bit_length() <= bits else Fraction(round(exact * 2**bits), 2**bits)


def _integers(values: FloatArray, factor: int) -> Any:
    whole = values.astype(np.int64)
    largest = int(whole.max(initial=0))
    # Past 64 bits Python's own integers take over: slow, and exact.
    return whole if (2 * largest + 1) * factor < _INT64 else whole.astype(object)
