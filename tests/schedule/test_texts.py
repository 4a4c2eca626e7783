"""What a curve says of itself, and what lint says of a schedule, word for word."""

import math

import pytest

import rheostat as rh

RUN = rh.Run(epochs=100, steps_per_epoch=391)

# schedule, update, base, factors of its metric-driven parts, explanation
EXPLAINED = [
    ("warmup('100 steps') >> cosine()", 49, None, None, "update 49: factor warmup('100 steps') 0.5"),
    ("warmup('100 steps') >> cosine()", 100, 0.1, None, "update 100: 0.1 = 0.1 × cosine() 1"),
    ("warmup('100 steps') >> cosine()", "50%", None, None, "update 19550: factor cosine() 0.502014"),
    (
        "constant(0.5, over='3 steps') >> (warmup('7 steps') >> cosine() * plateau()).scale(1)",
        7,
        0.1,
        None,
        "update 7: 0.0714286 = 0.1 × 1 × warmup('7 steps') 0.714286",
    ),
    (
        "constant(0.5, over='3 steps') >> (warmup('7 steps') >> cosine() * plateau(factor=0.5)).scale(1)",
        700,
        0.1,
        [0.25],
        "update 700: 0.0249808 = 0.1 × 1 × cosine() 0.999231 × plateau(factor=0.5) (metric) 0.25",
    ),
    (
        "constant(over='10 steps') >> cosine() * plateau()",
        5,
        None,
        [0.5],
        "update 5: factor constant(over='10 steps') 1",
    ),
    (
        "constant(over='10 steps') >> cosine() * plateau()",
        39110,
        None,
        [0.5],
        "update 39110: factor cosine() 0 × plateau() (metric) 0.5  (past the end: the last value is held)",
    ),
    ("cosine()", 39100, 0.1, None, "update 39100: 0 = 0.1 × cosine() 0"),
    ("cosine()", 39101, 0.1, None, "update 39101: 0 = 0.1 × cosine() 0  (past the end: the last value is held)"),
    (
        "cosine() * step(every='50 epochs', factor=0.1)",
        19550,
        0.2,
        None,
        "update 19550: 0.01 = 0.2 × cosine() 0.5 × step(every='50 epochs', factor=0.1) 0.1",
    ),
    ("linear().scale(2)", 0, None, None, "update 0: factor 2 × linear() 1"),
    (
        "linear().clip(min=0.5)",
        39099,
        0.1,
        None,
        "update 39099: 0.05 = 0.1 × 0.5 (clip to [0.5, ∞] of: linear() 2.55754e-05)",
    ),
    (
        "linear().clip(max=0.5)",
        39099,
        0.1,
        None,
        "update 39099: 2.55754e-06 = 0.1 × 2.55754e-05 (clip to [0, 0.5] of: linear() 2.55754e-05)",
    ),
    (
        "linear().clip(min=0.25, max=absolute(0.05))",
        0,
        0.1,
        None,
        "update 0: 0.05 = 0.1 × 0.5 (clip to [0.25, absolute(0.05)] of: linear() 1)",
    ),
    ("plateau().clip(min=0.2)", 3, None, [0.1], "update 3: factor 0.2 (clip to [0.2, ∞] of: plateau() (metric) 0.1)"),
    (
        "plateau().clip(min=absolute(0.02))",
        3,
        0.1,
        [0.1],
        "update 3: 0.02 = 0.1 × 0.2 (clip to [absolute(0.02), ∞] of: plateau() (metric) 0.1)",
    ),
    ("constant().clip(max=2.0)", 0, None, None, "update 0: factor 1 (clip to [0, 2] of: constant() 1)"),
    ("linear().repeat(4)", 3, None, None, "update 3: factor 0.999693 (in linear().repeat(4))"),
    (
        "linear(over='5 steps').repeat(4)",
        7,
        0.1,
        None,
        "update 7: 0.06 = 0.1 × 0.6 (in linear(over='5 steps').repeat(4))",
    ),
    ("constant() * plateau()", 3, None, [0.1], "update 3: factor constant() 1 × plateau() (metric) 0.1"),
    (
        "exponential(factor=0.5, every='1 epochs')",
        "3 epochs",
        None,
        None,
        "update 1173: factor exponential(factor=0.5, every='1 epochs') 0.125",
    ),
]
FOUND = [
    (
        "warmup('200 epochs')",
        RUN,
        None,
        [
            "warmup: warmup('200 epochs') takes 78200 of the run's 39100 updates: the full value is never reached. Try a shorter warmup, such as '5%'.",
            "peak: the base value is never reached: the highest factor is 0.5, at update 39099. Try a longer run, a shorter warmup, or a base value that is the peak you want.",
        ],
    ),
    (
        "warmup('5%') >> cosine(over='200 epochs')",
        RUN,
        None,
        [
            "cut off: cosine(over='200 epochs') ends at 80155, after the run's 39100 updates: it never reaches its end value. Try leaving out over=, so that it takes the rest of the run.",
            "too long: the parts take 80155 updates together; the run has 39100. Try shorter parts, in percent, or a longer run.",
        ],
    ),
    (
        "warmup('5 epochs') >> cosine(end=0.01, over='30 epochs')",
        RUN,
        None,
        [
            "ends early: the schedule ends at 13685 of 39100 updates; for the last 25415 its last value is held. Try leaving out over= of the last part, or a shorter run."
        ],
    ),
    (
        "step(every='30 steps', factor=0.1)",
        RUN,
        None,
        [
            "unit: every='30 steps' of step(every='30 steps', factor=0.1) is 0.077 epochs of 391 steps, and the run has 39100. If epochs were meant: every='30 epochs'.",
            "dead: from update 210 on (99% of the run) the factor is below 1e-06 of its peak. Try a slower decay, an end above 0, or a shorter run.",
        ],
    ),
    (
        "cosine(over='101 steps')",
        rh.Run(steps=100),
        None,
        [
            "cut off: cosine(over='101 steps') ends at 101, after the run's 100 updates: it never reaches its end value. Try leaving out over=, so that it takes the rest of the run."
        ],
    ),
    (
        "cosine(over='99 steps')",
        rh.Run(steps=100),
        None,
        [
            "ends early: the schedule ends at 99 of 100 updates; for the last 1 its last value is held. Try leaving out over= of the last part, or a shorter run."
        ],
    ),
    (
        "cosine(over='101 steps').repeat(2)",
        rh.Run(steps=100),
        None,
        [
            "cut off: cosine(over='101 steps') ends at 101, after the run's 100 updates: it never reaches its end value. Try leaving out over=, so that it takes the rest of the run."
        ],
    ),
    (
        "exponential(factor=0.9, every='50 epochs').scale(0.3)",
        RUN,
        None,
        [
            "never ends: the run ends at 0.81 of the peak: the decay has hardly begun. Try shorter intervals, or a decay over the whole run such as cosine()."
        ],
    ),
    ("step(every='10 epochs', factor=1)", RUN, None, []),
    ("linear(start=0.99)", RUN, None, []),
    ("constant(0.05, over='10 epochs') >> constant(0.1)", RUN, None, []),
    (
        "plateau() * plateau(floor=1)",
        rh.Run(steps=100),
        None,
        ["plateau: plateau(floor=1) has floor 1: no cut can change anything. Try floor=0."],
    ),
    ("step(every='30 steps', factor=0.9)", rh.Run(epochs=5, steps_per_epoch=391), None, []),
    ("step(every='391 steps', factor=0.99)", rh.Run(epochs=400, steps_per_epoch=391), None, []),
    ("multistep(at=['9 steps'], factor=0.1)", rh.Run(steps=10), None, []),
    ("plateau()", rh.Run(steps=100), None, []),
    ("plateau()", rh.Run(steps_per_epoch=10), None, []),
    ("warmup('100 steps')", rh.Run(steps=100), None, []),
    (
        "linear(over='98 steps')",
        rh.Run(steps=100),
        None,
        [
            "ends early: the schedule ends at 98 of 100 updates; for the last 2 its last value is held. Try leaving out over= of the last part, or a shorter run."
        ],
    ),
    ("constant(0.5, over='10 epochs') >> constant(0.75)", RUN, None, []),
    (
        "constant(0.1, over='1 steps') >> constant()",
        RUN,
        None,
        ["jump: at update 1 the factor rises at once from 0.1 to 1. Try a later part with start=0.1, or .scale(0.1)."],
    ),
    (
        "exponential(factor=0.5, every='1e6 steps')",
        rh.Run(steps=10**8),
        None,
        [
            "dead: from update 19931200 on (80% of the run) the factor is below 1e-06 of its peak. Try a slower decay, an end above 0, or a shorter run."
        ],
    ),
    ("step(every='391 steps', factor=0.9)", RUN, None, []),
    (
        "step(every='100 steps', factor=0.99)",
        RUN,
        None,
        [
            "unit: every='100 steps' of step(every='100 steps', factor=0.99) is 0.26 epochs of 391 steps, and the run has 39100. If epochs were meant: every='100 epochs'."
        ],
    ),
    (
        "step(every='100 epochs', factor=0.1)",
        RUN,
        None,
        [
            "never ends: the run ends at 1 of the peak: the decay has hardly begun. Try shorter intervals, or a decay over the whole run such as cosine()."
        ],
    ),
    (
        "step(every='101 epochs', factor=0.1)",
        RUN,
        None,
        [
            "unit: every='101 epochs' of step(every='101 epochs', factor=0.1) is 39491 steps, and the run has 39100. If steps were meant: every='101 steps'.",
            "never ends: the run ends at 1 of the peak: the decay has hardly begun. Try shorter intervals, or a decay over the whole run such as cosine().",
        ],
    ),
    (
        "multistep(at=['30000 epochs'], factor=0.1)",
        RUN,
        None,
        [
            "unit: at='30000 epochs' of multistep(at=['30000 epochs'], factor=0.1) is 1.173e+07 steps, and the run has 39100. If steps were meant: at='30000 steps'.",
            "never ends: the run ends at 1 of the peak: the decay has hardly begun. Try shorter intervals, or a decay over the whole run such as cosine().",
        ],
    ),
    (
        "multistep(at=['30 steps', '60 steps'], factor=0.1)",
        RUN,
        None,
        [
            "unit: at='30 steps' of multistep(at=['30 steps', '60 steps'], factor=0.1) is 0.077 epochs of 391 steps, and the run has 39100. If epochs were meant: at='30 epochs'.",
            "unit: at='60 steps' of multistep(at=['30 steps', '60 steps'], factor=0.1) is 0.15 epochs of 391 steps, and the run has 39100. If epochs were meant: at='60 epochs'.",
        ],
    ),
    ("multistep(at=['30 steps'], factor=0.1)", rh.Run(steps=1000, steps_per_epoch=1), None, []),
    (
        "multistep(at=['1 steps'], factor=0.5)",
        rh.Run(steps=1000, steps_per_epoch=2),
        None,
        [
            "unit: at='1 steps' of multistep(at=['1 steps'], factor=0.5) is 0.5 epochs of 2 steps, and the run has 1000. If epochs were meant: at='1 epochs'."
        ],
    ),
    (
        "cosine_restarts(period='10 steps')",
        RUN,
        None,
        [
            "unit: period='10 steps' of cosine_restarts(period='10 steps') is 0.026 epochs of 391 steps, and the run has 39100. If epochs were meant: period='10 epochs'."
        ],
    ),
    (
        "cyclic(low=0.1, up='10 steps')",
        RUN,
        None,
        [
            "unit: up='10 steps' of cyclic(low=0.1, up='10 steps') is 0.026 epochs of 391 steps, and the run has 39100. If epochs were meant: up='10 epochs'."
        ],
    ),
    (
        "cyclic(low=0.1, up='400 epochs')",
        RUN,
        None,
        [
            "unit: up='400 epochs' of cyclic(low=0.1, up='400 epochs') is 156400 steps, and the run has 39100. If steps were meant: up='400 steps'.",
            "peak: the base value is never reached: the highest factor is 0.325, at update 39099. Try a longer run, a shorter warmup, or a base value that is the peak you want.",
        ],
    ),
    (
        "warmup('5%', start=0) >> cosine()",
        RUN,
        None,
        ["zero: update 0 uses 0, and trains nothing. Try warmup(...) without start=0, or a start."],
    ),
    (
        "linear(end=0.1, over='10 epochs') >> cosine()",
        RUN,
        None,
        [
            "jump: at update 3910 the factor rises at once from 0.1002 to 1. Try a later part with start=0.1002, or .scale(0.1002)."
        ],
    ),
    (
        "constant(over='10 epochs') >> constant(0.1)",
        RUN,
        None,
        ["jump: at update 3910 the factor falls at once from 1 to 0.1. Try a later part with start=1, or .scale(1)."],
    ),
    ("constant(0.2, over='10 epochs') >> constant(0.29)", RUN, None, []),
    (
        "constant(0.2, over='10 epochs') >> constant(0.31)",
        RUN,
        None,
        [
            "jump: at update 3910 the factor rises at once from 0.2 to 0.31. Try a later part with start=0.2, or .scale(0.2)."
        ],
    ),
    (
        "cosine() * plateau(patience=200)",
        RUN,
        None,
        [
            "plateau: plateau(patience=200) needs at least 202 reports for a first cut; reported once an epoch, it gets 100. Try a smaller patience, or more frequent reports."
        ],
    ),
    ("cosine() * plateau(patience=98)", RUN, None, []),
    (
        "cosine() * plateau(patience=99)",
        RUN,
        None,
        [
            "plateau: plateau(patience=99) needs at least 101 reports for a first cut; reported once an epoch, it gets 100. Try a smaller patience, or more frequent reports."
        ],
    ),
    (
        "constant() * plateau(floor=1)",
        RUN,
        None,
        ["plateau: plateau(floor=1) has floor 1: no cut can change anything. Try floor=0."],
    ),
    (
        "constant(over='90 epochs') >> plateau(patience=9)",
        RUN,
        None,
        [
            "plateau: plateau(patience=9) needs at least 11 reports for a first cut; reported once an epoch, it gets 10. Try a smaller patience, or more frequent reports."
        ],
    ),
    ("constant(over='90 epochs') >> plateau(patience=8)", RUN, None, []),
    (
        "plateau(patience=3, over='4 epochs') >> constant()",
        RUN,
        None,
        [
            "plateau: plateau(patience=3, over='4 epochs') needs at least 5 reports for a first cut; reported once an epoch, it gets 4. Try a smaller patience, or more frequent reports."
        ],
    ),
    ("plateau(patience=300)", rh.Run(), None, []),
    (
        "plateau(patience=600)",
        rh.Run(time="5 min", steps_per_epoch=10),
        None,
        [],
    ),  # who knows how many epochs these are
    (
        "exponential(factor=0.5, every='20 steps')",
        RUN,
        None,
        [
            "dead: from update 399 on (99% of the run) the factor is below 1e-06 of its peak. Try a slower decay, an end above 0, or a shorter run."
        ],
    ),
    (
        "step(every='99 epochs', factor=0.9)",
        RUN,
        None,
        [
            "never ends: the run ends at 0.9 of the peak: the decay has hardly begun. Try shorter intervals, or a decay over the whole run such as cosine()."
        ],
    ),
    (
        "exponential(factor=0.9, every='50 epochs')",
        RUN,
        None,
        [
            "never ends: the run ends at 0.81 of the peak: the decay has hardly begun. Try shorter intervals, or a decay over the whole run such as cosine()."
        ],
    ),
    ("exponential(factor=0.9, every='50 epochs') * plateau()", RUN, None, []),
    ("step(every='50 epochs', factor=1.5)", RUN, None, []),
    (
        "warmup('120%') >> cosine()",
        RUN,
        None,
        [
            "refused: warmup('120%') >> cosine(): need room for cosine(); the other parts take 46920 of 39100 updates. Try shorter parts, or a longer run. "
        ],
    ),
    (
        "cosine(over='10 min')",
        RUN,
        None,
        [
            "refused: cosine(over)='10 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., seconds_per_step=...). "
        ],
    ),
    (
        "cosine(end=absolute(1e-6))",
        RUN,
        None,
        [
            "refused: cosine(end)=absolute(1e-06): need a base value to compare with. Try schedule.over(run, base=3e-4). "
        ],
    ),
    ("cosine(end=absolute(1e-6))", RUN, 0.1, []),
    (
        "linear(start=0.5)",
        RUN,
        None,
        [
            "peak: the base value is never reached: the highest factor is 0.5, at update 0. Try a longer run, a shorter warmup, or a base value that is the peak you want."
        ],
    ),
    ("linear().scale(0.5)", RUN, None, []),
    ("constant(0.5)", RUN, None, []),
    ("piecewise([('0 steps', 0.5), ('50%', 0.2)])", RUN, None, []),
    ("linear().clip(max=0.5)", RUN, None, []),
    ("cosine(start=0.5) * constant(0.5)", RUN, None, []),
    (
        "warmup('50%') >> linear(over='50 epochs') >> constant(0.001, over='50 epochs')",
        RUN,
        None,
        [
            "too long: the parts take 58650 updates together; the run has 39100. Try shorter parts, in percent, or a longer run."
        ],
    ),
    (
        "warmup('50%') >> linear(over='50 epochs') >> constant(0.5, over='0.5 steps')",
        rh.Run(steps=100, steps_per_epoch=1),
        None,
        [
            "too long: the parts take 101 updates together; the run has 100. Try shorter parts, in percent, or a longer run."
        ],
    ),
    (
        "constant(0.0)",
        RUN,
        None,
        [
            "zero: update 0 uses 0, and trains nothing. Try warmup(...) without start=0, or a start.",
            "dead: from update 0 on (100% of the run) the factor is below 1e-06 of its peak. Try a slower decay, an end above 0, or a shorter run.",
        ],
    ),
    (
        "linear(over='96%')",
        RUN,
        None,
        [
            "ends early: the schedule ends at 37536 of 39100 updates; for the last 1564 its last value is held. Try leaving out over= of the last part, or a shorter run.",
            "dead: from update 37536 on (4% of the run) the factor is below 1e-06 of its peak. Try a slower decay, an end above 0, or a shorter run.",
        ],
    ),
    (
        "linear(over='99%')",
        RUN,
        None,
        [
            "ends early: the schedule ends at 38709 of 39100 updates; for the last 391 its last value is held. Try leaving out over= of the last part, or a shorter run."
        ],
    ),
    (
        "cosine(over='80 epochs')",
        RUN,
        None,
        [
            "ends early: the schedule ends at 31280 of 39100 updates; for the last 7820 its last value is held. Try leaving out over= of the last part, or a shorter run.",
            "dead: from update 31261 on (20% of the run) the factor is below 1e-06 of its peak. Try a slower decay, an end above 0, or a shorter run.",
        ],
    ),
    (
        "cosine(over='12 min')",
        rh.Run(time="10 min"),
        None,
        [
            "cut off: cosine(over='12 min') ends at 720, after the run's 600 seconds: it never reaches its end value. Try leaving out over=, so that it takes the rest of the run."
        ],
    ),
    (
        "cosine(over='8 min')",
        rh.Run(time="10 min"),
        None,
        [
            "ends early: the schedule ends at 480 of 600 seconds; for the last 120 its last value is held. Try leaving out over= of the last part, or a shorter run.",
            "dead: from second 480 on (20% of the run) the factor is below 1e-06 of its peak. Try a slower decay, an end above 0, or a shorter run.",
        ],
    ),
    ("step(every='5 min', factor=0.5)", rh.Run(time="10 min"), None, []),
    ("linear(end=0.1, over='1 steps') >> constant()", rh.Run(steps=10000000), None, []),
    (
        "warmup('3000000 steps') >> step(every='3 steps', factor=0.999999)",
        rh.Run(steps=10000000, steps_per_epoch=1000),
        None,
        [
            "unit: every='3 steps' of step(every='3 steps', factor=0.999999) is 0.003 epochs of 1000 steps, and the run has 10000000. If epochs were meant: every='3 epochs'."
        ],
    ),
]


