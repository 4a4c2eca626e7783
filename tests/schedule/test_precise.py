"""Pairs of a float64 and what is missing to it: their sum, in units in the last place of what it should be.

The bounds are twice what was measured at most, but for what NumPy's own powers and logarithms leave: one unit or two.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp, mpf

from rheostat.schedule import precise

mp.dps = 60
LENGTHS = [1, 7, 997, 35_190, 10**9 + 7, 10**12]


def positions(n):
    """Both ends, their neighbours, and shares of n that are no simple fractions of it."""
    shares = (0.0, 1e-9, 1e-4, 0.013, 0.1, 0.24, 0.25, 0.29, 0.4, 0.5, 0.51, 0.63, 0.75, 0.77, 0.9, 0.99, 1 - 1e-6, 1.0)
    return sorted({min(t, n) for share in shares for t in (int(share * n), int(share * n) + 1)})


def check(pair, exact, ulps):
    for first, rest, true in zip(*pair, exact, strict=True):
        assert abs(mpf(first) + mpf(rest) - true) <= ulps * math.ulp(float(true)), (first, rest, true)


def array(t):
    return np.array(t, dtype=np.float64)


@pytest.mark.parametrize("n", LENGTHS)
def test_a_quotient(n):
    t = positions(n)
    q, rest = precise.quotient(array(t), n)
    check((q, rest), [mpf(i) / n for i in t], 1e-15)
    assert (np.abs(rest) <= np.spacing(q) / 2).all()


@pytest.mark.parametrize("n", LENGTHS)
def test_half_a_cosine(n):
    t = positions(n)
    check(precise.half_cosine(array(t), n), [mp.sin(mp.pi / 2 * i / n) ** 2 for i in t], 0.5)


@pytest.mark.parametrize("n", LENGTHS)
def test_a_root(n):
    t = positions(n)
    near, rest = precise.root(array(t), n)
    check((near, rest), [mp.sqrt(mpf(i) / n) for i in t], 1e-15)
    assert (np.abs(rest) <= np.spacing(near)).all()


@pytest.mark.parametrize("n", LENGTHS)
def test_a_product_of_pairs(n):
    t = positions(n)
    a, b = precise.quotient(array(t), n), precise.quotient(array(t[::-1]) + 1.0, 3.0 * n)
    product, rest = precise.times(a, b)
    check((product, rest), [mpf(i) / n * (j + 1) / (3 * n) for i, j in zip(t, t[::-1], strict=True)], 1e-15)
    assert (np.abs(rest) <= 2 * np.spacing(product)).all()


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("factor", [0.999999, 0.97, 0.5, 0.1, 1e-6, 1.01])
@pytest.mark.parametrize("every", [Fraction(7), Fraction(1003, 10), Fraction(1, 3)])
def test_a_power(factor, every, n):
    """Near 1 it is what is missing to 1 that is right to its last digits."""
    every = every * max(n // 9, 1)
    t = positions(n)
    first, rest = precise.power(factor, array(t), every)
    exact = [mpf(factor) ** (mpf(i) * every.denominator / every.numerator) for i in t]
    check((first, rest), exact, 1.0)
    near = [(1 - mpf(a) - mpf(b), 1 - true) for a, b, true in zip(first, rest, exact, strict=True) if true > 0.76]
    assert near
    for missing, true in near:
        assert abs(missing - true) <= 4e-16 * abs(true)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("exponent", [0.01, 0.5, 0.9, 1.0, 2.0, 3.7, 100.0])
def test_a_fall_by_a_power(exponent, n):
    t = positions(n)
    pair = precise.fallen(array(t), float(n), exponent)
    check(pair, [1 - (1 - mpf(i) / n) ** mpf(exponent) for i in t], 2.0)
    assert np.add(*pair)[[0, -1]].tolist() == [0.0, 1.0]
