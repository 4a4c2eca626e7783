"""Small curves, update by update, where parts, turns, cuts and clocks meet; and exact cycles far out."""

import functools
import itertools
import operator
from fractions import Fraction

import numpy as np
import pytest

import rheostat as rh
from rheostat.schedule.periods import Periods

VALUES = [
    # a run that cuts a longer schedule off holds its last update's value, and no restart's
    ("linear(over='5 steps').repeat(4)", rh.Run(steps=10), [1, 0.8, 0.6, 0.4, 0.2, 1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2]),
    ("linear(over='20 s')", rh.Run(time="4 s"), [1, 0.95, 0.9, 0.85, 0.8, 0.8]),
    # without a known length
    ("warmup('2 steps') >> constant(0.5, over='2 steps') >> constant(0.1)", rh.Run(), [0.5, 1, 0.5, 0.5, 0.1, 0.1]),
    ("cosine_restarts(period='2 steps', growth=2)", rh.Run(), [1, 0.5, 1, 0.5 + 0.125**0.5, 0.5, 0.5 - 0.125**0.5, 1]),
    ("step(every='2 steps', factor=1)", rh.Run(), [1, 1, 1, 1]),
    # lengths of products and turns
    ("linear(over='4 steps') * constant(0.5, over='2 steps') >> constant(2)", rh.Run(steps=6), [0.5, 0.375, 0.25, 0.125, 2, 2]),
    ("linear(over='2 steps').repeat(2) >> constant(0.25)", rh.Run(steps=6), [1, 0.5, 1, 0.5, 0.25, 0.25]),
    ("linear().repeat(2) * polynomial(power=2).repeat(2)", rh.Run(steps=4), [1, 0.125, 1, 0.125, 0]),
    ("linear(over='2.3 steps').repeat(2)", rh.Run(steps=6), [1, 0.5, 1, 2 / 3, 1 / 3, 0, 0]),
    # modes and clocks
    ("cyclic(low=0, up='1 steps', mode='triangular2')", rh.Run(steps=6), [0, 1, 0, 0.5, 0, 0.25, 0]),
    ("exponential(factor=1.001, every='1 steps')", rh.Run(steps=3), [1, 1.001, 1.001**2, 1.001**3, 1.001**3]),
    ("warmup('10 s')", rh.Run(time="100 s"), [0.01, 0.11, 0.21]),
    ("warmup('10 s')", rh.Run(time="100 s", seconds_per_step=2), [0.2, 0.3, 0.4]),
    ("linear().repeat(4)", rh.Run(time="10 s"), [1, 0.6, 0.2, 0.8, 0.4, 1, 0.6, 0.2, 0.8, 0.4, 0, 0]),
    ("cyclic(low=0, up='2 s', down='3 s')", rh.Run(time="10 s"), [0, 0.5, 1, 2 / 3, 1 / 3, 0, 0.5, 1, 2 / 3, 1 / 3, 0, 0]),
    # levels at their limits
    ("one_cycle(start=1)", rh.Run(steps=10), [1, 1, 1, 1]),
    ("cosine(end=absolute(0.1))", rh.Run(steps=3), [1, 1, 1, 1]),
    ("cyclic(low=absolute(0.1), up='2 steps')", rh.Run(steps=3), [1, 1, 1, 1]),
    ("warmup('2 steps', start=absolute(0.1))", rh.Run(steps=3), [1, 1, 1, 1]),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "run", "values"), VALUES, ids=range(len(VALUES)))
def test_update_by_update(spec, run, values):
    curve = rh.parse(spec).over(run, base=0.1)
    assert curve.values(0, len(values)) / 0.1 == pytest.approx(values, rel=1e-15, abs=1e-15)


@pytest.mark.parametrize(("every", "time", "t", "drops"), [("0.5 s", "10 s", 9.6, 19), ("0.1 s", "0.5 s", 0.45, 4)])
def test_at_the_end_of_the_time_a_staircase_stands_on_its_last_step(every, time, t, drops):
    curve = rh.step(every=every, factor=0.5).over(rh.Run(time=time))
    assert {curve.at(t), curve.at(time), curve.at(1000)} == {0.5**drops}


