"""The corners: shortest runs, lengths that round away, other axes, hostile NumPy settings, far positions, plateaus."""

import math
import warnings

import numpy as np
import pytest

import rheostat as rh
from rheostat.schedule.metric import PlateauState

RUN = rh.Run(steps=100)


@pytest.mark.parametrize(
    ("text", "updates", "values"),
    [
        ("cosine()", 1, [1.0]),
        ("warmup('10%')", 1, [1.0]),
        ("warmup('1 steps') >> linear()", 2, [1, 1]),
        ("warmup('1 steps', start=0.5) >> linear()", 3, [0.5, 1, 0.5]),
        ("warmup('1%') >> linear()", 3, [1, 1, 0.5]),
        ("wsd(warmup='10%', cooldown='20%')", 3, [1, 1, 1]),
        (
            "constant(0.1, over='33.3%') >> constant(0.2, over='33.3%') >> constant(0.3, over='33.4%')",
            3,
            [0.1, 0.2, 0.3],
        ),
        ("linear().repeat(2)", 5, [1, 2 / 3, 1 / 3, 1, 0.5]),
        ("linear().repeat(5)", 5, [1, 1, 1, 1, 1]),
        ("piecewise([('2 steps', 0.2), ('4 steps', 0.7)], shape='constant')", 6, [0.2, 0.2, 0.2, 0.2, 0.7, 0.7]),
        ("piecewise([('2 steps', 0.2)])", 3, [0.2, 0.2, 0.2]),
        ("cyclic(low=0, up='1.5 steps', down='1 steps')", 6, [0, 0.5, 1, 0, 1, 0]),
        ("cosine_restarts(period='2.5 steps')", 6, [1, 0.75, 0.25, 1, 0.5, 1]),
    ],
)
def test_short_runs(text, updates, values):
    assert rh.parse(text).over(rh.Run(steps=updates)).values() == pytest.approx(values, rel=1e-15)


@pytest.mark.parametrize("start", [0, 32_760, 10**6 - 9, 10**12 - 9, 10**15 - 40])
def test_at_and_values_agree_wherever_values_begin(start):
    schedule = rh.warmup("1%") >> rh.cosine(end=0.1) * rh.step(every="7.3%", factor=0.9).repeat(2)
    for updates in (10**5, 10**9 + 1, 10**15):
        curve = schedule.over(rh.Run(steps=updates))
        assert curve.values(start, start + 20).tolist() == [curve.at(t) for t in range(start, start + 20)]


def test_axes():
    run = rh.Run(epochs=10, steps_per_epoch=100, seconds_per_step=0.5)
    schedule = rh.warmup("1 epochs", start=0) >> rh.linear()
    assert [schedule.over(run, axis="epochs").at(t) for t in (0, 1, 10)] == [0, 1, 0]
    assert [schedule.over(run, axis="updates").at(t) for t in (50, 100, 550)] == [0.5, 1, 0.5]
    assert [schedule.over(run, axis="seconds").at(t) for t in (25, 50, 275)] == [0.5, 1, 0.5]
    assert [schedule.over(run, axis=axis).length for axis in ("updates", "epochs", "seconds")] == [1000, 10, 500]
    assert schedule.over(rh.Run(time="1.5 s", seconds_per_step=0.1, steps_per_epoch=3)).joints == [1]


@pytest.mark.parametrize(("period", "boundary"), [("0.1 s", 3 * 0.1), ("0.7 s", 3 * 0.7), ("1.1 s", 7 * 1.1)])
def test_by_the_clock_a_boundary_belongs_to_the_later_cycle(period, boundary):
    curve = rh.cosine_restarts(period=period).over(rh.Run(time="30 s"))
    assert curve.at(boundary) == 1.0
    assert curve.at(math.nextafter(boundary, 0)) < 1e-20


@pytest.mark.parametrize("text", ["polynomial(power=0.5)", "step(every='1 steps', factor=0.001)", "cosine()", "rex()"])
def test_numpy_may_be_told_to_raise(text):
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        curve = rh.parse(text).over(rh.Run(steps=1000))
        assert curve.values(0, 1010)[-1] == curve.at(10**9) < 1e-300


