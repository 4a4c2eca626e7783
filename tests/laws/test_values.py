"""Laws of values: what rises, falls, continues, and what a run's units, a cut, a clip or a comparison change or not."""

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rheostat as rh
from laws.strategies import RUN, decays, factors, falls, lasting, open_ended, runs, schedules, spans

long = st.floats(0, 12).map(lambda x: int(10**x))
FALLING = {
    "decay": decays(st.none()).filter(lambda s: s.start >= s.end),
    "steep": st.builds(lambda p, e: rh.polynomial(power=p, end=e), st.floats(5, 1000), st.floats(0, 1)),
    "exponential": st.builds(rh.exponential, factor=st.floats(1e-6, 1), every=spans),
    "step": st.builds(rh.step, factor=falls, every=spans),
    "inverse_sqrt": st.builds(rh.inverse_sqrt, spans),
}
RISING = {
    "decay": decays(st.none()).filter(lambda s: s.start <= s.end),
    "steep": st.builds(lambda p, s: rh.polynomial(power=p, end=1, start=s), st.floats(5, 1000), st.floats(0, 1)),
    "warmup": st.builds(
        rh.warmup, st.just("100%"), start=falls, shape=st.sampled_from(["linear", "cosine", "exponential"])
    ),
    "counted warmup": st.builds(rh.warmup, st.just("100%"), shape=st.sampled_from(["linear", "cosine"])),
}


def bound(schedule, run=RUN, **options):
    try:
        return schedule.over(run, **options)
    except rh.ScheduleError:  # its parts do not fit into the run; that is refused, and is no matter of these laws
        assume(False)


def pieces(curve, n, middles):
    """Values around the ends and some middles of a run of any length, each piece update by update."""
    for middle in (0, n, *(int(m * n) for m in middles)):
        t = np.arange(max(middle - 300, 0), middle + 300, dtype=float)
        yield curve.factors(t)


@pytest.mark.parametrize("kind", FALLING)
@given(data=st.data(), n=long, middles=st.lists(st.floats(0, 1), max_size=3))
def test_what_falls_never_rises(kind, data, n, middles):
    """Not by a last digit either."""
    curve = bound(
        data.draw(FALLING[kind]), rh.Run(steps=n, steps_per_epoch=100, samples_per_step=32, tokens_per_step=2.5)
    )
    for v in pieces(curve, n, middles):
        assert (np.diff(v) <= 0).all()


@pytest.mark.parametrize("kind", RISING)
@given(data=st.data(), n=long, middles=st.lists(st.floats(0, 1), max_size=3))
def test_what_rises_never_falls(kind, data, n, middles):
    curve = bound(data.draw(RISING[kind]), rh.Run(steps=n))
    for v in pieces(curve, n, middles):
        assert (np.diff(v) >= 0).all()


@given(decays(st.none()), st.integers(1, 10**4), st.lists(st.floats(0, 10**4), min_size=2, max_size=40))
def test_between_two_updates_lies_nothing_else(s, n, positions):
    """Positions need not be whole: by the clock, or halfway through an epoch."""
    t = np.sort(positions)
    v = s.over(rh.Run(steps=n)).factors(t)
    assert (np.diff(v) * np.sign(s.end - s.start) >= 0).all()


@given(schedules, runs, st.integers(0, 6000), st.integers(0, 200))
def test_a_slice_is_a_part_of_the_whole(s, run, start, n):
    curve = bound(s, run)
    assert np.array_equal(curve.values(start, start + n), curve.values(0, start + n)[start:])


@given(open_ended, st.integers(1, 300), st.integers(1, 300))
def test_what_needs_no_end_is_the_same_in_every_run(s, n, more):
    """A longer run begins as the shorter one: only its percents and decays look at the end."""
    assume(not any(word in repr(s) for word in ("%", "cosine(", "linear(", "rex(", "sqrt(", "polynomial(", "repeat")))
    rates = {"steps_per_epoch": 100, "samples_per_step": 32, "tokens_per_step": 2.5}
    short, long = (bound(s, rh.Run(steps=k, **rates)) for k in (n, n + more))
    assert np.array_equal(short.values(0, n), long.values(0, n))


@given(schedules, st.integers(30, 90))
def test_how_the_runs_length_is_written_does_not_matter(s, epochs):
    """The same run in steps, epochs, samples or tokens gives the same curve, and the same text of lengths."""
    rates = {"steps_per_epoch": 100, "samples_per_step": 32, "tokens_per_step": 2.5}
    n = epochs * 100
    same = [rh.Run(steps=n, **rates), rh.Run(epochs=epochs, **rates)]
    same += [rh.Run(samples=n * 32, **rates), rh.Run(tokens=n * 2.5, **rates)]
    curves = [bound(s, run) for run in same]
    assert {run.updates for run in same} == {n}
    assert all(np.array_equal(curves[0].values(0, n + 5), curve.values(0, n + 5)) for curve in curves)


