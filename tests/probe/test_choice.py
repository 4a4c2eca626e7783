"""What scores of short runs say: the best, its band, an answer among the best; and what that is for a longer training."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rheostat.probe.choice import Choice, choose, late, settle, untold

GRID = [1e-3 * 4**k for k in range(-3, 4)]


def valley(lr, at=1e-3):
    return math.log(lr / at) ** 2


def test_the_band_of_those_within_five_percent_of_the_best():
    fine = [1e-3 * 1.01**k for k in range(-600, 600)]
    chosen = choose([(lr, valley(lr)) for lr in fine], untrained=20.0)
    assert chosen.best == pytest.approx(1e-3)
    half = math.exp(math.sqrt(0.05 * 20))
    assert chosen.band == (pytest.approx(1e-3 / half, rel=0.01), pytest.approx(1e-3 * half, rel=0.01))
    assert chosen.suggestion == pytest.approx(1e-3)
    assert not chosen.open_below and not chosen.open_above


@pytest.mark.parametrize("ending", [math.inf, 1e6])
def test_no_step_is_taken_towards_a_cliff(ending):
    scores = [(1e-4, 1.5), (4e-4, 1.0), (1.6e-3, 0.9), (6.4e-3, ending)]
    chosen = choose(scores, untrained=2.3)
    assert chosen.band[1] == pytest.approx(1.6e-3, rel=1e-3)
    assert chosen.suggestion == pytest.approx(1.6e-3)


def test_of_those_nearly_as_good_each_draws_the_suggestion_towards_it_the_more_the_nearer_it_comes():
    def suggested(second):
        return choose([(1, 2.0), (2, second), (4, 1.0), (8, 1.5)], untrained=2.0).suggestion

    assert suggested(1.0) == pytest.approx(math.sqrt(8))  # as good: half-way
    assert suggested(1.03) == suggested(1.5) == pytest.approx(4)  # by 3 % of what was learned: no say
    assert suggested(1.015) == pytest.approx(4 * 2 ** (-1 / 5))  # half of that: a quarter of the weight


@pytest.mark.parametrize(
    ("scores", "below", "above"),
    [
        ([(1, 3.0), (4, 2.0), (16, 1.0)], False, True),
        ([(1, 1.0), (4, 2.0), (16, 3.0)], True, False),
        ([(1, 1.01), (4, 1.0), (16, 1.01)], False, True),
        ([(1, 1.01), (4, 1.0), (16, 1.06)], False, False),  # by 2 % of what was learned
        ([(4, 1.0)], True, True),
    ],
)
def test_an_end_that_the_runs_did_not_reach_is_told(scores, below, above):
    chosen = choose(scores, untrained=4.0)
    assert (chosen.open_below, chosen.open_above) == (below, above)


@pytest.mark.parametrize("scores", [[], [(1.0, math.inf)], [(1.0, 2.3), (4.0, 2.4)], [(1.0, math.nan)]])
def test_where_nothing_learned_nothing_is_chosen(scores):
    assert choose(scores, untrained=2.3) is None


@given(st.permutations(GRID), st.floats(0.1, 10), st.floats(-100, 100), st.floats(0.01, 100))
def test_order_scale_and_shift_play_no_part(order, scale, shift, unit):
    wanted = choose([(lr, valley(lr)) for lr in GRID], untrained=30.0)
    found = choose([(unit * lr, scale * valley(lr) + shift) for lr in order], untrained=scale * 30.0 + shift)
    assert found.suggestion == pytest.approx(unit * wanted.suggestion, rel=1e-6)
    assert found.band == pytest.approx([unit * edge for edge in wanted.band], rel=1e-6)


def test_runs_of_one_learning_rate_are_averaged():
    assert choose([(1, 1.0), (4, 0.5), (4, 2.5), (16, 3.0)], untrained=4.0).best == 1


SEEN = Choice(1.0, (0.6, 2.0), 1.2, open_below=False, open_above=False)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.25, 0.03])
def test_the_longer_the_training_the_lower_the_suggestion_and_the_wider_the_band(share):
    suggestion, band = settle(SEEN, share)
    assert suggestion == pytest.approx(share**0.32)  # Bjorck et al. 2024
    off = 10 ** (0.6 + 0.4 * math.log10(1 / share))
    assert band == (pytest.approx(suggestion / off), pytest.approx(suggestion * off))
    assert settle(SEEN, share, stuck=True)[0] == pytest.approx(suggestion / 1.3)


def test_what_was_seen_is_in_the_band_wherever_the_suggestion_lies():
    _, band = settle(Choice(1.0, (1e-9, 1e9), 1.2, open_below=False, open_above=False), 0.1)
    assert band == (1e-9, 1e9)


@pytest.mark.parametrize(
    ("losses", "share"),
    [
        ([4.0] * 10 + [3.0] * 10 + [2.0] * 10 + [1.0] * 10, 2 / 3),
        ([2.3] * 20 + [1.7] * 10 + [1.0] * 10, 1.0),  # it stood still until half of the run
        ([9.0] * 10 + [1.0] * 30, 0.0),
        ([4.0] * 10 + [1.0] * 10 + [0.5] * 10 + [2.0] * 10, 0.0),  # it lost some of it again
        ([2.0] * 10 + [4.0] * 10 + [2.0] * 10 + [1.0] * 10, 1.0),
        ([1.0] * 40, 1.0),
        ([1.0] * 20 + [2.0] * 20, 1.0),
        ([1.0, 2.0], 1.0),
    ],
)
def test_how_late_a_run_learned_what_it_learned(losses, share):
    assert late(losses) == pytest.approx(share)
    assert late([7 - 3 * (1 - value) for value in losses]) == pytest.approx(share)


@pytest.mark.parametrize(
    ("scores", "middle"),
    [
        ([(1, 2.1), (4, 2.11), (16, 2.12)], 4.0),
        ([(1, 2.11), (4, 2.3), (16, 2.1), (64, 2.11)], 8.0),  # from the lowest to the highest, whatever lies between
        ([(1, 2.1), (4, 2.11), (16, 2.2)], 2.0),
        ([(1, 2.1), (4, 2.15), (16, 2.2)], None),
        ([(1, 2.1), (2, 2.1), (3, 2.1)], None),
        ([(1, 1.5), (4, 1.5), (16, 1.5)], None),  # much was learned, at any of them
        ([(1, 2.4), (16, 2.5)], None),  # nothing was learned
        ([(1, math.inf), (16, math.inf)], None),
        ([], None),
    ],
)
def test_runs_cannot_tell_where_rates_a_factor_of_4_apart_learned_nearly_the_same_and_little(scores, middle):
    found = untold(scores, untrained=2.3)
    assert found == (None if middle is None else pytest.approx(middle))