def test_a_product_is_the_same_to_the_last_bit_in_any_order():
    factors = [rh.cosine(end=0.3), rh.linear(end=0.7), rh.exponential(factor=0.9, every="7 steps")]
    run = rh.Run(steps=97)
    first, *others = (
        functools.reduce(operator.mul, order).over(run).values() for order in itertools.permutations(factors)
    )
    assert all(np.array_equal(first, other) for other in others)


def test_factors_that_overflow_are_refused_with_the_first_update_that_does():
    late = rh.constant(0.0, over="1 steps") >> rh.constant()
    product = functools.reduce(operator.mul, [rh.constant(1e9)] * 35)
    for schedule, update in ((product, 0), (late * product, 1)):
        with pytest.raises(rh.ScheduleError, match=f"need finite values ≥ 0; update {update} uses inf. Try smaller"):
            schedule.over(rh.Run(steps=10))


def test_a_function_may_give_whole_numbers_zeros_and_float32():
    run = rh.Run(steps=4)
    assert rh.from_function(lambda p: 1 - p).over(run).values(0, 5).tolist() == [1, 0.75, 0.5, 0.25, 0]
    assert rh.from_function(lambda p: np.floor(p).astype(int)).over(run).values(0, 5).tolist() == [0, 0, 0, 0, 1]
    narrow = rh.from_function(lambda p: np.full(p.shape, 0.1, dtype=np.float32)).over(run, base=0.3)
    assert narrow.at(0) == float(np.float32(0.1)) * 0.3


def test_no_time_at_all_is_the_first_update():
    assert rh.linear().over(rh.Run(steps=4)).at("0 steps") == 1


def test_a_place_by_the_clock_is_no_whole_number():
    assert rh.linear().over(rh.Run(time="10 s")).at("2.5 s") == 0.75


def test_values_take_the_factors_of_metric_driven_parts():
    curve = (rh.linear() * rh.plateau()).over(rh.Run(steps=4))
    assert curve.values(signals=[0.5]).tolist() == [0.5, 0.375, 0.25, 0.125]


def test_a_schedule_with_an_end_is_past_it_in_a_run_without():
    curve = rh.linear(over="4 steps").over(rh.Run())
    assert curve.explain(4) == "update 4: factor linear(over='4 steps') 0"
    assert curve.explain(5) == "update 5: factor linear(over='4 steps') 0  (past the end: the last value is held)"


@pytest.mark.parametrize(
    "every", [Fraction(7, 2), Fraction(1003, 10), Fraction(100003, 10007), Fraction(10**15 + 1, 7)]
)
@pytest.mark.parametrize("far", [0, 10**6, 10**12, 10**15 - 50])
def test_who_owns_an_update_is_exact_however_far(every, far):
    periods, after = Periods(every, whole=True), Fraction(9, 4)
    t = np.arange(far, far + 40, dtype=np.float64)
    index = periods.index(t)
    nearest = lambda exact: (2 * exact + 1) // 2
    for i, k in zip(range(far, far + 40), map(int, index), strict=True):
        assert nearest(k * every) <= i < nearest((k + 1) * every)
    assert periods.begin(index).tolist() == [nearest(int(k) * every) for k in index]
    assert periods.begin(index, after).tolist() == [nearest(int(k) * every + after) for k in index]


@pytest.mark.parametrize("every", [Fraction(1001, 1000), Fraction(10007, 10000)])
def test_no_boundary_is_a_rounding_away(every):
    """Cycles of little more than an update, so that a thousand of them pass every fraction of one."""
    periods, t = Periods(every, whole=True), range(10**15 - 1500, 10**15)
    index = periods.index(np.array(t, dtype=np.float64))
    assert index.tolist() == [-(-(2 * i + 1) * every.denominator // (2 * every.numerator)) - 1 for i in t]
    assert periods.begin(index).tolist() == [(2 * int(k) * every + 1) // 2 for k in index]
