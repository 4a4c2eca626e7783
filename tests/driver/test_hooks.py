"""What a hook must not be fooled by: nested and failing steps, skipped updates, steps that only build state."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributed.checkpoint.state_dict import _init_optim_state

import rheostat as rh
from driver.loops import RUN, SPEC, parameter, planned, recording, sgd


def never(optimizer, scheduler):
    optimizer.step()


def once(optimizer, scheduler):
    optimizer.step()
    scheduler.step()


def before(optimizer, scheduler):
    scheduler.step()
    optimizer.step()


def reloading_before(optimizer, scheduler):
    optimizer.load_state_dict(optimizer.state_dict())
    once(optimizer, scheduler)


def reloading_between(optimizer, scheduler):
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    scheduler.step()


def replacing_groups(optimizer, scheduler):
    optimizer.param_groups = [dict(group) for group in optimizer.param_groups]
    once(optimizer, scheduler)


def replacing_one_group(optimizer, scheduler):
    optimizer.param_groups[0] = dict(optimizer.param_groups[0])
    once(optimizer, scheduler)


def looking(optimizer, scheduler):
    scheduler.get_lr(), scheduler.get_last_lr(), scheduler.state_dict(), repr(scheduler)
    optimizer.step()
    scheduler.get_lr(), scheduler.get_last_lr(), scheduler.state_dict(), repr(scheduler)


def resuming(optimizer, scheduler):
    once(optimizer, scheduler)
    scheduler.load_state_dict(scheduler.state_dict())


LOOPS = [
    never,
    once,
    before,
    reloading_before,
    reloading_between,
    replacing_groups,
    replacing_one_group,
    looking,
    resuming,
]


@given(calls=st.lists(st.sampled_from(LOOPS), min_size=1, max_size=20), tensor=st.booleans())
def test_any_mixture_of_ways_gives_every_update_its_value(calls, tensor):
    lr = torch.tensor(0.1, dtype=torch.float64) if tensor else 0.1
    optimizer = sgd(lr, 0.03)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for loop in calls:
        loop(optimizer, scheduler)
    assert [used[0] for used in optimizer.used] == planned(0.1, len(calls))
    assert [used[1] for used in optimizer.used] == planned(0.03, len(calls))


def test_the_value_in_force_survives_loading_the_optimizer_between_the_two_calls():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for t in range(20):
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        assert scheduler.get_last_lr() == [planned(0.1, 20)[t]]
        scheduler.step()


@pytest.mark.parametrize("calls", [1, 2])
def test_an_optimizer_that_calls_its_parent_more_than_once(calls):
    class Twice(torch.optim.SGD):
        def step(self, closure=None):
            for _ in range(calls):
                used.append(self.param_groups[0]["lr"])
                super().step(closure)

    used = []
    torch.optim.SGD([parameter()], lr=0.1)  # from now on the parent's own step has hooks as well
    optimizer = Twice([parameter()], lr=0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for _ in range(20):
        optimizer.step()
    assert used == [value for value in planned(0.1, 20) for _ in range(calls)]
    assert scheduler.position == 20


@pytest.mark.parametrize("inner", [False, True])
def test_a_step_that_raises_inside_is_retried_with_the_same_value(inner):
    """The hooks before it have fired, those after it have not."""

    class Parent(torch.optim.SGD):
        def step(self, closure=None):
            if inner and fail:
                raise MemoryError(fail.pop())
            return super().step(closure)

    class Child(Parent):
        def step(self, closure=None):
            if not inner and fail:
                raise MemoryError(fail.pop())
            return super().step(closure)

    fail = []
    torch.optim.SGD([parameter()], lr=0.1), Parent([parameter()], lr=0.1)
    optimizer = sgd(0.1, cls=recording(Child))
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for t in range(20):
        if t % 3 == 0:
            fail.append("no memory")
            with pytest.raises(MemoryError):
                optimizer.step()
            optimizer.used.pop()
            scheduler.step()
        optimizer.step()
        assert scheduler.position == t + 1
    assert [used[0] for used in optimizer.used] == planned(0.1, 20)


@pytest.mark.parametrize("cls", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("step", [never, once])
def test_a_scaler_that_skips(cls, fused, step):
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = cls([p], lr=0.1, fused=fused)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    used = []
    for overflow in (True, False, False, True, True, False, False, False, True, False):
        optimizer.zero_grad()
        scaler.scale((p * (float("inf") if overflow else 1.0)).sum()).backward()
        weights = p.detach().clone()
        scaler.step(optimizer)
        scaler.update()
        assert torch.equal(weights, p.detach()) == overflow
        if not overflow:
            used.append(optimizer.param_groups[0]["lr"])
        if step is once:
            scheduler.step()
    assert used == planned(0.1, 6)
    assert scheduler.position == 6


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("cls", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("spec", [SPEC, "warmup('4 steps', start=0) >> cosine()"])
def test_a_step_that_only_builds_state_is_no_update(cls, tensor, spec):
    """torch.distributed.checkpoint calls step() with every learning rate at 0 to see the optimizer's state."""
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = cls([p], lr=torch.tensor(0.1) if tensor else 0.1, weight_decay=0.5)
    scheduler = rh.Scheduler(optimizer, spec, RUN)
    values, held = scheduler.get_last_lr(), optimizer.param_groups[0]["lr"]
    _init_optim_state(optimizer)
    assert scheduler.position == 0
    assert torch.equal(p, torch.ones(2))
    assert scheduler.get_last_lr() == values
    assert optimizer.param_groups[0]["lr"] is held
    for t in range(3):
        p.grad = torch.ones(2)
        assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(planned(0.1, 3, spec)[t])
        once(optimizer, scheduler)
    assert scheduler.position == 3


def test_updates_at_a_scheduled_zero_count_though_nothing_moves():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = rh.Scheduler(optimizer, "warmup('3 steps', start=0) >> linear()", RUN)
    for _ in range(5):
        optimizer.step()
    assert scheduler.position == 5


def test_a_frozen_optimizer_on_the_same_clock_does_not_stop_it():
    frozen = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.0)
    other = sgd(0.1)
    rh.Scheduler([frozen, other], SPEC, RUN)
    for _ in range(20):
        frozen.step()
        other.step()
    assert [used[0] for used in other.used] == planned(0.1, 20)


def test_step_between_the_steps_of_two_optimizers_moves_nothing():
    one, two = sgd(0.1), sgd(0.02)
    scheduler = rh.Scheduler([one, two], SPEC, RUN)
    for _ in range(20):
        one.step()
        scheduler.step()
        two.step()
        scheduler.step()
    assert [used[0] for used in one.used] == planned(0.1, 20)
    assert [used[0] for used in two.used] == planned(0.02, 20)
    assert scheduler.get_lr() == [curve.at(20) for curve in (rh.parse(SPEC).over(RUN, base=b) for b in (0.1, 0.02))]
