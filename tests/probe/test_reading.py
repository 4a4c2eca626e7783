"""Curves whose answer is known: minima, marks, bands, and the reasons for not answering."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rheostat as rh
from rheostat.probe.curve import RangeCurve
from rheostat.probe.reading import read


def ramp(low=1e-6, high=10.0, n=100):
    return np.geomspace(low, high, n)


def valley(lrs, minimum, *, first=2.3, drop=1.5, slope=1.0, cliff=4.0):
    """A loss that falls as `slope` says from two and a half decades below its minimum, and rises steeply after it."""
    x = np.log10(lrs / minimum)
    rise = np.where(x > 0.3, cliff * (x - 0.3), 0.0)
    return first - drop * np.exp(-0.5 * (np.minimum(x, 0) / slope) ** 2) + drop * rise


def noisy(losses, noise, seed=0):
    return losses + noise * np.random.default_rng(seed).standard_normal(losses.shape)


@pytest.mark.parametrize("minimum", [1e-4, 3e-3, 0.1])
def test_a_known_minimum_is_found(minimum):
    lrs = ramp()
    losses = 1.0 - np.exp(-(np.log10(lrs / minimum) ** 2))  # symmetric: smoothing shifts nothing
    result = rh.read_range(lrs, losses + 2 * (lrs > 100 * minimum))
    assert result.status == "ok"
    assert result.minimum == pytest.approx(minimum, rel=0.1)
    assert result.suggestion == result.rules["minimum"] == pytest.approx(result.minimum / 3)
    assert result.band[0] < result.suggestion < result.band[1] <= result.avoid


@given(
    st.floats(-4, -1),
    st.floats(0.5, 2),
    st.floats(0, 0.1),
    st.integers(0, 10**6),
    st.sampled_from([60, 100, 300]),
)
def test_noise_moves_the_answer_within_its_band(where, slope, noise, seed, n):
    lrs = ramp(n=n)
    clean = valley(lrs, 10**where, slope=slope)
    result = rh.read_range(lrs, noisy(clean, 1.5 * noise, seed))
    assert result.status in ("ok", "too noisy")
    assert result.band[0] < result.suggestion < result.band[1]
    # Between the minimum and the cliff the loss is flat for 0.3 decades, and each choice there is as good.
    assert 10 ** (where - 0.75) / 3 < result.suggestion < 10 ** (where + 0.75) / 3


def test_repeats_narrow_the_band():
    lrs = ramp()
    clean = valley(lrs, 1e-2)
    widths = []
    for passes in (1, 9):
        bands = [
            np.log10(read(RangeCurve.of(lrs, [noisy(clean, 0.15, 100 * s + p) for p in range(passes)])).band)
            for s in range(20)
        ]
        widths.append(np.mean([high - low for low, high in bands]))
    assert widths[1] < 0.95 * widths[0]


losses_and_scales = st.tuples(
    st.floats(-4, 0), st.floats(0, 0.2), st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-1000, 1000)
)


def close(a, b):
    if a is None or b is None:
        assert a is b
    else:
        assert a == pytest.approx(b, rel=1e-6)


def same(result, other, factor=1.0):
    """Whether two readings say the same, up to a factor of the learning rate."""
    assert result.status == other.status
    scaled = lambda value: None if value is None else value * factor
    for name in ("suggestion", "minimum", "avoid"):
        close(scaled(getattr(result, name)), getattr(other, name))
    for name, value in result.rules.items():
        close(scaled(value), other.rules[name])
    assert (result.band is None) == (other.band is None)
    if result.band is not None:
        for a, b in zip(result.band, other.band, strict=True):
            close(a * factor, b)


@given(losses_and_scales)
def test_a_loss_that_is_scaled_and_shifted_says_the_same(case):
    where, noise, seed, scale, shift = case
    losses = noisy(valley(ramp(), 10**where), noise, seed)
    same(rh.read_range(ramp(), losses), rh.read_range(ramp(), scale * losses + shift))


@given(losses_and_scales)
def test_learning_rates_that_are_scaled_scale_the_answer(case):
    where, noise, seed, factor, _ = case
    losses = noisy(valley(ramp(), 10**where), noise, seed)
    same(rh.read_range(ramp(), losses), rh.read_range(ramp() * factor, losses), factor)


@pytest.mark.parametrize("shift", [0.0, -2.3, -50.0])
def test_negative_losses_are_losses(shift):
    result = rh.read_range(ramp(), valley(ramp(), 1e-2) + shift)
    assert result.status == "ok"
    assert result.suggestion == pytest.approx(rh.read_range(ramp(), valley(ramp(), 1e-2)).suggestion)


def test_each_rule_reads_what_it_says():
    lrs = ramp(n=701)  # a hundredth of a decade each
    x = np.log10(lrs)
    # flat until 1e-4, falls along a straight line until 1e-2, flat until 1e-1, climbs by the whole fall within a decade
    losses = np.interp(x, [-6, -4, -2, -1, 0, 1], [2.0, 2.0, 1.0, 0.99, 2.0, 2.0])
    result = rh.read_range(lrs, losses)
    assert np.log10(result.minimum) == pytest.approx(-1.4, abs=0.2)  # a cliff pulls it down, never up
    assert result.minimum / 6 <= result.rules["edge"] <= 10**-0.5 / 6
    assert -4 < np.log10(result.rules["steepest"]) < -2
    assert np.log10(result.rules["valley"]) == pytest.approx((-4 - 1.4) / 2, abs=0.7)
    assert np.log10(result.rules["divergence"]) == pytest.approx(-0.5 - 1, abs=0.1)
    assert np.log10(result.avoid) == pytest.approx(-0.9, abs=0.2)


def diverging(lrs, at):
    return np.where(lrs < at, 2.3, np.inf)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.2])
@pytest.mark.parametrize(
    ("status", "losses"),
    [
        ("minimum at the edge", valley(ramp(1e-6, 1e-3), 1e-2, drop=4)),  # the ramp ends while the loss falls
        ("minimum at the edge", valley(ramp(5e-3, 10), 1e-2)),  # a third of the minimum lies below the ramp
        ("never fell", np.full(100, 2.3)),
        ("never fell", diverging(ramp(), 1e-1)),
        ("diverged at once", 2.3 + np.arange(100.0) ** 2 / 100),
        ("diverged at once", np.full(100, np.nan)),
        ("diverged at once", diverging(ramp(), 1.2e-6)),
    ],
)
def test_why_there_is_no_answer(status, losses, noise):
    lrs = ramp(1e-6, 1e-3) if losses[-1] < 2 and np.isfinite(losses[-1]) else ramp()
    if losses[0] < 2.2:
        lrs = ramp(5e-3, 10)
    result = rh.read_range(lrs, noisy(losses, noise, 3))
    if losses[0] < 2.2 and noise:
        status = "diverged at once"  # the short fall is lost in the noise
    assert result.status == status
    assert result.suggestion is result.band is None
    assert "Try" in result.advice
    assert status in str(result)


def test_a_fall_from_where_the_first_updates_threw_the_loss_is_none():
    thrown = np.concatenate([[2.3], np.geomspace(500, 1.5, 60), np.linspace(1.5, 3, 39)])
    assert rh.read_range(ramp(1, 100), thrown).status == "diverged at once"


def test_a_minimum_lost_in_noise_is_told():
    lrs = ramp(1e-8, 10, 180)
    shallow = np.interp(np.log10(lrs), [-8, -6, -1, 0], [2.3, 1.3, 1.3, 2.3])
    assert rh.read_range(lrs, noisy(shallow, 0.3, 1)).status == "too noisy"


@given(st.integers(0, 10**6), st.sampled_from([40, 100, 400]))
def test_pure_noise_is_rarely_taken_for_a_fall(seed, n):
    results = [rh.read_range(ramp(n=n), noisy(np.zeros(n), 1.0, seed + k)) for k in range(20)]
    assert sum(r.suggestion is not None for r in results) <= 2


def test_a_pass_that_diverged_early_counts_as_lost_from_there_on():
    clean = valley(ramp(), 1e-2)
    cut = clean.copy()
    cut[np.argmin(clean) + 12 :] = np.inf
    same_until_there = read(RangeCurve.of(ramp(), [cut]))
    assert same_until_there.minimum == pytest.approx(read(RangeCurve.of(ramp(), [clean])).minimum, rel=0.2)
    assert same_until_there.status == "ok"


@pytest.mark.parametrize(
    ("lrs", "losses", "message"),
    [
        ([1e-3] * 9, [1.0] * 9, "lrs=1: need at least 5 different learning rates"),
        ([0.0, *ramp(n=8)], [1.0] * 9, "lrs=0.0: need finite learning rates above 0"),
        (ramp(n=9), [1.0] * 8, "losses=8: need as many as learning rates, 9"),
        (ramp(n=9), ["high"] * 9, "need a sequence of numbers"),
        (ramp(n=9), 3, "loss=3: need a sequence of numbers"),
    ],
)
def test_what_is_no_curve_is_refused(lrs, losses, message):
    with pytest.raises(rh.ScheduleError, match=message):
        rh.read_range(lrs, losses)
