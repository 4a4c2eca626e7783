"""A schedule taken up in the middle: begun where told, ending where it ends, and never outside the two."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rheostat as rh
from laws.strategies import RUN, schedules


def bound(schedule):
    try:
        return schedule.over(RUN)
    except rh.ScheduleError:  # its parts do not fit into the run; that is refused, and is no matter of these laws
        assume(False)
        raise


N = RUN.steps
places = st.integers(0, N - 1)
levels = st.floats(0.0, 3.0).map(lambda x: round(x, 4))


@given(schedules, places, levels)
def test_it_begins_at_the_factor_in_force(schedule, at, factor):
    assert math.isclose(bound(schedule.rebase(f"{at} steps", factor)).at(at), factor, rel_tol=1e-15)


@given(schedules, places, levels)
def test_it_ends_where_the_schedule_ends(schedule, at, factor):
    curve, rebased = bound(schedule), bound(schedule.rebase(f"{at} steps", factor))
    end = curve.at(N)
    assert math.isclose(rebased.at(N), end, rel_tol=1e-9, abs_tol=1e-12)


@given(schedules, places, levels)
def test_it_stays_between_the_factor_and_what_the_schedule_has_ahead(schedule, at, factor):
    ahead = bound(schedule).values(at, N + 1)
    seen = bound(schedule.rebase(f"{at} steps", factor)).values(at, N + 1)
    assert seen.min() >= min(factor, ahead.min()) * (1 - 1e-12)
    assert seen.max() <= max(factor, ahead.max()) * (1 + 1e-12)


@given(schedules, places)
def test_at_the_planned_factor_nothing_changes(schedule, at):
    curve = bound(schedule)
    rebased = bound(schedule.rebase(f"{at} steps", curve.at(at)))
    assert np.array_equal(rebased.values(at, N + 1), curve.values(at, N + 1))


@given(schedules, places, levels)
def test_text_gives_it_back(schedule, at, factor):
    rebased = schedule.rebase(f"{at} steps", factor)
    assert rh.parse(repr(rebased)) == rebased


@given(schedules, places, levels, places)
def test_one_update_alone_is_as_in_the_whole(schedule, at, factor, t):
    curve = bound(schedule.rebase(f"{at} steps", factor))
    assert curve.at(t) == curve.values(0, N)[t]


@pytest.mark.parametrize("decay", ["cosine(end=0.1)", "linear()", "rex()", "polynomial(power=3)"])
@pytest.mark.parametrize("factor", [0.3, 0.7])
def test_a_decay_that_is_left_keeps_its_shape(decay, factor):
    """Its distance from the end is stretched by one number."""
    schedule = rh.parse(decay)
    plan, seen = (s.over(RUN).values(1000) for s in (schedule, schedule.rebase("1000 steps", factor)))
    end = bound(schedule).at(N)
    left = plan - end > 1e-6
    ratio = (seen - end)[left] / (plan - end)[left]
    assert np.allclose(ratio, (factor - end) / (plan[0] - end), rtol=1e-9)


def test_a_warmup_that_is_left_is_a_straight_line_to_the_peak():
    schedule = rh.warmup("1000 steps", start=0.0) >> rh.cosine()
    seen = schedule.rebase("200 steps", 0.6).over(RUN).values()
    assert np.allclose(seen[200:1001], np.linspace(0.6, 1.0, 801), rtol=1e-12)
    assert np.array_equal(seen[1000:], bound(schedule).values(1000))


def test_without_a_known_end_the_ratio_stays():
    seen = rh.inverse_sqrt("100 steps").rebase("300 steps", 0.25).over(rh.Run())
    assert [seen.at(300), seen.at(1500)] == pytest.approx([0.25, 0.125], rel=1e-15)


@given(levels, places)
def test_a_cut_of_a_plateau_still_cuts(factor, at):
    assume(factor > 0)
    curve = (rh.cosine() * rh.plateau()).rebase(f"{at} steps", factor).over(RUN)
    whole, cut = (curve.factors(np.array([float(at), N / 2 + at / 2]), [s]) for s in (1.0, 0.1))
    assert cut == pytest.approx(0.1 * whole, rel=1e-12)


@pytest.mark.parametrize(
    ("schedule", "run", "values"),
    [
        (rh.linear().rebase("2 steps", 0.2), rh.Run(steps=4), [1, 0.75, 0.2, 0.1, 0, 0]),
        (rh.linear().rebase("3 steps", 0.2), rh.Run(steps=4), [1, 0.75, 0.5, 0.2, 0, 0]),
        (rh.linear().rebase("4 steps", 0.2), rh.Run(steps=4), [1, 0.75, 0.5, 0.25, 0.2, 0.2]),
        (rh.linear().rebase("9 steps", 0.2), rh.Run(steps=4), [1, 0.75, 0.5, 0.25, 0.2, 0.2]),
        (rh.linear(over="4 steps").rebase("2 steps", 0.2), rh.Run(), [1, 0.75, 0.2, 0.1, 0, 0]),
        (rh.linear(end=0.5, over="4 steps").rebase("2 steps", 0.6), rh.Run(), [1, 0.875, 0.6, 0.55, 0.5, 0.5]),
        (rh.cyclic(low=0.1, up="2 steps").rebase("2 steps", 0.5), rh.Run(steps=10), [0.1, 0.55, 0.5, 0.5, 0.1, 0.5]),
        (rh.linear(over="3 steps").rebase("1 steps", 1), rh.Run(steps=5), [1, 1, 0.5, 0, 0, 0]),
        (rh.constant(0.5).rebase("2 steps", 0.1), rh.Run(steps=4), [0.5, 0.5, 0.1, 0.3, 0.5, 0.5]),
        (rh.constant(0.5).rebase("2 steps", 0.1), rh.Run(), [0.5, 0.5, 0.1, 0.1, 0.1, 0.1]),
        (rh.constant(0).rebase("2 steps", 0.1), rh.Run(), [0, 0, 0.1, 0.1, 0.1, 0.1]),
        ((rh.warmup("4 steps", start=0)).rebase("2 steps", 2), rh.Run(steps=5), [0, 0.25, 2, 1.75, 1.5, 1]),
        (rh.constant(over="2 steps") >> rh.linear().rebase("2 steps", 0.2), rh.Run(steps=6), [1, 1, 1, 0.75, 0.2, 0.1]),
    ],
    ids=repr,
)
def test_what_it_gives_update_by_update(schedule, run, values):
    curve = schedule.over(run)
    assert curve.values(0, 6) == pytest.approx(values, rel=1e-15, abs=1e-15)
    assert [curve.at(t) for t in range(6)] == curve.values(0, 6).tolist()


def test_what_it_is_made_of_is_known_to_lint():
    (warmup, peak) = rh.lint(rh.warmup("200 steps").rebase("2 steps", 0.2), rh.Run(steps=100))
    assert (warmup.code, peak.code) == ("warmup", "peak")
    assert "warmup('200 steps') takes 200 of the run's 100 updates" in warmup.message


def test_explain_shows_it_whole():
    curve = (rh.constant(over="4 steps") >> rh.linear().rebase("2 steps", 0.2)).over(rh.Run(steps=8))
    assert curve.joints == [4]
    assert curve.explain(7) == "update 7: factor linear().rebase('2 steps', 0.2) 0.1"
