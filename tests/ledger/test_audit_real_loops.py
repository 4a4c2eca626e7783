"""The classic mistakes, each made in a PyTorch loop with PyTorch's schedulers, and named by the audit.

`trained` is the loop; a mistake is what differs in it from the right one. Nothing here computes a value by itself.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as pt

import rheostat as rh

N, EPOCH, BASE, WARMUP, CUT = 1000, 50, 0.1, 100, 400
RUN = rh.Run(steps=N, steps_per_epoch=EPOCH)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's own, of the mistakes made here


def with_warmup(optimizer, rest, warmup):
    rise = pt.LinearLR(optimizer, 0.01, 1.0, warmup)
    return pt.SequentialLR(optimizer, [rise, rest], [warmup])


class Shape(NamedTuple):
    """A plan, and PyTorch's scheduler of it for n updates (or epochs), of which a warmup takes w."""

    plan: str
    make: Callable


SHAPES = {
    "cosine": Shape("cosine()", lambda o, n, w: pt.CosineAnnealingLR(o, n)),
    "cosine with a floor": Shape("cosine(end=0.1)", lambda o, n, w: pt.CosineAnnealingLR(o, n, eta_min=0.01)),
    "linear": Shape("linear(end=0.01)", lambda o, n, w: pt.LinearLR(o, 1.0, 0.01, n)),
    "polynomial": Shape("polynomial(power=2)", lambda o, n, w: pt.PolynomialLR(o, n, 2)),
    "warmup, cosine": Shape(
        "warmup('100 steps', start=0.01) >> cosine()",
        lambda o, n, w: with_warmup(o, pt.CosineAnnealingLR(o, n - w), w),
    ),
    "warmup, linear": Shape(
        "warmup('100 steps', start=0.01) >> linear()",
        lambda o, n, w: with_warmup(o, pt.LinearLR(o, 1.0, 0.0, n - w), w),
    ),
    "stairs": Shape("step(every='150 steps', factor=0.5)", lambda o, n, w: pt.StepLR(o, max(1, round(0.15 * n)), 0.5)),
    "exponential": Shape(
        "exponential(factor=0.995, every='1 steps')", lambda o, n, w: pt.ExponentialLR(o, 0.995 ** (N / n))
    ),
    "one cycle": Shape("one_cycle()", lambda o, n, w: pt.OneCycleLR(o, BASE, total_steps=n, cycle_momentum=False)),
}
FALLING = ["cosine", "cosine with a floor", "linear", "polynomial"]
WARMED = ["warmup, cosine", "warmup, linear"]
SMOOTH = [*FALLING, *WARMED]


