"""The ramp in a loop of one's own: what it hands out, when it ends, and that it leaves nothing however it is left."""

import gc

import numpy as np
import pytest
import torch

import rheostat as rh
from probe.test_range_test import data, linear, loss, sgd
from probe.training import Training
from rheostat.probe.stop import Stop


def own_loop(sweep, model, optimizer):
    for lr, batch in sweep:
        assert optimizer.param_groups[0]["lr"] == lr
        value = loss(model, batch)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        sweep.record(value)


def test_a_loop_of_ones_own_reads_as_the_ready_made_one():
    model = linear()
    optimizer = sgd(model)
    sweep = rh.Sweep(model, optimizer, data())
    own_loop(sweep, model, optimizer)
    assert optimizer.param_groups[0]["lr"] == 0.1  # without a with statement it is undone when the loop ends
    assert (sweep.result().losses == rh.range_test(model, optimizer, data(), loss).losses).all()


def test_several_passes_in_one_block():
    model = linear()
    optimizer = sgd(model)
    with rh.Sweep(model, optimizer, data(7)) as sweep:
        for _ in range(3):
            own_loop(sweep, model, optimizer)
    assert sweep.result().curve.losses.shape == (3, 100)
    assert (sweep.result().curve.losses == rh.range_test(model, optimizer, data(7), loss, repeats=3).curve.losses).all()


def test_accumulation_keeps_the_rate_for_as_many_batches():
    model, rates = linear(), []
    with rh.Sweep(model, sgd(model), data(), steps=10, accumulate=3) as sweep:
        for i, (lr, _) in enumerate(sweep):
            rates.append(lr)
            sweep.record(torch.tensor([float(i)]))
    assert rates == [lr for lr in sweep.lrs.tolist() for _ in range(3)]
    assert sweep.passes[0] == [3 * k + 1.0 for k in range(10)]


@pytest.mark.parametrize("how", ["break", "return", "raise", "collect"])
@pytest.mark.parametrize("kind", ["adamw", "ours", "calls"])
def test_however_the_loop_is_left_everything_is_back(how, kind):
    training = Training(kind)
    training.train(1)
    before = training.state()

    def run():
        sweep = rh.Sweep(training.model, training.optimizers, training.loader)
        for i, (_, batch) in enumerate(sweep):
            training.step(batch)
            sweep.record(1.0)
            if i == 12:
                match how:
                    case "break":
                        break
                    case "return":
                        return
                    case "raise":
                        raise ValueError("mine")
        del sweep

    if how == "raise":
        with pytest.raises(ValueError, match="mine"):
            run()
    else:
        run()
    gc.collect()
    assert training.state() == before


def test_a_scheduler_may_be_stepped_in_the_loop():
    model = linear()
    optimizer = sgd(model)
    torchs = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    with rh.Sweep(model, optimizer, data(), also=[torchs]) as sweep:
        for lr, batch in sweep:
            loss(model, batch).backward()
            assert optimizer.param_groups[0]["lr"] == lr
            optimizer.step()
            torchs.step()
            sweep.record(1.0)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert torchs.last_epoch == 0


def test_what_is_wrong_with_a_loop_is_told():
    model = linear()
    sweep = rh.Sweep(model, sgd(model), data())
    with pytest.raises(rh.SchedulerError, match="nothing was recorded"):
        sweep.result()
    with pytest.raises(rh.SchedulerError, match=r"no loss was recorded at lr=1e-06. Try sweep.record\(loss\)"):
        for _ in sweep:
            pass
    for wrong in (torch.ones(2), "1.0", None, True):
        with pytest.raises(rh.ScheduleError, match="need a number, or a tensor of one element"):
            sweep.record(wrong)


def test_a_block_that_cannot_begin_leaves_nothing():
    model = linear()
    optimizer = sgd(model)
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(steps=10))
    with pytest.raises(rh.ScheduleError), rh.Sweep(model, optimizer, lambda epoch: iter(())) as sweep:
        own_loop(sweep, model, optimizer)
    optimizer.step()
    assert scheduler.position == 1


def stops_at(losses, rise=2.0):
    stop = Stop(rise)
    return next((i for i, value in enumerate(losses) if stop.diverged(value)), None)


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (1, -100), (1e-3, 5), (1000, -7)])
def test_when_a_ramp_ends_is_a_matter_of_how_far_it_fell(scale, shift):
    noise = 0.02 * np.random.default_rng(0).standard_normal(100)
    losses = np.concatenate([np.full(20, 2.0), np.linspace(2, 1, 30), np.full(20, 1.0), np.linspace(1, 6, 30)]) + noise
    at = stops_at(scale * losses + shift)
    assert 70 + 12 <= at <= 70 + 17  # it lies above 3.0 from 82 on, three times in a row from 84 on
    assert stops_at(losses[:80]) is None
    assert stops_at([*losses[:60], 9.0, 1.0, 9.0, 9.0, 1.0, *losses[60:80]]) is None
    assert stops_at([*losses[:60], float("nan")]) == 60


def test_noise_ends_no_ramp():
    for seed in range(50):
        assert stops_at(np.random.default_rng(seed).standard_normal(200)) is None
