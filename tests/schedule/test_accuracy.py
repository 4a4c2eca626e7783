"""Each shape against its formula in 50 digits, out to 10**12 updates: within 2 units in the last place."""

import math

import pytest
from mpmath import mp, mpf

import rheostat as rh

mp.dps = 50
N = 10**12
AT = [
    0,
    1,
    2,
    3,
    10,
    999,
    10**6 + 1,
    N // 7,
    N // 3,
    N // 2 - 1,
    N // 2,
    2 * N // 3,
    N - 10**6,
    N - 1000,
    N - 3,
    N - 1,
    N,
]


def p(t):
    return mpf(t) / N


def blend(start, end, w):
    return mpf(end) + (mpf(start) - mpf(end)) * w


SHAPES = {
    "linear()": lambda t: 1 - p(t),
    "linear(end=0.3, start=0.7)": lambda t: blend(0.7, 0.3, 1 - p(t)),
    "linear(end=1.0, start=0.25)": lambda t: blend(0.25, 1, 1 - p(t)),
    "cosine()": lambda t: (1 + mp.cos(mp.pi * p(t))) / 2,
    "cosine(end=0.1)": lambda t: blend(1, 0.1, (1 + mp.cos(mp.pi * p(t))) / 2),
    "polynomial(power=2)": lambda t: (1 - p(t)) ** 2,
    "polynomial(power=0.9, end=0.01)": lambda t: blend(1, 0.01, (1 - p(t)) ** mpf(0.9)),
    "one_minus_sqrt()": lambda t: 1 - mp.sqrt(p(t)),
    "one_minus_sqrt(end=0.2)": lambda t: blend(1, 0.2, 1 - mp.sqrt(p(t))),
    "rex()": lambda t: (1 - p(t)) / (1 - p(t) / 2),
    "warmup('100%')": lambda t: min(mpf(t + 1) / N, mpf(1)),
    "warmup('100%', start=0.1)": lambda t: blend(0.1, 1, 1 - p(t)),
    "warmup('100%', start=0.001, shape='exponential')": lambda t: mpf(0.001) ** (1 - p(t)),
    "inverse_sqrt('1e6 steps')": lambda t: 1 / mp.sqrt(1 + mpf(t) / 10**6),
    "exponential(factor=0.5, every='1e11 steps')": lambda t: mpf(0.5) ** (mpf(t) / 10**11),
    "exponential(factor=0.9999, every='1e8 steps')": lambda t: mpf(0.9999) ** (mpf(t) / 10**8),
}


@pytest.mark.parametrize("text", SHAPES)
def test_within_two_units_in_the_last_place(text):
    curve = rh.parse(text).over(rh.Run(steps=N))
    for t in AT:
        exact, ours = SHAPES[text](t), curve.at(t)
        assert abs(mpf(ours) - exact) <= 2 * math.ulp(float(exact)), (t, ours, exact)
