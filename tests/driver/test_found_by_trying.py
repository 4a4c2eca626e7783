"""What somebody found who tried to break it: each once went wrong."""

import copy
import json

import pytest
import torch
from torch.optim import lr_scheduler as pt

import rheostat as rh
from driver.loops import parameter, sgd
from rheostat import errors


def go(o, s, n):
    for _ in range(n):
        o.step()
        s.step()


def begun(spec, run=None, n=0, lrs=(0.1,), **options):
    optimizer = sgd(*lrs)
    scheduler = rh.Scheduler(optimizer, spec, run, **options)
    go(optimizer, scheduler, n)
    return optimizer, scheduler


def test_rebasing_another_plateau_never_goes_above_what_is_ahead():
    spec = "constant() * plateau(patience=0, factor={}) >> linear(over='50 steps')"
    _, old = begun(spec.format(0.5), rh.Run(steps=100), 10)
    for metric in (1, 2, 3):
        old.report(metric)
    optimizer, new = begun(spec.format(0.1), rh.Run(steps=100))
    new.load_state_dict(old.state_dict(), on_change="rebase")
    go(optimizer, new, 90)
    assert max(used[0] for used in optimizer.used) <= 0.1
    assert optimizer.used[0][0] == pytest.approx(0.025, rel=1e-12)


def test_adopting_after_a_cooldown_takes_the_schedule_where_it_would_be():
    spec = "warmup('100 steps') >> cosine()"
    optimizer, old = begun(spec, rh.Run(steps=1000), 400)
    old.cooldown(over="100 steps")
    go(optimizer, old, 20)
    before = old.get_last_lr()
    plan = rh.parse(spec).over(rh.Run(steps=2000), base=0.1)
    for how, value in (("adopt", plan.at(420)), ("rebase", before[0])):
        _, new = begun(spec, rh.Run(steps=2000))
        new.load_state_dict(old.state_dict(), on_change=how)
        assert new.get_last_lr() == [pytest.approx(value, rel=1e-14)]


def test_a_branch_listens_to_metrics():
    optimizer, trunk = begun("cosine() * plateau(patience=0, factor=0.5)", rh.Run(steps=100), 10)
    trunk.report(1.0)
    branch = trunk.branch(copy.deepcopy(optimizer))
    before = branch.get_last_lr()[0]
    branch.report(2.0)
    assert branch.get_last_lr()[0] == before / 2
    assert trunk.get_last_lr()[0] == before


@pytest.mark.parametrize(
    "spec", ["warmup('20 steps') >> constant()", "warmup('20 steps') >> constant(over='900 steps') >> linear()"]
)
def test_a_group_that_comes_during_a_cooldown_cools_down_too(spec):
    optimizer, scheduler = begun(spec, rh.Run(steps=1000), 100)
    scheduler.cooldown(over="50 steps")
    optimizer.add_param_group({"params": [parameter()], "lr": 0.05})
    go(optimizer, scheduler, 49)
    assert scheduler.get_last_lr()[1] == pytest.approx(scheduler.get_last_lr()[0] / 2, rel=1e-12)


def test_every_key_that_somebody_wrote_is_left_to_them():
    optimizer, scheduler = begun({"lr": "linear()", "momentum": "linear()"}, rh.Run(steps=10), 2, on_overwrite="yield")
    optimizer.param_groups[0].update(lr=0.5, momentum=0.33)
    with pytest.warns(errors.OverwrittenWarning):
        go(optimizer, scheduler, 3)
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (0.5, 0.33)


@pytest.mark.parametrize("value", [float("nan"), -0.1, float("inf")])
def test_a_value_that_is_none_is_not_yielded_to(value):
    optimizer, scheduler = begun("linear()", rh.Run(steps=10), 2, on_overwrite="yield")
    optimizer.param_groups[0]["lr"] = value
    with pytest.warns(errors.OverwrittenWarning, match="written again"):
        scheduler.write()
    assert scheduler.get_last_lr() == [pytest.approx(0.08)]