def made(shape, optimizer, n=N):
    return SHAPES[shape].make(optimizer, n, max(1, WARMUP * n // N))


def trained(shape, *, calls=lambda t: 1, first=False, updates=N, planned=N, lr=BASE, cut=None, log_every=1):
    """A loop as people write it; `calls(t)` is how often scheduler.step() is called at update t, `first` before it."""
    p = torch.nn.Parameter(torch.ones(1))
    p.grad = torch.ones(1)
    optimizer = torch.optim.SGD([p], lr=lr, momentum=0.9)
    scheduler = made(shape, optimizer, planned)
    step, used = [], []
    for t in range(updates):
        if cut is not None and t == CUT:
            scheduler = cut(shape, optimizer, scheduler) or scheduler
        try:
            for _ in range(calls(t) if first else 0):
                scheduler.step()
            if t % log_every == 0:
                step.append(t)
                used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            for _ in range(0 if first else calls(t)):
                scheduler.step()
        except ValueError:  # OneCycleLR ends the training: "Tried to step 1002 times"
            break
    return {"step": np.array(step), "lr": np.array(used)}


def audited(shape, log):
    return rh.audit(log, SHAPES[shape].plan, RUN, BASE)


def explained(shape, **mistake):
    """The audit of a loop with a mistake; whatever it names gives the values that were used."""
    found = audited(shape, trained(shape, **mistake))
    if found.explained is not None:
        assert found.explained == pytest.approx(found.used, rel=1e-5, abs=1e-8)
    return found


logged = pytest.mark.parametrize("log_every", [1, 50])


@pytest.mark.parametrize("shape", [*SMOOTH, "stairs", "exponential"])
@logged
def test_the_right_loop(shape, log_every):
    assert explained(shape, log_every=log_every).matches


@pytest.mark.parametrize("shape", [*SMOOTH, "stairs", "exponential", "one cycle"])
def test_before_optimizer_step(shape):
    found = explained(shape, first=True)
    assert (found.hypothesis, found.parameters["k"]) == ("off by one", 1)


@pytest.mark.parametrize("shape", SMOOTH)
def test_before_optimizer_step_in_a_log_of_every_50th_update(shape):
    assert explained(shape, first=True, log_every=50).hypothesis == "off by one"


@pytest.mark.parametrize("shape", [*SMOOTH, "exponential", "one cycle"])
def test_per_epoch_where_updates_were_meant(shape):
    found = explained(shape, calls=lambda t: (t + 1) % EPOCH == 0)
    assert found.hypothesis == "stepped per epoch"


@pytest.mark.parametrize("shape", [*FALLING, "stairs", "exponential"])
def test_per_update_where_epochs_were_meant(shape):
    found = explained(shape, planned=N // EPOCH)
    assert (found.hypothesis, found.parameters) in [
        ("k times per update", {"k": EPOCH}),
        ("run length", {"steps": N // EPOCH}),
    ]


@pytest.mark.parametrize("shape", [*SMOOTH, "stairs", "exponential", "one cycle"])
@pytest.mark.parametrize("k", [4, 8])
@logged
def test_per_micro_batch_or_process(shape, k, log_every):
    """Also where the schedule goes on past its end, up again or down for ever."""
    found = explained(shape, calls=lambda t: k, log_every=log_every)
    assert (found.hypothesis, found.parameters["k"]) == ("k times per update", k)


@pytest.mark.parametrize("shape", [*SMOOTH, "stairs", "exponential", "one cycle"])
def test_at_every_fourth_batch_only(shape):
    found = explained(shape, calls=lambda t: (t + 1) % 4 == 0)
    assert (found.hypothesis, found.parameters["k"]) == ("stepped every k-th update", 4)


@pytest.mark.parametrize("shape", [*SMOOTH, "one cycle"])
def test_in_bursts_as_for_several_processes(shape):
    found = explained(shape, calls=lambda t: 4 * ((t + 1) % 4 == 0))
    assert (found.hypothesis, found.parameters["m"]) == ("held for m updates", 4)


@pytest.mark.parametrize("shape", [*FALLING, "one cycle"])
@pytest.mark.parametrize(("planned", "log_every"), [(700, 1), (700, 50), (2 * N, 1)])
def test_made_for_another_number_of_updates(shape, planned, log_every):
    found = explained(shape, planned=planned, log_every=log_every)
    assert (found.hypothesis, found.parameters) == ("run length", {"steps": planned})
    assert f"made for a run of {planned} updates, not {N}" in found.finding


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ("cosine", "climbed after the end"),
        ("cosine with a floor", "climbed after the end"),
        ("warmup, cosine", "climbed after the end"),
        ("exponential", "went on after the end"),
        ("stairs", "went on after the end"),
    ],
)
def test_past_the_end(shape, name):
    found = explained(shape, updates=N + N // 2)
    assert (found.hypothesis, found.parameters) == (name, {"update": N})


def scheduler_forgotten(shape, optimizer, scheduler):
    """Restarted, and neither the optimizer nor the scheduler restored."""
    for group in optimizer.param_groups:
        group["lr"] = BASE
        del group["initial_lr"]
    return made(shape, optimizer)


def optimizer_restored_over_a_new_scheduler(shape, optimizer, scheduler):
    """Restarted: the scheduler is built, then the optimizer loaded, and the scheduler's state forgotten."""
    state = copy.deepcopy(optimizer.state_dict())
    scheduler = made(shape, optimizer)
    optimizer.load_state_dict(state)
    return scheduler


def at_another_place(shape, optimizer, scheduler):
    """Resumed from the state of a later checkpoint."""
    for _ in range(100):
        scheduler.step()


def overwritten(shape, optimizer, scheduler):
    optimizer.param_groups[0]["lr"] = 0.05


@pytest.mark.parametrize("shape", [*SMOOTH, "one cycle"])
@logged
def test_the_scheduler_was_not_restored(shape, log_every):
    found = explained(shape, cut=scheduler_forgotten, log_every=log_every)
    assert found.hypothesis == "resumed at the wrong place"
    assert CUT - log_every < found.parameters["update"] <= CUT
    assert ("warmup was made again" in found.finding) == (shape in {*WARMED, "one cycle"})


@pytest.mark.parametrize("shape", SMOOTH)
@logged
def test_the_optimizer_was_restored_over_a_new_scheduler(shape, log_every):
    """It multiplies the value that it finds: 75 times the plan, in a sequence that begins with a warmup."""
    found = explained(shape, cut=optimizer_restored_over_a_new_scheduler, log_every=log_every)
    assert (found.hypothesis, found.parameters["update"]) == ("begun again", CUT)


@pytest.mark.parametrize("shape", [*SMOOTH, "one cycle"])
def test_resumed_from_another_checkpoint(shape):
    found = explained(shape, cut=at_another_place)
    assert (found.hypothesis, found.parameters["update"]) == ("resumed at the wrong place", CUT)
    assert found.parameters["position"] == CUT + 100


@pytest.mark.parametrize("shape", SMOOTH)
def test_a_value_set_in_mid_run_which_the_scheduler_goes_on_from(shape):
    found = explained(shape, cut=overwritten)
    assert (found.hypothesis, found.parameters["update"]) == ("scaled from an update on", CUT)


@pytest.mark.parametrize("shape", ["cosine", "linear", "polynomial", *WARMED, "stairs", "exponential"])
def test_scaled_by_the_number_of_processes(shape):
    found = explained(shape, lr=8 * BASE)
    assert (found.hypothesis, found.parameters) == ("scaled", {"factor": pytest.approx(8.0)})


@pytest.mark.parametrize("shape", SMOOTH)
def test_never_called(shape):
    found = explained(shape, calls=lambda t: 0)
    assert found.hypothesis == ("never stepped" if shape in WARMED else "never decayed")


@pytest.mark.parametrize("rest", ["cosine", "linear"])
def test_the_warmup_was_left_out(rest):
    log = trained("cosine" if rest == "cosine" else "linear")
    plan = "warmup('100 steps', start=0.01) >> " + SHAPES[rest].plan
    assert rh.audit(log, plan, RUN, BASE).hypothesis == "warmup missing"


@pytest.mark.parametrize("total", [N, 700])
@logged
def test_one_cycle_counts_its_intervals(total, log_every):
    """PyTorch's has N − 1 of them, and its phases end an update early: no other mistake is behind it."""
    log = trained("one cycle", updates=total, planned=total, log_every=log_every)
    found = rh.audit(log, SHAPES["one cycle"].plan, rh.Run(steps=total), BASE)
    assert (found.hypothesis, found.parameters) == ("PyTorch's one-cycle", {"steps": total})


def test_two_schedulers_on_one_optimizer():
    """A notebook's cell run twice: both multiply."""
    p = torch.nn.Parameter(torch.ones(1))
    p.grad = torch.ones(1)
    optimizer, used = torch.optim.SGD([p], lr=BASE), []
    schedulers = [made("exponential", optimizer) for _ in range(2)]
    for _ in range(N):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    found = audited("exponential", {"step": np.arange(N), "lr": np.array(used)})
    assert (found.hypothesis, found.parameters) == ("k times per update", {"k": 2})