@given(spans, st.integers(0, 100))
def test_a_length_is_the_same_place_in_every_unit(span, extra):
    """There and back: converted into updates, written as steps, it is the same position."""
    curve = rh.linear().over(RUN)
    exact = RUN.convert(rh.Span.of(span), "updates", "span")
    assume(exact.denominator <= 1000)
    assert curve.at(span) == curve.at(rh.Span(exact, "steps")) == curve.at(int(exact + 0.5))


@given(lasting, lasting, st.floats(0.01, 10), st.floats(0, 3))
def test_levels_that_meet_meet_without_a_jump(a, b, level, end):
    """Where one part ends at a level and the next starts there, the joint is no larger a step than its neighbours."""
    s = rh.linear(start=end, end=level, over="500 steps") >> rh.cosine(start=level, end=end)
    v = s.over(rh.Run(steps=1000)).values()
    assert abs(v[500] - level) == 0
    assert abs(v[500] - v[499]) <= abs(level - end) / 500 * (1 + 1e-9)


@given(schedules, schedules, runs)
def test_difference_is_symmetric_and_tells_the_truth(a, b, run):
    one, two = bound(a, run), bound(b, run)
    forth, back = one.diff(two), two.diff(one)
    x, y = one.values(), two.values()
    assert (forth.first, forth.largest, forth.at) == (back.first, back.largest, back.at)
    assert bool(forth) == (not np.array_equal(x, y))
    if forth:
        assert forth.values == (back.values[1], back.values[0]) == (x[forth.first], y[forth.first])
        assert np.array_equal(x[: forth.first], y[: forth.first])
        assert forth.largest == np.abs(x - y).max() == abs(x - y)[forth.at]
    assert not one.diff(bound(a, run))


@given(st.lists(open_ended, min_size=2, max_size=3), st.integers(0, 5000), st.sampled_from([None, 0.1, 1.0]))
def test_an_explanation_multiplies_to_the_value(parts, t, base):
    """The numbers that explain() shows are factors of the value that it shows."""
    s = parts[0]
    for part in parts[1:]:
        s = s * part
    curve = bound(s, base=base)
    text = curve.explain(t).removesuffix("  (past the end: the last value is held)")
    shown = [float(factor.rpartition(" ")[2]) for factor in text.split(" × ")[-len(parts) :]]
    assert np.isclose(np.prod(shown) * (base or 1.0), curve.at(t), rtol=1e-4, atol=1e-300)
    assert text.startswith(f"update {t}: ")


@given(schedules)
def test_a_schedule_survives_json_and_yaml(s):
    """As text it goes wherever text goes."""
    assert rh.parse(json.loads(json.dumps({"lr": repr(s)}))["lr"]) == s


@given(schedules, factors, factors)
def test_scales_multiply_and_clips_nest(s, a, b):
    v = bound(s).values()
    low, high = min(a, b), max(a, b)
    assert np.array_equal(bound(s.scale(a).scale(b)).values(), b * (a * v))
    clipped = bound(s.clip(min=low, max=high)).values()
    assert np.array_equal(clipped, np.clip(v, low, high))
    assert np.array_equal(clipped, bound(s.clip(min=low, max=high).clip(min=low, max=high)).values())
    assert np.array_equal(clipped, bound(s.clip(max=high).clip(min=low)).values())


@given(open_ended, factors)
def test_a_constant_factor_is_a_scale(s, k):
    assert np.array_equal(bound(s * rh.constant(k)).values(), bound(s.scale(k)).values())


@given(schedules)
def test_once_is_once(s):
    assume("plateau" not in repr(s))
    assert np.array_equal(bound(s.repeat(1)).values(0, 5000), bound(s).values(0, 5000))


@given(decays(st.none()), st.floats(1e-6, 10), st.floats(1e-6, 10))
def test_absolute_levels_hold_whatever_the_base(s, base, level):
    """The same schedule with a value in place of a factor ends at that value in every group."""
    make = type(s)(end=rh.absolute(level), start=rh.absolute(2 * level))
    curve = make.over(RUN, base=base)
    assert abs(curve.at(RUN.updates) - level) <= np.spacing(level)
    assert abs(curve.at(0) - 2 * level) <= np.spacing(2 * level)


@given(schedules, runs)
def test_lint_speaks_of_everything_and_changes_nothing(s, run):
    """Whatever the schedule, it answers, in sentences, and twice the same."""
    before = repr(s)
    found = rh.lint(s, run)
    assert found == rh.lint(before, run)
    assert repr(s) == before
    for finding in found:
        assert finding.message.endswith(".") or finding.code == "refused"
        assert str(finding) == f"{finding.code}: {finding.message} {finding.mend}"


@given(st.integers(1, 90), st.integers(100, 10**6), falls)
def test_lint_is_silent_on_a_warmup_and_a_decay(percent, n, end):
    end = min(end, 0.5)
    assert rh.lint(rh.warmup(f"{percent / 10}%") >> rh.cosine(end=end), rh.Run(steps=max(n, 2000))) == []
