"""Every shape and every composition against the published formulas in 50 digits, for runs of 1 to 10**12 updates."""

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
