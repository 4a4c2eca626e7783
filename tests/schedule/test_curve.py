"""Reading a curve: explain, diff, sparkline, lint."""

import numpy as np
import pytest

import rheostat as rh

RUN = rh.Run(epochs=100, steps_per_epoch=391)


@pytest.mark.parametrize(
    ("spec", "t", "text"),
    [
        ("warmup('100 steps') >> cosine()", 49, "update 49: factor warmup('100 steps') 0.5"),
        (
            "cosine(end=0.5) * step(every='50 epochs', factor=0.1)",
            19550,
            "cosine(end=0.5) 0.75 × step(every='50 epochs', factor=0.1) 0.1",
        ),
        ("linear().scale(2)", 0, "2 × linear() 1"),
        ("linear().clip(min=0.5)", 39099, "0.5 (clip to [0.5, ∞] of: linear() 2.55754e-05)"),
        ("linear().repeat(4)", 0, "1 (in linear().repeat(4))"),
        ("constant() * plateau()", 3, "plateau() (metric) 1"),
        ("cosine()", 39100, "update 39100: factor cosine() 0"),
        ("cosine()", 50000, "(past the end: the last value is held)"),
    ],
)
def test_explain_takes_a_value_apart(spec, t, text):
    assert text in rh.parse(spec).over(RUN).explain(t)


def test_diff_says_where_two_curves_part_and_by_how_much():
    a = (rh.warmup("10 steps") >> rh.constant()).over(rh.Run(steps=100))
    b = (rh.warmup("10 steps") >> rh.constant(over="40 steps") >> rh.linear()).over(rh.Run(steps=100))
    difference = a.diff(b)
    assert (difference.first, difference.at) == (51, 99)
    assert difference.values == (1.0, b.at(51))
    assert difference.largest == 1 - b.at(99)
    assert str(difference) == "first at 51: 1 and 0.98; largest at 99: 0.98 apart"
    assert not a.diff(a)
    assert str(a.diff(a)) == "no difference"


def test_a_small_difference_is_shown_with_the_digits_that_differ():
    run = rh.Run(steps=35190)
    told = str(
        rh.parse("wsd(warmup='5%', cooldown='20%')").over(run).diff(rh.parse("warmup('5%') >> cosine()").over(run))
    )
    assert told.startswith("first at 1761: 1 and 0.999999998;")
    assert str(rh.constant(0.1).over(run).diff(rh.constant(0.1 + 2**-56).over(run))).startswith(
        "first at 0: 0.10000000000000001 and 0.10000000000000002;"
    )


def test_a_curve_is_compared_over_the_longer_run():
    short, long = (rh.linear().over(rh.Run(steps=n)) for n in (10, 20))
    assert short.diff(long).first == long.diff(short).first == 1


def test_lists_of_updates_may_be_given_as_spans():
    curve = rh.linear().over(RUN)
    assert curve.at("50 epochs") == curve.at("50%") == curve.at(rh.Span(19550, "steps")) == 0.5


def test_a_million_values_are_no_effort():
    values = (rh.warmup("5%") >> rh.cosine() * rh.step(every="1%", factor=0.9)).over(rh.Run(steps=10**6)).values()
    assert values.shape == (10**6,)
    assert values.dtype == np.float64


FINDINGS = [
    ("warmup('200 epochs')", {"warmup", "peak"}),
    ("warmup('5%') >> cosine(over='200 epochs')", {"cut off", "too long"}),
    ("warmup('5 epochs') >> cosine(end=0.01, over='30 epochs')", {"ends early"}),
    ("step(every='30 steps', factor=0.1)", {"unit", "dead"}),
    ("multistep(at=['30000 epochs'], factor=0.1)", {"unit", "never ends"}),
    ("warmup('5%', start=0) >> cosine()", {"zero"}),
    ("linear(end=0.1, over='10 epochs') >> cosine()", {"jump"}),
    ("cosine() * plateau(patience=200)", {"plateau"}),
    ("constant() * plateau(floor=1)", {"plateau"}),
    ("exponential(factor=0.5, every='20 steps')", {"dead"}),
    ("step(every='99 epochs', factor=0.9)", {"never ends"}),
    ("warmup('120%') >> cosine()", {"refused"}),
    ("cosine(over='10 min')", {"refused"}),
]


@pytest.mark.parametrize(("spec", "codes"), FINDINGS)
def test_lint_finds(spec, codes):
    found = rh.lint(spec, RUN)
    assert {finding.code for finding in found} == codes
    for finding in found:
        assert finding.message
        assert finding.code == "refused" or finding.mend.startswith(("Try", "If"))


@pytest.mark.parametrize(
    "spec",
    [
        "constant()",
        "cosine()",
        "cosine(end=0.1)",
        "warmup('5%') >> cosine(end=0.1)",
        "warmup('500 steps') >> linear()",
        "step(every='30 epochs', factor=0.1)",
        "multistep(at=['30 epochs', '60 epochs'], factor=0.1)",
        "exponential(factor=0.95, every='1 epochs')",
        "warmup('5 epochs') >> step(every='30 epochs', factor=0.1)",
        "wsd(warmup='1%', cooldown='20%')",
        "one_cycle()",
        "warmup('4000 steps') >> inverse_sqrt('4000 steps')",
        "cosine_restarts(period='10 epochs', growth=2)",
        "cyclic(low=0.1, up='4 epochs')",
        "constant(0.5)",
        "warmup('2 epochs') >> constant() * plateau(patience=5)",
        "polynomial(power=0.9)",
    ],
)
def test_lint_is_silent_on_what_people_mean(spec):
    assert rh.lint(spec, RUN) == []


def test_lint_does_not_need_a_length():
    assert rh.lint("warmup('100 steps') >> inverse_sqrt('100 steps')", rh.Run()) == []


def test_lint_handles_runs_too_long_to_look_at_every_update():
    assert rh.lint("warmup('1%') >> cosine(end=0.1)", rh.Run(steps=10**11)) == []


STATES = [
    # mode, relative, metrics, factor after each report (patience 1, factor 0.5, threshold 0.1)
    ("min", True, [1.0, 0.95, 0.95, 0.8, 0.8, 0.8, 0.8], [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
    ("max", True, [1.0, 1.05, 1.05, 1.2, 1.2, 1.2, 1.2], [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
    ("min", True, [-1.0, -0.95, -0.95, -1.2], [1, 1, 0.5, 0.5]),
    ("min", False, [1.0, 0.95, 0.85, 0.85, 0.85], [1, 1, 1, 1, 0.5]),
]


@pytest.mark.parametrize(("mode", "relative", "metrics", "factors"), STATES)
def test_a_plateau_is_a_pure_function_of_its_state(mode, relative, metrics, factors):
    rule = rh.plateau(factor=0.5, patience=1, threshold=0.1, mode=mode, relative=relative)
    state, seen = rule.start(), []
    for metric in metrics:
        state = rule.update(rule.update(state, float("nan")), metric)
        seen.append(rule.factor_of(state))
    assert seen == factors


def test_a_plateaus_floor_and_cooldown():
    rule = rh.plateau(factor=0.1, patience=0, cooldown=2, floor=0.05)
    state = rule.update(rule.start(), 1.0)
    seen = []
    for _ in range(7):
        state = rule.update(state, 1.0)
        seen.append(rule.factor_of(state))
    assert seen == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05]
