"""Bad arguments of the Scheduler and of its methods: an error of ours that names them, and nothing is changed."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as pt

import rheostat as rh
from driver.loops import parameter, sgd

RUN = rh.Run(steps=20)
HUGE = 10**400


def held(optimizer):
    """All that a Scheduler may not have touched."""
    groups = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    hooks = [len(optimizer._optimizer_step_pre_hooks), len(optimizer._optimizer_step_post_hooks)]
    return copy.deepcopy((groups, hooks, optimizer.defaults, [len(g["params"]) for g in optimizer.param_groups]))


def refused(act, optimizer, message, error=rh.ScheduleError):
    before = held(optimizer)
    with pytest.raises(error) as caught:
        act()
    assert message in str(caught.value)
    assert held(optimizer) == before


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("timer", 3, "timer=3: need a function without arguments that returns seconds. Try time.monotonic."),
        ("timer", "now", "timer='now': need a function"),
        ("timer", lambda: None, "timer()=None: need a finite number of seconds. Try timer=time.monotonic."),
        ("timer", lambda: math.nan, "timer()=nan: need a finite number of seconds"),
        ("timer", lambda: HUGE, "need a finite number of seconds"),
        ("ledger", "ledger.jsonl", "ledger='ledger.jsonl': need a Ledger. Try rh.Ledger('ledger.jsonl')."),
        ("ledger", False, "ledger=False: need a Ledger"),
        ("strict", "no", "strict='no': need True or False."),
        ("strict", None, "strict=None: need True or False."),
        ("strict", np.array([1, 2]), "strict=array([1, 2]): need True or False."),
        ("clock", np.array([1, 2]), "clock=array([1, 2]): need one of 'updates', 'calls', 'epochs'."),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused(argument, value, message):
    optimizer = sgd()
    refused(lambda: rh.Scheduler(optimizer, "cosine()", RUN, **{argument: value}), optimizer, message)


def test_a_scheduler_is_no_optimizer():
    optimizer = sgd()
    theirs = pt.StepLR(optimizer, 3)
    message = (
        "optimizer=StepLR: need an optimizer, and this is a scheduler. Try its .optimizer, or Scheduler.from_torch"
    )
    refused(lambda: rh.Scheduler(theirs, "cosine()", RUN), optimizer, message, rh.SchedulerError)


@pytest.mark.parametrize("key", ["lr", "initial_lr"])
def test_a_base_value_too_large_for_a_float_is_refused(key):
    optimizer = sgd()
    optimizer.param_groups[0][key] = HUGE
    refused(lambda: rh.Scheduler(optimizer, "cosine()", RUN), optimizer, "need a number to schedule")


@pytest.mark.parametrize(
    "group",
    [
        None,
        3,
        "x",
        [],
        {},
        {"lr": 0.1},
        {"params": 3},
        {"params": ["x"]},
        {"params": [torch.zeros(1, requires_grad=True) * 2]},
        {"params": {parameter()}},
    ],
    ids=range(10),
)
def test_what_is_no_param_group_is_refused(group):
    optimizer = sgd()
    scheduler = rh.Scheduler(optimizer, "cosine()", RUN)
    refused(lambda: scheduler.add_param_group(group), optimizer, "group=")
    assert len(scheduler.entries) == 1


def test_a_parameter_that_has_a_group_already_is_refused():
    optimizer = sgd()
    scheduler = rh.Scheduler(optimizer, "cosine()", RUN)
    again = {"params": list(optimizer.param_groups[0]["params"])}
    refused(lambda: scheduler.add_param_group(again), optimizer, "some parameters appear in more than one")


@pytest.mark.parametrize("method", ["report", "step"])
def test_a_metric_too_large_for_a_float_is_refused(method):
    optimizer = sgd()
    scheduler = rh.Scheduler(optimizer, "constant() * plateau()", RUN)
    refused(lambda: getattr(scheduler, method)(HUGE), optimizer, "need a number")


def test_an_array_is_no_key_and_no_position():
    optimizer = sgd()
    scheduler = rh.Scheduler(optimizer, "cosine()", RUN)
    two = np.array([1, 2])
    refused(lambda: scheduler.cooldown(over="4 steps", key=two), optimizer, "key=array([1, 2]): need a scheduled key")
    refused(lambda: setattr(scheduler, "last_epoch", two), optimizer, "last_epoch=array([1, 2]): need a whole number")


def test_a_reading_that_is_no_time_loses_none():
    optimizer, now = sgd(), [0.0]
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(time="10 s"), timer=lambda: now[0])
    for reading in (math.nan, math.inf, 5.0):
        now[0] = reading
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 0.05


def test_a_ledger_set_later_is_checked_too():
    optimizer = sgd()
    scheduler = rh.Scheduler(optimizer, "cosine()", RUN)
    refused(lambda: setattr(scheduler, "ledger", "ledger.jsonl"), optimizer, "ledger='ledger.jsonl': need a Ledger")
    optimizer.step()
    scheduler.step()
    assert scheduler.position == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": []}, "schedule=[]: need a schedule, or its text."),
        ({"clock": np.array([1, 2])}, "clock=array([1, 2]): need one of"),
        ({"last_epoch": 3}, "last_epoch=3: need nothing: the position is that of the scheduler taken over."),
        ({"timer": 3}, "timer=3: need a function"),
    ],
)
def test_taking_over_with_a_bad_argument_changes_nothing(options, message):
    optimizer = sgd()
    theirs = pt.StepLR(optimizer, 3)
    refused(lambda: rh.Scheduler.from_torch(theirs, **options), optimizer, message)
