"""What holds for every schedule."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rheostat as rh
from laws.strategies import RUN, decays, factors, lasting, open_ended, runs, schedules, sequences, spans

NAMES = {name: getattr(rh, name) for name in rh.__all__ if name not in ("Scheduler", "Ledger", "Task", "train")}


def values(schedule, run=RUN, stop=5000):
    try:
        return schedule.over(run).values(0, stop)
    except rh.ScheduleError:  # its parts do not fit into the run; that is refused, and is no matter of these laws
        assume(False)


@given(schedules)
def test_text_gives_the_schedule_back(s):
    assert rh.parse(repr(s)) == s
    assert eval(repr(s), dict(NAMES)) == s
    assert hash(rh.parse(repr(s))) == hash(s)
    assert repr(rh.parse(repr(s))) == repr(s)


@given(schedules)
def test_schedules_and_curves_survive_copying_and_pickling(s):
    assert pickle.loads(pickle.dumps(s)) == s == copy.deepcopy(s)


@given(schedules, runs, st.lists(st.integers(0, 20_000), min_size=1, max_size=20))
def test_at_equals_values_bit_for_bit(s, run, positions):
    whole = values(s, run, 20_001)
    curve = s.over(run)
    assert [curve.at(t) for t in positions] == [float(whole[t]) for t in positions]
    t = positions[0]
    assert np.array_equal(curve.values(t, t + 50)[: 20_001 - t], whole[t : t + 50])


@given(schedules, runs)
def test_values_are_finite_and_not_negative(s, run):
    v = values(s, run, 8000)
    assert np.isfinite(v).all()
    assert (v >= 0).all()


@given(schedules, runs)
def test_past_the_end_the_last_value_is_held(s, run):
    v = values(s, run, 8000)
    end = run.updates
    assert (v[end:] == v[end]).all()
    assert s.over(run).at(10**12) == v[end]


@given(lasting, lasting, open_ended)
def test_sequencing_is_associative_and_flat(a, b, c):
    assert (a >> b) >> c == a >> (b >> c)
    assert np.array_equal(values((a >> b) >> c), values(a >> (b >> c)))


@given(st.lists(lasting, min_size=2, max_size=4), open_ended)
def test_a_nested_sequence_is_the_sequence_of_its_parts(parts, last):
    """Also where something stands around the inner sequence, so that it is not taken apart."""
    inner = parts[0]
    for part in parts[1:]:
        inner = inner >> part
    assert np.array_equal(values(inner >> last), values(inner.scale(1) >> last))


@given(open_ended, schedules)
def test_products_commute_bit_for_bit(a, b):
    assert np.array_equal(values(a * b), values(b * a))


@given(open_ended, open_ended, open_ended)
def test_products_are_associative_bit_for_bit(a, b, c):
    assert np.array_equal(values((a * b) * c), values(a * (b * c)))


@given(schedules, factors)
def test_scaling_and_clipping_are_pointwise(s, k):
    v = values(s)
    assert np.array_equal(values(s.scale(k)), k * v)
    assert np.array_equal(values(s.clip(max=k)), np.minimum(v, k))
    assert np.array_equal(values(s.clip(min=k)), np.maximum(v, k))


@given(lasting, open_ended)
def test_a_joint_belongs_to_the_later_part(a, b):
    curve = (a >> b).over(RUN) if values(a >> b) is not None else None
    (joint,) = curve.joints
    assume(joint < RUN.updates)
    later = b.over(rh.Run(steps=RUN.updates - joint, steps_per_epoch=100, samples_per_step=32, tokens_per_step=2.5))
    if "%" not in repr(b):
        assert curve.at(joint) == later.at(0)


@given(lasting, st.integers(1, 5))
def test_repeating_is_periodic(s, n):
    assume(not any(unit in repr(s) for unit in ("plateau", "epochs", "%", "samples", "tokens")))
    length = s.over(RUN).bound.length
    once = s.over(rh.Run(steps=10**6)).values(0, int(length))
    again = s.repeat(n).over(rh.Run(steps=10**6)).values(0, n * int(length))
    assert np.array_equal(again, np.tile(once, n))


@given(decays(st.none()))
def test_a_decay_starts_and_ends_exactly(s):
    curve = s.over(RUN)
    assert curve.at(0) == s.start
    assert curve.at(RUN.updates) == s.end


@given(decays(st.none()))
def test_a_decay_stays_between_its_ends(s):
    v = values(s)
    low, high = min(s.start, s.end), max(s.start, s.end)
    assert v.min() >= low
    assert v.max() <= high


@given(decays(st.none()), st.integers(1, 10**12))
def test_positions_are_exact_far_out(s, t):
    """Progress is all that counts: twice as long and twice as far is the same, at 10**12 updates too."""
    n = 10**12
    assert s.over(rh.Run(steps=2 * n)).at(2 * t) == s.over(rh.Run(steps=n)).at(t)


@given(st.integers(1, 1000), st.integers(1, 10**12))
def test_stairs_are_exact_far_out(every, t):
    s = rh.step(every=f"{every} steps", factor=0.5)
    expected = 0.5 ** (t // every)
    assert s.over(rh.Run()).at(t) == expected


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 10**6))
def test_fractional_intervals_fall_on_the_nearest_update(n, d, k):
    """The k-th drop of an interval n/d falls on round-half-up(k·n/d): exact, and without drift."""
    every = Fraction(n, d)
    assume(every >= 1)
    run = rh.Run(epochs=1, steps_per_epoch=1)
    s = rh.step(every=rh.Span(n, "samples"), factor=0.5)
    run = rh.Run(samples_per_step=d)
    drop = int(k * every + Fraction(1, 2))
    curve = s.over(run)
    if 0 < k < 900:
        assert curve.at(drop) == 0.5**k
        assert curve.at(drop - 1) == 0.5 ** (k - 1)


@given(decays(spans))
def test_units_do_not_matter_once_bound(s):
    """The same length in steps, epochs, samples, tokens or percent gives the same curve."""
    n = int(s.over(RUN).bound.length)
    written = [f"{n} steps", f"{n / 100} epochs", f"{n * 32} samples", rh.Span(n * 2.5, "tokens"), rh.Span(n / 40, "%")]
    make = type(s)
    curves = [make(**{**_fields(s), "span": rh.Span.of(text)}).over(RUN).values(0, 4500) for text in written]
    assert all(np.array_equal(curves[0], other) for other in curves[1:])


def _fields(s):
    return {name: getattr(s, name) for name in ("end", "start", "power") if hasattr(s, name)}


@given(decays(st.none()), st.integers(1, 10_000), st.lists(st.floats(0, 20_000), min_size=2, max_size=20))
def test_a_wall_clock_run_is_monotone_and_lands(s, seconds, times):
    assume(s.start >= s.end)
    curve = s.over(rh.Run(time=rh.Span(seconds, "s")))
    v = [curve.at(t) for t in sorted(times)]
    assert all(a >= b - 1e-12 for a, b in zip(v, v[1:]))
    assert curve.at(seconds) == curve.at(10 * seconds) == s.end


@given(sequences, st.floats(1e-6, 1e3))
def test_values_are_factors_times_the_base(s, base):
    v = values(s)
    assert np.array_equal(s.over(RUN, base=base).values(0, 5000), v * base)


@given(st.integers(1, 9), st.integers(1, 9))
def test_percents_that_make_a_hundred_fit(a, b):
    parts = [rh.constant(0.1, over=f"{a * 10}%"), rh.constant(0.2, over=f"{100 - a * 10}%")]
    for n in range(10, 60, b):  # from ten updates on, each of the two has one of its own
        curve = (parts[0] >> parts[1]).over(rh.Run(steps=n))
        assert curve.bound.length == n


@pytest.mark.parametrize("n", [1, 2, 3, 7, 1000])
def test_warmup_reaches_its_peak_whatever_its_length(n):
    v = (rh.warmup(f"{n} steps") >> rh.constant()).over(rh.Run(steps=2 * n + 1)).values()
    assert v[n - 1] == 1.0
    assert v[0] == 1 / n