@pytest.mark.parametrize(("spec", "t", "base", "signals", "text"), EXPLAINED, ids=range(len(EXPLAINED)))
def test_an_explanation_names_each_factor_in_force(spec, t, base, signals, text):
    assert rh.parse(spec).over(RUN, base=base).explain(t, signals) == text


@pytest.mark.parametrize(("spec", "run", "base", "found"), FOUND, ids=range(len(FOUND)))
def test_lint_says(spec, run, base, found):
    assert [str(finding) for finding in rh.lint(spec, run, base)] == found


@pytest.mark.parametrize(
    ("spec", "run", "width", "line"),
    [
        ("linear()", rh.Run(steps=8), 8, "█▇▆▅▄▃▂▁"),
        ("linear()", rh.Run(steps=1), 4, "████"),
        ("linear()", rh.Run(steps=1000), 5, "█▆▄▃▁"),
        ("constant(0.0)", rh.Run(steps=1), 3, "   "),
        ("inverse_sqrt('1000 steps')", rh.Run(), 4, "█▇▇▆"),
        ("warmup('4 steps') >> constant()", rh.Run(steps=8), 8, "▂▄▆█████"),
    ],
    ids=range(6),
)
def test_a_sparkline_is_scaled_to_its_maximum(spec, run, width, line):
    curve = rh.parse(spec).over(run)
    assert curve.sparkline(width) == line
    assert len(curve.sparkline()) == 40


