"""Spans and runs: every unit into every other, exactly."""

from fractions import Fraction

import pytest

import rheostat as rh

RATES = {"steps_per_epoch": 391, "samples_per_step": 128, "tokens_per_step": 1024.5, "seconds_per_step": 0.25}


@pytest.mark.parametrize(
    ("run", "updates"),
    [
        (rh.Run(steps=10), 10),
        (rh.Run(epochs=90, steps_per_epoch=391), 35190),
        (rh.Run(epochs=1.5, steps_per_epoch=391), 587),
        (rh.Run(samples=1e6, samples_per_step=384), 2605),
        (rh.Run(tokens=1e9, tokens_per_step=524288), 1908),
        (rh.Run(tokens=10, tokens_per_step=0.1), 100),
        (rh.Run(), None),
        (rh.Run(time="30 min"), None),
        (rh.Run(epochs=90), None),
    ],
)
def test_how_many_updates_a_run_has(run, updates):
    assert run.updates == updates


@pytest.mark.parametrize(
    ("span", "updates"),
    [
        ("500 steps", 500),
        ("3 epochs", 1173),
        ("0.1 epochs", Fraction(391, 10)),
        ("1280 samples", 10),
        ("2049 tokens", 2),
        ("5%", 50),
        ("0.1%", 1),
        ("2 s", 8),
        ("1 min", 240),
        ("1 h", 14400),
    ],
)
def test_spans_are_converted_exactly(span, updates):
    assert rh.Run(steps=1000, **RATES).convert(rh.Span.of(span), "updates", "over") == updates


def test_a_wall_clock_run_needs_no_rate_for_times():
    run = rh.Run(time="1 h")
    assert (rh.warmup("6 min") >> rh.linear()).over(run).at("33 min") == 0.5
    assert (rh.warmup("10%") >> rh.linear()).over(run).at(1980) == 0.5
    with pytest.raises(rh.ScheduleError, match="need seconds_per_step in the Run, to convert steps into seconds"):
        rh.warmup("100 steps").over(run)


@pytest.mark.parametrize(
    ("run", "axis", "length"),
    [
        (rh.Run(epochs=4), "epochs", 4),
        (rh.Run(epochs=3.2, steps_per_epoch=10), "epochs", 4),
        (rh.Run(steps=25, steps_per_epoch=10), "epochs", 3),
        (rh.Run(steps=7, seconds_per_step=0.5), "seconds", 3.5),
        (rh.Run(time="3.5 s"), "seconds", 3.5),
        (rh.Run(steps=7), "updates", 7),
        (rh.Run(), "updates", None),
        (rh.Run(), "epochs", None),
    ],
)
def test_how_long_a_run_is_on_each_axis(run, axis, length):
    assert run.horizon(axis) == length


@pytest.mark.parametrize(
    ("run", "rest"),
    [
        (rh.Run(steps=10), rh.Run(steps=7)),
        (rh.Run(samples=100, samples_per_step=10), rh.Run(steps=7, samples_per_step=10)),
        (rh.Run(tokens=100, tokens_per_step=10), rh.Run(steps=7, tokens_per_step=10)),
        (rh.Run(epochs=2, steps_per_epoch=5), rh.Run(steps=7, steps_per_epoch=5)),
        (rh.Run(steps=3), rh.Run(steps=1)),
        (rh.Run(epochs=2), rh.Run(epochs=2)),
        (rh.Run(time="1 h"), rh.Run(time="1 h")),
        (rh.Run(), rh.Run()),
    ],
)
def test_what_is_left_of_a_run_after_three_updates(run, rest):
    assert run.rest(3) == rest


def test_units_mix_in_one_schedule():
    run = rh.Run(epochs=10, steps_per_epoch=100, samples_per_step=10, tokens_per_step=50)
    curve = rh.parse(
        "warmup('50 steps') >> constant(over='2 epochs') >> linear(end=0.5, over='2000 samples')"
        " >> constant(0.5, over='5000 tokens') >> linear(start=0.5)"
    ).over(run)
    assert curve.joints == [50, 250, 450, 550]
    assert [curve.at(t) for t in (49, 250, 350, 450, 550, 775, 1000)] == [1, 1, 0.75, 0.5, 0.5, 0.25, 0]


def test_a_spans_text_gives_the_span_back():
    for text in ("500 steps", "0.1 epochs", "2e6 samples", "1.5e9 tokens", "20%", "30 min", "12.5%"):
        assert str(rh.Span.of(text)) == text
        assert eval(repr(rh.Span.of(text)), {"Span": rh.Span}) == rh.Span.of(text)
    assert rh.Span(0.1, "epochs") == rh.Span.of("0.1 epochs")


def test_fractional_lengths_fall_on_the_nearest_update():
    run = rh.Run(steps=1000, steps_per_epoch=7)
    assert rh.warmup("0.5 epochs").over(run).bound.length == 4  # 3.5, and a half goes up
    assert rh.warmup("0.05 epochs").over(run).bound.length == 1  # never nothing
