"""Quotients, powers and half cosines that are right to their last digits, at any length of a run.

Plain float64 arithmetic. What a division rounds away is kept beside its result, and put back to first order where
a later step would magnify it: a power of 1000 does so a thousandfold.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from rheostat.schedule.base import FloatArray

_SPLIT = 2.0**27 + 1.0
_HALF_PI = math.pi / 2
_HALF_PI_REST = 6.123233995736766e-17  # π/2 less its float64


def half_cosine(t: FloatArray, n: float | FloatArray) -> tuple[FloatArray, FloatArray]:
    """(fall, rise) for 0 ≤ t ≤ n: cos² and sin² of π/2·t/n, which add up to 1; both exact at both ends."""
    left = n - t
    first = t <= left
    q, rest = quotient(np.minimum(t, left), n)
    # The smaller of the two from its sine, at most π/4; the larger as what is missing to 1.
    angle = q * _HALF_PI
    missing = product_rest(q, _HALF_PI, angle) + q * _HALF_PI_REST + rest * _HALF_PI
    sine = np.sin(angle)
    small = sine * sine
    small += 2.0 * sine * np.sqrt(1.0 - small) * missing
    large = 1.0 - small
    return np.where(first, large, small), np.where(first, small, large)


def power(factor: float, t: FloatArray, every: float | Fraction) -> FloatArray:
    """Give factor ** (t / every) for factor > 0."""
    exact = Fraction(every)
    near = float(exact)
    q, rest = quotient(t, near)
    rest = rest - q * (float(exact - Fraction(near)) / near)
    result: FloatArray = factor**q * (1.0 + math.log(factor) * rest)
    return result


def power_of(t: FloatArray, n: float, exponent: float) -> tuple[FloatArray, FloatArray]:
    """(w, 1 − w) of w = (1 − t/n) ** exponent for 0 ≤ t ≤ n and exponent > 0."""
    left = n - t
    q, rest = quotient(left, n)
    some = q > 0.0
    w = q**exponent * (1.0 + exponent * np.divide(rest, q, out=np.zeros_like(q), where=some))
    with np.errstate(divide="ignore", invalid="ignore"):
        # The logarithm from whichever of 1 − t/n and t/n is the more exact.
        log = np.where(t < left, np.log1p(-(t / n)), np.log(q))
    return w, np.where(w > 0.5, -np.expm1(exponent * log), 1.0 - w)


def quotient(a: FloatArray, n: float | FloatArray) -> tuple[FloatArray, FloatArray]:
    """Divide a by n in two parts: the float64 quotient, and what rounding took from it."""
    q = a / n
    near = q * n
    return q, ((a - near) - product_rest(q, n, near)) / n


def product_rest(x: FloatArray, y: float | FloatArray, xy: FloatArray) -> FloatArray:
    """x·y less `xy`, its float64 (Dekker's product)."""
    x_high = x * _SPLIT
    x_high = x_high - (x_high - x)
    y_high = y * _SPLIT
    y_high = y_high - (y_high - y)
    x_low, y_low = x - x_high, y - y_high
    return x_low * y_low - (((xy - x_high * y_high) - x_low * y_high) - x_high * y_low)