def test_a_decay_between_equal_levels_is_constant():
    for shape in ("linear", "cosine", "rex", "one_minus_sqrt", "polynomial"):
        assert set(rh.parse(f"{shape}(end=0.3, start=0.3)").over(rh.Run(steps=999)).values()) == {0.3}


def test_growth_is_bounded_before_it_costs_time():
    run = rh.Run(steps=10**9)
    assert rh.cosine_restarts(period="1 steps", growth=1.1).over(run).at(10**9 - 1) <= 1
    for growth in (1.0001, 1 + 1e-9, 1 + 2**-52):
        with pytest.raises(rh.ScheduleError, match="fewer than 100000 cycles"):
            rh.cosine_restarts(period="1 steps", growth=growth).over(run)


def test_repeats_within_repeats_are_bound_once():
    schedule = rh.cosine()
    for _ in range(40):
        schedule = schedule.repeat(2)
    assert 0 < schedule.over(rh.Run(steps=10**15 - 1)).at(5) < 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_a_metric_that_is_not_finite_changes_nothing(value):
    for mode in ("min", "max"):
        rule = rh.plateau(patience=0, mode=mode)
        for state in (rule.start(), rule.update(rule.start(), 1.0), PlateauState(best=0.0, bad=0, resting=2, cuts=3)):
            assert rule.update(state, value) == state


@pytest.mark.parametrize(
    ("mode", "relative", "best", "better", "not_better"),
    [
        ("min", True, 1.0, 0.89, 0.91),
        ("min", True, -1.0, -1.11, -0.95),
        ("max", True, 1.0, 1.11, 1.09),
        ("max", True, -1.0, -0.89, -0.95),
        ("min", False, -1.0, -1.11, -1.09),
        ("max", False, -1.0, -0.89, -0.91),
        ("min", True, 0.0, -1e-9, 0.0),
        ("min", True, 5.0, 4.49, 4.51),
        ("min", False, 5.0, 4.89, 4.91),
        ("max", False, 5.0, 5.11, 5.09),
        ("min", False, 0.0, -0.11, -0.1),
        ("max", False, 0.0, 0.11, 0.1),
        ("min", True, 1e308, 1e307, 9.9e307),
    ],
)
def test_what_counts_as_better(mode, relative, best, better, not_better):
    rule = rh.plateau(mode=mode, relative=relative, threshold=0.1)
    state = rule.update(rule.start(), best)
    assert rule.update(state, better) == PlateauState(best=better)
    assert rule.update(state, not_better) == PlateauState(best=best, bad=1)
    assert type(rule.update(state, np.float64(better)).best) is float


def test_a_report_in_the_cooldown_forgets_the_bad_ones_before():
    rule = rh.plateau(patience=5)
    assert rule.update(PlateauState(best=0.0, bad=3, resting=2), 1.0) == PlateauState(best=0.0, bad=0, resting=1)


def test_cooldown_holds_back_the_next_cut():
    rule = rh.plateau(patience=1, cooldown=3, factor=0.5)
    state, cuts = rule.start(), []
    for _ in range(14):
        state = rule.update(state, 1.0)
        cuts.append(state.cuts)
    assert cuts == [0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3]
    assert rule.factor_of(state) == 0.125


@pytest.mark.parametrize(
    ("span", "axis", "missing"),
    [
        ("1 epochs", "updates", "steps_per_epoch"),
        ("1 samples", "updates", "samples_per_step"),
        ("1 tokens", "updates", "tokens_per_step"),
        ("1 h", "updates", "seconds_per_step"),
        ("1 steps", "epochs", "steps_per_epoch"),
        ("1 steps", "seconds", "seconds_per_step"),
    ],
)
def test_a_conversion_that_lacks_a_number_names_it(span, axis, missing):
    with pytest.raises(rh.ScheduleError, match=f"need {missing} in the Run, to convert .*Try Run\\(..., {missing}=..."):
        rh.Run().convert(rh.Span.of(span), axis, "over")
