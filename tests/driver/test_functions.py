"""Schedules made from a function, whose text names no code, go through checkpoints as others do."""

import json

import numpy as np
import pytest

import rheostat as rh
from driver.loops import sgd

RUN = rh.Run(steps=20)


def falling(p):
    return 1 - p**2


SPECS = {
    "alone": rh.from_function(falling),
    "after a warmup": rh.warmup("3 steps") >> rh.from_function(falling),
    "in a product": rh.warmup("3 steps") * rh.from_function(falling),
    "wrapped": rh.from_function(falling).clip(min=0.1),
    "taken up already": rh.from_function(falling).rebase("2 steps", 0.7),
}


def rebased_on_resume(optimizer, scheduler):
    state = scheduler.state_dict()
    scheduler.asked_run = rh.Run(steps=30)
    scheduler.load_state_dict(state, on_change="rebase")


CHANGES = {
    "extended": lambda _, s: s.extend(rh.Run(steps=40)),
    "extended twice": lambda _, s: (s.extend(rh.Run(steps=40)), s.extend(rh.Run(steps=50))),
    "cooled down": lambda _, s: s.cooldown(over="8 steps"),
    "extended and cooled down": lambda _, s: (s.extend(rh.Run(steps=40)), s.cooldown(over="8 steps")),
    "rebased": rebased_on_resume,
    "rebased and extended": lambda o, s: (rebased_on_resume(o, s), s.extend(rh.Run(steps=40))),
}


def trained(spec, updates, optimizer=None, scheduler=None):
    optimizer = optimizer or sgd(0.1)
    scheduler = scheduler or rh.Scheduler(optimizer, spec, RUN)
    for _ in range(updates):
        optimizer.step()
        scheduler.step()
    return optimizer, scheduler


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("how", ["keep", "adopt", "rebase"])
def test_a_changed_one_is_restored_where_the_code_names_the_function(spec, change, how):
    optimizer, scheduler = trained(spec, 5)
    change(optimizer, scheduler)
    trained(spec, 1, optimizer, scheduler)
    again, restored = trained(spec, 0)
    restored.asked_run = scheduler.asked_run
    again.load_state_dict(optimizer.state_dict())
    restored.load_state_dict(json.loads(json.dumps(scheduler.state_dict())), on_change=how)
    trained(spec, 6, optimizer, scheduler)
    trained(spec, 6, again, restored)
    assert again.used == optimizer.used[-6:]
    assert repr(restored) == repr(scheduler)


def test_back_to_a_point_before_the_cooldown():
    optimizer, scheduler = trained(SPECS["alone"], 5)
    state = scheduler.state_dict()
    scheduler.cooldown(over="4 steps")
    scheduler.load_state_dict(state)
    trained(None, 15, optimizer, scheduler)
    assert [used[0] for used in optimizer.used] == SPECS["alone"].over(RUN, base=0.1).values().tolist()


def test_where_the_code_has_lost_the_function_it_says_so_and_adopts():
    _, scheduler = trained(SPECS["alone"], 5)
    state = scheduler.state_dict()
    optimizer, restored = trained("linear()", 0)
    for how in ("keep", "rebase"):
        with pytest.raises(
            rh.StateError, match=r"from_function takes code.*\s*.*\s*.*Nothing was loaded. Try on_change"
        ):
            restored.load_state_dict(state, on_change=how)
        assert restored.position == 0
    restored.load_state_dict(state, on_change="adopt")
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 15 / 20)
    other = rh.Scheduler(sgd(0.1), rh.from_function(np.cos), RUN)
    with pytest.raises(rh.ResumeMismatch, match="schedule: saved from_function"):
        other.load_state_dict(state)
