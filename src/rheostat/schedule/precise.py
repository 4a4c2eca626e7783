"""Quotients, powers, half cosines and mixtures that are right to their last digits, at any length of a run.

Plain float64 arithmetic. A number that later steps would magnify is a pair: its float64, and what rounding took from
it. What is computed from pairs is rounded once, at the end, so that a fall never rises by a last digit either.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rheostat.schedule.base import FloatArray

Pair = tuple[FloatArray, FloatArray]
"""A number in two parts, of which the second is less than a rounding of the first."""

_SPLIT = 2.0**27 + 1.0
_PI = Fraction(31415926535897932384626433832795028841971693993751, 10**49)
# sin²(π/2·q) = ½·(1 − cos(π·q)) as a series in q²; for q ≤ 1/2 the term after these is below 2**-63 of the sum.
_SERIES = [(-1) ** (k + 1) * _PI ** (2 * k) / (2 * math.factorial(2 * k)) for k in range(1, 12)]
_FIRST = float(_SERIES[0])
_FIRST_REST = float(_SERIES[0] - Fraction(_FIRST))
_LATER = [float(term) for term in reversed(_SERIES[1:])]
_ROOT_HALF = math.sqrt(0.5)
_ARTANH = [1.0 / k for k in range(25, 1, -2)]  # artanh(s) = s·(1 + s²/3 + s⁴/5 + …), for s² < 0.03
_LOG_2 = math.ldexp(math.floor(math.ldexp(math.log(2.0), 32)), -32)  # short, so that a few times it are exact
_LOG_2_REST = float(Fraction(69314718055994530941723212145817656808, 10**38) - Fraction(_LOG_2))


def mixture(start: float | FloatArray, end: float | FloatArray, passed: Pair) -> FloatArray:
    """Give start + (end − start)·passed for 0 ≤ passed ≤ 1, rounded once; both ends exact."""
    way, way_rest = _sum(end, -start)
    share, share_rest = passed
    gone = way * share
    result, lost = _sum(start, gone)
    mixed: FloatArray = result + (lost + (product_rest(share, way, gone) + (way * share_rest + way_rest * share)))
    return mixed


def rounded(pair: Pair) -> FloatArray:
    """Give the pair as one number."""
    return pair[0] + pair[1]


def quotient(a: FloatArray, n: float | FloatArray) -> Pair:
    """Divide a by n."""
    q = a / n
    near = q * n
    return q, ((a - near) - product_rest(q, n, near)) / n


def half_cosine(t: FloatArray, n: float | FloatArray) -> Pair:
    """Rise from 0 to 1 for 0 ≤ t ≤ n, as sin² of π/2·t/n does; exact at both ends."""
    left = n - t
    q, rest = quotient(np.minimum(t, left), n)
    square = q * q
    high = q * _SPLIT
    high -= high - q
    low = q - high
    square_rest = low * low - ((square - high * high) - 2.0 * low * high) + 2.0 * q * rest
    tail = square * _LATER[0]
    tail += _LATER[1]
    for term in _LATER[2:]:
        tail *= square
        tail += term
    near = _FIRST * square
    tail *= square * square
    tail += _FIRST * square_rest
    tail += _FIRST_REST * square
    tail += product_rest(square, _FIRST, near)
    return _from_the_nearer_end(t <= left, near, tail)


def root(t: FloatArray, n: float) -> Pair:
    """Give √(t/n)."""
    q, rest = quotient(t, n)
    near = np.sqrt(q)
    square = near * near
    missing = (q - square) - product_rest(near, near, square) + rest
    return near, np.divide(missing, 2.0 * near, out=np.zeros_like(q), where=near > 0.0)


def times(a: Pair, b: Pair) -> Pair:
    """Multiply two pairs."""
    product = a[0] * b[0]
    return product, product_rest(a[0], b[0], product) + (a[0] * b[1] + a[1] * b[0])


def power(factor: float, t: FloatArray, every: float | Fraction) -> Pair:
    """Give factor ** (t / every) for factor > 0."""
    exact = Fraction(every)
    near = float(exact)
    q, rest = quotient(t, near)
    rest = rest - q * (float(exact - Fraction(near)) / near)
    log = math.log(factor)
    result = factor**q
    # Near 1 what is missing to it is the more exact: somebody may subtract the result from 1.
    missing = -np.expm1(q * log)
    is_near = result > 0.75
    result = np.where(is_near, 1.0 - missing, result)
    return result, np.where(is_near, (1.0 - result) - missing, 0.0) + result * (log * rest)


def fallen(t: FloatArray, n: float, exponent: float) -> Pair:
    """Give 1 − (1 − t/n) ** exponent for 0 ≤ t ≤ n and exponent > 0."""
    left = n - t
    q, rest = quotient(left, n)
    some = q > 0.0
    power = q**exponent
    small_rest = exponent * np.divide(rest, q, out=np.zeros_like(q), where=some)
    late, late_rest = _sum(1.0, -power)
    late_rest -= power * small_rest * (1.0 + small_rest / 2.0)
    log, log_rest = _logarithm(np.where(some, q, 1.0), np.where(some, rest, 0.0), quotient(t, n))
    raised = exponent * log
    early = -np.expm1(raised)
    early_rest = (early - 1.0) * (product_rest(log, exponent, raised) + exponent * log_rest)
    is_early = power > 0.5
    return np.where(is_early, early, late), np.where(is_early, early_rest, late_rest)


def _logarithm(q: FloatArray, rest: FloatArray, missing: Pair) -> Pair:
    """Give the logarithm of 0 < q + rest ≤ 1, of which `missing` is missing to 1, as 2·artanh((m − 1)/(m + 1))."""
    m, k = np.frexp(q)
    low = m < _ROOT_HALF
    m, k = np.where(low, 2.0 * m, m), np.where(low, k - 1, k)
    whole = k == 0
    over = np.where(whole, -missing[0], m - 1.0)
    over_rest = np.where(whole, -missing[1], np.ldexp(rest, -k))
    under, under_rest = _sum(2.0, over)
    s = over / under
    near = s * under
    s_rest = ((over - near) - product_rest(s, under, near) + over_rest - s * (under_rest + over_rest)) / under
    square = s * s
    tail = np.full_like(s, _ARTANH[0])
    for term in _ARTANH[1:]:
        tail = tail * square + term
    log, log_rest = _sum(k * _LOG_2, 2.0 * s)
    log, tail = _sum(log, 2.0 * s * square * tail)
    return log, tail + (log_rest + (k * _LOG_2_REST + 2.0 * s_rest))


def product_rest(x: FloatArray, y: float | FloatArray, xy: FloatArray) -> FloatArray:
    """x·y less `xy`, its float64 (Dekker's product)."""
    x_high = x * _SPLIT
    x_high -= x_high - x
    y_high = y * _SPLIT
    y_high = y_high - (y_high - y)
    x_low, y_low = x - x_high, y - y_high
    rest = x_high * y_high
    rest -= xy
    rest += x_low * y_high
    rest += x_high * y_low
    rest += x_low * y_low
    return rest


def _from_the_nearer_end(first: NDArray[np.bool_], near: FloatArray, rest: FloatArray) -> Pair:
    """`near` where `first`, and 1 − `near` elsewhere."""
    far = 1.0 - near
    return np.where(first, near, far), np.where(first, rest, ((1.0 - far) - near) - rest)


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Add numbers or arrays, and say what rounding took from the sum (Knuth's)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)