def test_a_difference_is_found_wherever_it_lies():
    """In the first update, in the last, in a later block of a long run; the first of several that are as large."""
    flat = rh.constant().over(rh.Run(steps=3 * 2**20))
    late = rh.piecewise([("0 steps", 1.0), (rh.Span(2**20 + 3, "steps"), 0.5)], shape="constant").over(flat.run)
    assert (flat.diff(late).first, flat.diff(late).values, flat.diff(late).at) == (2**20 + 3, (1.0, 0.5), 2**20 + 3)
    early = rh.piecewise([("0 steps", 0.5), ("1 steps", 1.0)], shape="constant").over(rh.Run(steps=5))
    other = rh.constant().over(rh.Run(steps=5)).diff(early)
    assert (other.first, other.values, other.largest, other.at) == (0, (1.0, 0.5), 0.5, 0)


def test_a_run_that_is_left_has_the_same_rates():
    run = rh.Run(epochs=10, steps_per_epoch=100, samples_per_step=32)
    assert run.rest(250) == rh.Run(steps=750, steps_per_epoch=100, samples_per_step=32)
    assert run.rest(5000).updates == 1
    assert rh.Run(time="30 min").rest(5) == rh.Run(time="30 min")
    assert rh.Run().rest(5) == rh.Run()


