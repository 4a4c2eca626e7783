"""Laws of place: who owns an update, where turns and cycles begin, wall-clock runs, absolute levels, copies of curves."""

import copy
import pickle
from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import rheostat as rh
from laws.strategies import RUN, decays, factors, falls, lasting, open_ended, runs, schedules


def bound(schedule, run=RUN, **options):
    try:
        return schedule.over(run, **options)
    except rh.ScheduleError:
        assume(False)


@given(schedules, runs)
def test_a_curve_survives_copying_and_pickling(s, run):
    curve = bound(s, run, base=0.1)
    for again in (pickle.loads(pickle.dumps(curve)), copy.deepcopy(curve), copy.copy(curve)):
        assert again == curve
        assert hash(again) == hash(curve)
        assert np.array_equal(again.values(), curve.values())


@given(st.lists(lasting, min_size=1, max_size=4), open_ended, runs)
def test_every_update_has_one_owner(parts, last, run):
    """The parts lie end to end: the values of a sequence are the values of its parts, one after the other."""
    s = parts[0]
    for part in parts[1:]:
        s = s >> part
    curve = bound(s >> last, run)
    joints = [0, *curve.joints, run.updates]
    assert joints == sorted(set(joints))
    assert [int(part.begin) for part in curve.bound.parts] == joints[:-1]
    pieces = [
        p(np.arange(high - low, dtype=float), curve.start_factors)
        for p, low, high in zip(curve.bound.parts, joints, joints[1:])
    ]
    assert np.array_equal(np.concatenate(pieces), curve.values())


@given(schedules, runs, st.permutations(range(60)))
def test_the_order_of_positions_does_not_matter(s, run, order):
    curve = bound(s, run)
    t = np.linspace(0, 7000, 60).round()
    expected = curve.factors(t)
    assert np.array_equal(curve.factors(t[order]), expected[order])
    assert np.array_equal(curve.factors(t.reshape(6, 10)), expected.reshape(6, 10))
    assert curve.factors(t[:0]).shape == (0,)


@given(st.integers(1, 400), st.integers(1, 40))
def test_every_turn_of_a_repeat_runs_from_start_to_end(n, turns):
    """Whatever the turns' lengths: each starts at 1, falls in equal steps, and the last one lands on 0."""
    assume(n >= turns)
    curve = rh.linear().repeat(turns).over(rh.Run(steps=n))
    v = curve.values(0, n + 1)
    begins = [int(Fraction(k * n, turns) + Fraction(1, 2)) for k in range(turns)]
    assert np.flatnonzero(v == 1.0).tolist() == begins
    for low, high in zip(begins, [*begins[1:], n]):
        assert v[low:high].tolist() == [(high - low - i) / (high - low) for i in range(high - low)]
    assert v[n] == 0


@given(st.integers(4, 90), st.integers(4, 90), st.integers(0, 2000))
def test_every_cycle_has_its_peak_on_an_update(up, down, n):
    up, down = Fraction(up, 4), Fraction(down, 4)
    s = rh.cyclic(low=0.25, up=rh.Span(up, "steps"), down=rh.Span(down, "steps"))
    v = s.over(rh.Run(steps=n + 100)).values()
    half = Fraction(1, 2)
    begins = [int(k * (up + down) + half) for k in range(n + 100)]
    peaks = [int(k * (up + down) + up + half) for k in range(n + 100)]
    assert np.flatnonzero(v == 1.0).tolist() == [t for t in peaks if t < n + 100]
    assert np.flatnonzero(v == 0.25).tolist() == [t for t in begins if t < n + 100]


@given(decays(st.none()), st.integers(1, 10_000), st.integers(1, 50), st.lists(st.floats(0, 20_000), max_size=20))
def test_cycles_by_the_clock_stay_in_range(s, seconds, n, times):
    period = rh.Span(rh.Span(seconds, "s").exact / 2 ** n.bit_length(), "s")
    cycles = [s.repeat(n), rh.cosine_restarts(period=period), rh.cosine_restarts(period=period, growth=2)]
    for schedule in [*cycles, rh.cyclic(low=0, up=period), rh.step(every=period, factor=0.5)]:
        curve = schedule.over(rh.Run(time=rh.Span(seconds, "s")))
        top = max(1.0, s.start, s.end)
        for t in [*times, *(k * float(period.amount) for k in range(40))]:
            assert 0 <= curve.at(t) <= top
        assert curve.at(seconds) == curve.at(10**9)


@given(st.floats(1e-7, 1.0), falls)
def test_an_absolute_level_is_reached_exactly(base, share):
    level = base * share
    for s in (
        rh.constant(rh.absolute(level)),
        rh.cosine(end=rh.absolute(level)),
        rh.linear().clip(min=rh.absolute(level)),
    ):
        assert abs(s.over(RUN, base=base).at(RUN.updates) - level) <= np.spacing(level)
    ours = rh.warmup("10%", start=rh.absolute(level)).over(RUN, base=base).at(0)
    assert abs(ours - level) <= np.spacing(level)


@given(lasting, open_ended, st.integers(1, 10**6))
def test_far_out_the_same_is_the_same(a, b, k):
    """A run of 10**12 updates, of which one epoch holds a whole run of RUN's: nothing drifts on the way."""
    assume(all(unit not in repr(a >> b) for unit in ("epochs", "%", "samples", "tokens")))
    near = bound(a >> b)
    far = rh.constant(over=f"{k * 10**6} steps") >> a >> b
    curve = bound(far, rh.Run(steps=k * 10**6 + RUN.updates))
    assert np.array_equal(curve.values(k * 10**6, k * 10**6 + 5000), near.values(0, 5000))


@given(factors, factors, st.integers(1, 5))
def test_numbers_are_what_they_are_equal_to(a, b, n):
    """1 and 1.0, 0.5 and NumPy's 0.5 make equal schedules with equal hashes and texts that read back."""
    one, two = rh.linear(end=a, start=n), rh.linear(end=np.float64(a), start=float(n))
    assert one == two
    assert hash(one) == hash(two)
    assert rh.parse(repr(one)) == rh.parse(repr(two))
