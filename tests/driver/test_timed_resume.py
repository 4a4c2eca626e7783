"""A run on a wall-clock budget goes on where it was, to the last bit, wherever in the loop it was carried over."""

import copy
import json
import pickle

import pytest
import torch

import rheostat as rh
from driver.loops import parameter

RUN, SPEC = rh.Run(time="20 s"), "warmup('3 s') >> cosine(end=0.1)"


class Timer:
    """Seconds, in steps that are exact; `drift` goes by at each reading, as it does on a real clock."""

    def __init__(self, now=64.0, drift=0.0):
        self.now, self.drift = now, drift

    def __call__(self):
        self.now += self.drift
        return self.now


def built(timer, loaded=None):
    optimizer = torch.optim.SGD([parameter()], lr=0.1)
    if loaded is not None:
        optimizer.load_state_dict(loaded)
    return optimizer, rh.Scheduler(optimizer, SPEC, RUN, timer=timer)


def by_state(order):
    def carry(optimizer, scheduler):
        state, of_optimizer = json.loads(json.dumps(scheduler.state_dict())), copy.deepcopy(optimizer.state_dict())
        timer = Timer(1024.0)
        optimizer, scheduler = built(timer, of_optimizer if order[0] == "optimizer, built" else None)
        timer.now += 4.5  # reading the checkpoint is not training
        for what in order:
            if what == "optimizer":
                optimizer.load_state_dict(of_optimizer)
            elif what == "scheduler":
                scheduler.load_state_dict(state)
        return optimizer, scheduler

    return carry


CARRIED = {
    "optimizer, scheduler": by_state(["optimizer", "scheduler"]),
    "scheduler, optimizer": by_state(["scheduler", "optimizer"]),
    "scheduler only": by_state(["scheduler"]),
    "optimizer, built, scheduler": by_state(["optimizer, built", "scheduler"]),
    "deepcopy": lambda *both: copy.deepcopy(both),
    "pickle": lambda *both: pickle.loads(pickle.dumps(both)),
}


def trained(calls, at=None, where=None, carry=None):
    """What each update used, in a loop that is carried over after update `at`."""
    optimizer, scheduler = built(Timer())
    used = []

    def perhaps(here, t):
        nonlocal optimizer, scheduler
        if (where, at) == (here, t):
            old = scheduler
            optimizer, scheduler = carry(optimizer, scheduler)
            old.close()

    for t in range(24):
        perhaps("before the update", t)
        scheduler.timer.now += 0.5
        hook = optimizer.register_step_post_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
        optimizer.step()
        hook.remove()
        scheduler.timer.now += 0.125
        perhaps("between the steps", t)
        if calls:
            scheduler.step()
        scheduler.timer.now += 0.25
        perhaps("after both", t)
    return used


@pytest.mark.parametrize("carry", CARRIED.values(), ids=CARRIED)
@pytest.mark.parametrize("calls", [True, False], ids=["step() called", "never called"])
@pytest.mark.parametrize("where", ["before the update", "between the steps", "after both"])
def test_it_goes_on_as_if_nothing_had_been(calls, where, carry):
    whole = trained(calls)
    for at in (0, 1, 9, 22):
        assert trained(calls, at, where, carry) == whole


@pytest.mark.parametrize("carry", CARRIED.values(), ids=CARRIED)
def test_seconds_go_by_while_it_is_restored(carry):
    """Each reading of the clock is a later one; what is in the groups was written once."""
    optimizer, scheduler = built(Timer(drift=0.01))
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    value = optimizer.param_groups[0]["lr"]
    again, restored = carry(optimizer, scheduler)
    restored.timer.drift = 0.01
    used = []
    again.register_step_post_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    again.step()
    assert used == [value]