@pytest.mark.parametrize("level", [1.0, 0.5, 2**-10, 1e-6, 3e-5, 0.07])
def test_an_absolute_level_comes_back_as_it_was_written(level):
    """A value divided by the base and multiplied by it again is that value, where any float64 factor gives it."""
    missed = 0
    for base in (k / 1000 for k in range(1, 1000)):
        value = rh.constant(rh.absolute(level)).over(RUN, base=base).at(0)
        factors = [level / base, math.nextafter(level / base, 0), math.nextafter(level / base, math.inf)]
        assert (value == level) == any(factor * base == level for factor in factors)
        assert abs(value - level) <= math.ulp(level)
        missed += value == level != level / base * base
    assert (missed > 0) == (math.frexp(level)[0] == 0.5)  # plain division misses some powers of two


def test_text_and_a_schedule_do_not_mix():
    with pytest.raises(rh.ScheduleError, match="need a schedule on both sides of >>"):
        "warmup('5%')" >> rh.cosine()
    assert str(rh.cosine()) == repr(rh.cosine()) == f"{rh.cosine()}" == "cosine()"


def test_a_plateau_hears_the_reports_of_its_own_part():
    curve = rh.parse("constant(over='10 steps') >> plateau(over='5 steps') >> constant()").over(rh.Run(steps=30))
    (control,) = curve.controls
    assert [t for t in range(30) if control.listens(t)] == [10, 11, 12, 13, 14, 15]


def test_an_improvement_shortens_the_rest_after_a_cut():
    rule = rh.plateau(factor=0.5, patience=0, cooldown=2)
    state, cuts = rule.start(), []
    for metric in (1.0, 1.0, 0.5, 0.5, 0.5):
        state = rule.update(state, metric)
        cuts.append(state.cuts)
    assert cuts == [0, 1, 1, 1, 2]


def test_neighbouring_places_and_equal_bounds_are_fine():
    run = rh.Run(steps=6)
    assert rh.multistep(at=["3 steps", "4 steps"], factor=0.5).over(run).values().tolist() == [1, 1, 1, 0.5, 0.25, 0.25]
    points = [("3 steps", 1.0), ("4 steps", 0.5)]
    assert rh.piecewise(points, shape="constant").over(run).values().tolist() == [1, 1, 1, 1, 0.5, 0.5]
    assert rh.linear().clip(min=0.5, max=rh.absolute(0.05)).over(run, base=0.1).values().tolist() == [0.05] * 6
