"""A whole schedule in few updates: how many a warmup keeps, and that all of the schedule is gone through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rheostat as rh
from rheostat.probe.compress import shares, warmup


def rise(*texts, steps=1000):
    run = rh.Run(steps=steps)
    return warmup([rh.parse(text).over(run) for text in texts], steps)


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (["warmup('5%') >> cosine(end=0.1)"], 0.049),  # update 49 of 1000 is the first with the full value
        (["warmup('50 steps') >> constant()"], 0.049),
        (["cosine()"], 0.0),
        (["constant()"], 0.0),
        (["one_cycle()"], 0.3),
        (["linear(start=0, end=1)"], 0.0),  # climbs to the last update: no warmup, the whole of it
        (["cosine()", "warmup('10%') >> cosine()", "warmup('5%') >> cosine()"], 0.099),
    ],
)
def test_the_warmup_is_what_comes_before_the_highest_value(texts, share):
    assert rise(*texts) == pytest.approx(share, abs=2e-3)


def test_a_run_of_a_billion_updates_is_looked_at_in_a_moment():
    assert rise("warmup('5%') >> cosine()", steps=10**9) == pytest.approx(0.05, abs=2e-4)


def test_a_warmup_keeps_its_updates_as_far_as_they_fit_into_a_quarter():
    warm = shares(0.05, 400, 200)  # 20 updates of the real warmup
    assert (warm < 0.05).sum() == 20
    assert (shares(0.05, 400, 40) < 0.05).sum() == 10  # a quarter of 40
    assert (shares(0.4, 400, 40) < 0.4).sum() == 16  # never fewer than its share
    assert shares(0.0, 400, 40) == pytest.approx((np.arange(40) + 0.5) / 40)


@given(st.floats(0, 0.499), st.integers(1, 10**6), st.integers(1, 300))
def test_it_goes_through_all_of_the_run_and_never_back(rise, whole, updates):
    found = shares(rise, whole, min(updates, whole))
    assert found.shape == (min(updates, whole),)
    assert (np.diff(found) > 0).all()
    assert 0 < found[0] <= found[-1] < 1
