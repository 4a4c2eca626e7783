"""PyTorch's own schedulers, taken over at any call: the same values from there on."""

import copy
import math

import pytest
import torch
from torch.optim import lr_scheduler as pt

import rheostat as rh

CASES = {
    "step": lambda o: pt.StepLR(o, 7, 0.5),
    "multistep": lambda o: pt.MultiStepLR(o, [5, 11, 17], 0.3),
    "constant": lambda o: pt.ConstantLR(o, 0.3, 9),
    "linear": lambda o: pt.LinearLR(o, 0.1, total_iters=12),
    "exponential": lambda o: pt.ExponentialLR(o, 0.9),
    "polynomial": lambda o: pt.PolynomialLR(o, 30, 2.0),
    "cosine": lambda o: pt.CosineAnnealingLR(o, 30, eta_min=0.01),
    "restarts": lambda o: pt.CosineAnnealingWarmRestarts(o, 5, 2, eta_min=0.001),
    "one cycle": lambda o: pt.OneCycleLR(o, [1.0, 0.1], total_steps=40),
    "three phases": lambda o: pt.OneCycleLR(o, [1.0, 0.1], 40, three_phase=True, anneal_strategy="linear"),
    "cyclic": lambda o: pt.CyclicLR(o, [0.1, 0.02], [1.0, 0.1], 5, 7, mode="triangular2"),
    "exp_range": lambda o: pt.CyclicLR(o, [0.1, 0.01], [1.0, 0.1], 5, mode="exp_range", gamma=0.97),
    "sequence": lambda o: pt.SequentialLR(
        o, [pt.LinearLR(o, 0.1, total_iters=5), pt.CosineAnnealingLR(o, 20), pt.ConstantLR(o, 0.5, 3)], [5, 25]
    ),
    "chain": lambda o: pt.ChainedScheduler([pt.LinearLR(o, 0.1, total_iters=5), pt.ExponentialLR(o, 0.95)]),
}


def optimizer():
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (1.0, 0.1)]
    return torch.optim.SGD(groups, momentum=0.9)


def go(o, scheduler, n):
    used = []
    for _ in range(n):
        o.step()
        scheduler.step()
        used.append([(float(g["lr"]), g["momentum"]) for g in o.param_groups])
    return used


@pytest.mark.parametrize("clock", ["calls", "updates", "epochs"])
@pytest.mark.parametrize("name", CASES)
def test_it_goes_on_as_the_old_one_would_have(name, clock):
    for called in range(0, 30, 3):
        first, second = optimizer(), optimizer()
        old, handed = CASES[name](first), CASES[name](second)
        go(first, old, called)
        go(second, handed, called)
        before = [group["lr"] for group in second.param_groups]
        new = rh.Scheduler.from_torch(handed, clock=clock)
        assert new.get_last_lr() == pytest.approx(before, rel=1e-9)
        for theirs, ours in zip(go(first, old, 30 - called), go(second, new, 30 - called), strict=True):
            for (lr, momentum), (our_lr, our_momentum) in zip(theirs, ours, strict=True):
                assert math.isclose(our_lr, lr, rel_tol=1e-12, abs_tol=1e-15)
                assert math.isclose(our_momentum, momentum, rel_tol=1e-12)


def test_one_that_was_restored_from_a_checkpoint():
    first = optimizer()
    old = pt.StepLR(first, 7, 0.5)
    go(first, old, 10)
    second = optimizer()
    restored = pt.StepLR(second, 99, 0.9)
    second.load_state_dict(first.state_dict())
    restored.load_state_dict(old.state_dict())
    new = rh.Scheduler.from_torch(restored)
    assert repr(new.curve.schedule) == "step(every='7 steps', factor=0.5)"
    assert go(second, new, 10) == go(first, old, 10)


def test_a_plateau_with_its_memory():
    metrics = [3.0, 2.0, 2.0, 2.0, 2.0, 1.5, 1.5, 1.5, 1.5, 1.0]
    first, second = optimizer(), optimizer()
    old, handed = (pt.ReduceLROnPlateau(o, patience=1, factor=0.5, cooldown=1) for o in (first, second))
    for metric in metrics[:4]:
        old.step(metric)
        handed.step(metric)
    new = rh.Scheduler.from_torch(handed)
    for metric in metrics[4:]:
        old.step(metric)
        new.step(metric)
        assert new.get_last_lr() == [group["lr"] for group in first.param_groups]


def test_a_value_changed_by_hand_is_gone_on_from():
    o = optimizer()
    old = pt.CosineAnnealingLR(o, 20)
    go(o, old, 5)
    o.param_groups[0]["lr"] = 0.4
    new = rh.Scheduler.from_torch(old, rh.Run(steps=20))
    assert new.get_last_lr()[0] == 0.4
    assert go(o, new, 15)[-1][0][0] == pytest.approx(0.0, abs=1e-15)


def test_code_needs_a_schedule_and_goes_on_from_its_value():
    o = optimizer()
    old = pt.LambdaLR(o, lambda t: 1 / (t + 1))
    go(o, old, 4)
    with pytest.raises(rh.SchedulerError, match=r"LambdaLR.*because it is code.*schedule=\.\.\."):
        rh.Scheduler.from_torch(old)
    new = rh.Scheduler.from_torch(old, rh.Run(steps=10), schedule="linear()")
    assert new.get_last_lr() == pytest.approx([0.2, 0.02], rel=1e-14)
    assert go(o, new, 6)[-1][0][0] == 0.0


def test_what_goes_wrong_leaves_the_optimizer_as_it_was():
    o = optimizer()
    old = pt.OneCycleLR(o, [1.0, 0.1], total_steps=40)
    before = copy.deepcopy([{k: v for k, v in group.items() if k != "params"} for group in o.param_groups])
    with pytest.raises(rh.ScheduleError, match="run="):
        rh.Scheduler.from_torch(old, schedule="cosine()")
    with pytest.raises(rh.ScheduleError, match="clock="):
        rh.Scheduler.from_torch(old, clock="epoch")
    assert [{k: v for k, v in group.items() if k != "params"} for group in o.param_groups] == before


@pytest.mark.parametrize("bad", [None, 3, "StepLR", optimizer(), rh.Scheduler(optimizer(), "constant()")])
def test_what_is_none_of_pytorchs_is_refused(bad):
    with pytest.raises(rh.ScheduleError, match="need one of torch.optim.lr_scheduler"):
        rh.Scheduler.from_torch(bad)
