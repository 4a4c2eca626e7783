"""The range test that finds its own range: that the minimum lies well inside, whatever the scale of the learning rate."""

import numpy as np
import pytest
import torch

import rheostat as rh
from probe.test_range_test import data, linear, loss, sgd
from rheostat.probe.found import FindResult, guessed
from rheostat.probe.ranged import SCOUT, ranged


def look(scale=1.0, noise=0.0, **options):
    """The range of a linear model whose loss is multiplied by `scale`: its learning rates are divided by it."""
    model = linear()
    generator = torch.Generator().manual_seed(0)

    def scaled(model, batch):
        rough = 1 + noise * torch.randn((), generator=generator)
        return scale * rough * loss(model, batch)

    given = {"low": 1e-6, "high": 100.0, "steps": 40} | options
    return ranged(model, sgd(model), data(60), scaled, **given)


@pytest.mark.parametrize("scale", [0.1, 1.0, 1e2, 1e4])
def test_the_slow_ramp_is_laid_where_the_minimum_is(scale):
    seen = look(scale)
    assert seen.ramp.status == "ok"
    assert seen.ramp.lrs[-1] / seen.ramp.lrs[0] == pytest.approx(1000)
    assert 0.01 < seen.ramp.minimum * scale < 3
    assert seen.ramp.lrs[0] * 3 < seen.ramp.minimum < seen.ramp.lrs[-1]


def test_where_even_the_lowest_rate_is_too_high_it_goes_below():
    seen = look(1e9)
    assert seen.ramp.lrs[0] < 1e-6
    assert 1e-12 < seen.ramp.minimum < 1e-8


def test_it_costs_what_it_says_and_tells_each_update():
    told = []
    seen = look(watch=lambda done, lr, value: told.append(done))
    assert told == list(range(1, seen.updates + 1))
    assert seen.updates <= SCOUT + 40


def test_where_nothing_stands_out_it_goes_slower():
    flat = look(noise=3.0)
    assert flat.ramp.lrs.size in (40, 120)
    assert flat.updates > SCOUT + 20


def recorded(losses):
    return rh.read_range(np.geomspace(1e-6, 10, 100), losses)


FALLS = 2 - 0.015 * np.arange(100.0)
RISES = np.concatenate([np.full(60, 2.0) + 0.01 * (-1) ** np.arange(60), np.linspace(2, 20, 40)])


@pytest.mark.parametrize(("losses", "guess"), [(FALLS, 3), (RISES, 0.004), (np.full(100, 2.0), None)])
def test_where_there_is_no_answer_a_guess_is_called_one(losses, guess):
    ramp = recorded(losses)
    assert ramp.suggestion is None
    found = FindResult(ramp, 100, (), None, None, 1000, "fast")
    assert guessed(ramp) == found.suggestion
    if guess is None:
        assert found.suggestion is None
        assert "this is a guess" not in str(found)
    else:
        assert guess / 3 < found.suggestion < 3 * guess
        assert found.status != "ok"
        assert "so this is a guess. Try effort='balanced'." in str(found)
