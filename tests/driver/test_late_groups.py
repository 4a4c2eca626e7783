"""A group that is added while training goes on counts rightly on every clock, and in every copy made after."""

import copy
import json
import pickle

import pytest
import torch

import rheostat as rh
from driver.loops import parameter

N, EPOCH, OWN = 12, 3, "warmup('25%') >> linear()"


def run_of(clock):
    return rh.Run(epochs=N, steps_per_epoch=EPOCH) if clock == "epochs" else rh.Run(steps=N)


def started(clock):
    optimizer = torch.optim.SGD([parameter()], lr=0.1)
    return optimizer, rh.Scheduler(optimizer, "linear()", run_of(clock), clock=clock)


def add(optimizer, scheduler, own):
    group = {"params": [parameter()], "lr": 0.5}
    if own:
        scheduler.add_param_group(group, schedule=OWN)
    else:
        optimizer.add_param_group(group)


def carried(optimizer, scheduler, how, own, clock):
    """The same training, carried over in one of the ways; the old one is let go."""
    if how == "state":
        state, of_optimizer = json.loads(json.dumps(scheduler.state_dict())), optimizer.state_dict()
        again = started(clock)
        add(*again, own)
        again[0].load_state_dict(copy.deepcopy(of_optimizer))
        again[1].load_state_dict(state)
    elif how == "pickle":
        again = pickle.loads(pickle.dumps((optimizer, scheduler)))
    else:
        again = copy.deepcopy((optimizer, scheduler))
    scheduler.close()
    return again


def of_late_group(clock, begun, own):
    """What the group should use, by position."""
    axis = "epochs" if clock == "epochs" else "updates"
    if not own:
        return rh.parse("linear()").over(run_of(clock), base=0.5, axis=axis).values().tolist()
    rest = rh.Run(epochs=N - begun) if clock == "epochs" else rh.Run(steps=N - begun)
    return [0.0] * begun + rh.parse(OWN).over(rest, base=0.5, axis=axis).values().tolist()


@pytest.mark.parametrize("clock", ["updates", "calls", "epochs"])
@pytest.mark.parametrize("own", [True, False], ids=["own schedule", "joins"])
@pytest.mark.parametrize("after", ["step", "update"])
@pytest.mark.parametrize("how", ["kept", "deepcopy", "pickle", "state"])
@pytest.mark.parametrize("later", [0, 3])
def test_a_late_group_has_its_values_from_its_first_update_on(clock, own, after, how, later):
    """Added after step(), or between optimizer.step() and step(): either way its first update is the next one."""
    at = 5
    begun = at + (after == "update")
    expected = of_late_group(clock, begun, own)
    optimizer, scheduler = started(clock)

    def between(t):
        nonlocal optimizer, scheduler
        if t == at:
            add(optimizer, scheduler, own)
        if t == at + later and how != "kept":
            optimizer, scheduler = carried(optimizer, scheduler, how, own, clock)

    for t in range(N):
        if after == "step":
            between(t)
        for _ in range(EPOCH if clock == "epochs" else 1):
            used = []
            hook = optimizer.register_step_post_hook(
                lambda o, *_, used=used: used.extend(g["lr"] for g in o.param_groups)
            )
            optimizer.step()
            hook.remove()
            if t >= begun:
                assert used == [pytest.approx(0.1 * (1 - t / N)), pytest.approx(expected[t])]
        if after == "update":
            between(t)
        scheduler.step()
    assert scheduler.position == N


def test_groups_added_at_several_times_keep_their_beginnings():
    optimizer, scheduler = started("updates")
    for t in range(N):
        if t in {3, 6}:
            scheduler.add_param_group({"params": [parameter()], "lr": 0.5}, schedule="linear()")
        if t == 8:
            optimizer, scheduler = carried(optimizer, scheduler, "deepcopy", own=True, clock="updates")
        optimizer.step()
        scheduler.step()
        late = [0.5 * (1 - (t + 1 - since) / (N - since)) for since in (3, 6) if since <= t]
        assert [group["lr"] for group in optimizer.param_groups[1:]] == pytest.approx(late)
