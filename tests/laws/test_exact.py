"""Every shape and every composition against the published formulas in 50 digits, for runs of 1 to 10**12 updates."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf

import rheostat as rh
from laws.reference import FAMILIES, compositions, lengths, times

bases = st.one_of(st.sampled_from([0.1, 1e-3, 3e-4, 1.0]), st.floats(1e-7, 10.0))


def places(data, known, n):
    """Both ends, what lies around the edges, and some at random on every scale."""
    some = [0, 1, 2, n - 2, n - 1, n, n + 1, 2 * n]
    some += [e + d for e in known.edges for d in (-2, -1, 0, 1)]
    some += data.draw(st.lists(st.integers(0, n), max_size=6))
    return sorted({t for t in some if t >= 0})


def check(data, known, n, base=None):
    curve = known.schedule.over(rh.Run(steps=n), base=base)
    for t in places(data, known, n):
        exact, allowed = known.value(min(t, n))
        if base is not None:
            exact, allowed = times((exact, allowed), (mpf(base), mpf(0)))
        off = abs(mpf(curve.at(t)) - exact)
        assert off <= allowed, f"update {t} of {n}: {curve.at(t)!r} is {float(off / allowed):.3g} times the bound away"


@pytest.mark.parametrize("family", FAMILIES)
@given(data=st.data(), n=lengths)
def test_shapes(family, data, n):
    """Two units in the last place at most."""
    check(data, data.draw(FAMILIES[family](n)), n)


@given(data=st.data(), n=lengths, base=bases)
def test_compositions(data, n, base):
    """A sequence is as exact as its parts, a product as exact as its factors allow; so are values with a base."""
    known = data.draw(compositions(n))
    check(data, known, n)
    check(data, known, n, base)


@pytest.mark.parametrize(
    ("start", "end", "n", "t", "power"),
    [
        (0.0, 0.1, 196639879, 98319939, 0.09700073094708013),
        (0.0, 0.00020611869343346907, 4036272, 1, 4.035100538549747),
        (1e-06, 0.001, 62, 2, 3),
        (0.001, 1.579, 77, 38, 0.027523701270877894),
        (0.0, 0.654, 31, 1, 3),
    ],
)
def test_a_rising_polynomial_is_as_exact_near_its_start(start, end, n, t, power):
    """Found by trying: a logarithm, a product and an exponential, each a little off, were more than two together."""
    exact = mpf(start) + (mpf(end) - mpf(start)) * (1 - (1 - mpf(t) / n) ** mpf(power))
    curve = rh.polynomial(power=power, start=start, end=end).over(rh.Run(steps=n))
    assert abs(mpf(curve.at(t)) - exact) <= 1.7 * mpf(math.ulp(float(exact)))