@pytest.mark.parametrize("updates", [1, 20, 150])
def test_what_is_taken_over_may_be_called_as_it_was(updates):
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler.from_torch(pt.StepLR(optimizer, 10))
    for _ in range(3):
        for _ in range(updates):
            optimizer.step()
        scheduler.step()
    assert scheduler.position == 3


def test_taking_over_or_loading_between_the_two_calls_is_no_wrong_order():
    optimizer = sgd(0.1)
    old = pt.StepLR(optimizer, 10)
    optimizer.step()
    scheduler = rh.Scheduler.from_torch(old)
    scheduler.step()
    go(optimizer, scheduler, 3)
    other, again = begun("linear()", rh.Run(steps=10), 2, clock="calls")
    other.step()
    again.load_state_dict(again.state_dict())
    again.step()
    go(other, again, 2)


def test_evaluations_at_any_interval_are_no_epochs():
    optimizer, scheduler = begun("cosine() * plateau()", rh.Run(epochs=5, steps_per_epoch=391))
    for metric in (3.0, 2.0, 1.0, 0.5):
        for _ in range(300):
            optimizer.step()
        scheduler.step(metric)


def test_a_takeover_that_is_refused_leaves_nothing_behind():
    optimizer = sgd(0.1)
    old = pt.OneCycleLR(optimizer, 0.1, total_steps=10, anneal_strategy="linear")
    for _ in range(9):
        optimizer.step()
        old.step()
    optimizer.step()
    optimizer.param_groups[0]["lr"] = -0.0143  # as PyTorch 2.13 leaves it, one call on
    before = {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}
    with pytest.raises(rh.ScheduleError):
        rh.Scheduler.from_torch(old)
    assert {k: v for k, v in optimizer.param_groups[0].items() if k != "params"} == before
    assert not optimizer._optimizer_step_pre_hooks


def test_a_strict_second_scheduler_leaves_the_first_in_charge():
    optimizer, first = begun("linear()", rh.Run(steps=10), 2)
    with pytest.raises(rh.SchedulerError, match="already has a scheduler"):
        rh.Scheduler(optimizer, "linear()", rh.Run(steps=10), strict=True)
    go(optimizer, first, 2)
    assert first.get_last_lr() == [pytest.approx(0.06)]


def test_a_frozen_group_does_not_hinder_a_cooldown():
    optimizer, scheduler = begun(
        "wsd(warmup='50 steps', cooldown='200 steps')", rh.Run(steps=1000), 100, lrs=(0.1, 0.0)
    )
    scheduler.cooldown(over="50 steps")
    go(optimizer, scheduler, 50)
    assert scheduler.get_last_lr() == [0.0, 0.0]


def test_a_branch_needs_a_copy_of_its_own():
    optimizer, trunk = begun({"lr": "constant()", "momentum": "constant()"})
    copied = copy.deepcopy(optimizer)
    trunk.branch(copied)
    with pytest.raises(rh.SchedulerError, match="has a scheduler already"):
        trunk.branch(copied)
    with pytest.raises(rh.SchedulerError, match="has no momentum"):
        trunk.branch(torch.optim.AdamW([parameter()]))


def test_a_schedule_that_has_come_to_0_is_not_extended_in_silence():
    _optimizer, scheduler = begun("cosine()", rh.Run(steps=10), 10)
    with pytest.raises(rh.ScheduleError, match='on_change="adopt"'):
        scheduler.extend(rh.Run(steps=1000))
    assert scheduler.run == rh.Run(steps=10)


def test_json_that_writes_whole_floats_as_integers_is_no_damage():
    _, scheduler = begun("linear()", rh.Run(steps=10), 3, lrs=(1.0,))
    text = json.dumps(scheduler.state_dict()).replace("0.0,", "0,").replace("1.0", "1")
    _, again = begun("linear()", rh.Run(steps=10), lrs=(1.0,))
    again.load_state_dict(json.loads(text))
    assert again.position == 3
