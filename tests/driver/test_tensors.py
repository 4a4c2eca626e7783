"""Tensor learning rates: filled in place, rounded once, kept, guarded, and never shared behind anybody's back."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

import rheostat as rh
from driver.loops import RUN, SPEC, parameter, planned, sgd

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def neighbours(tensor):
    up, down = (torch.nextafter(tensor, torch.tensor(end, dtype=tensor.dtype)) for end in (float("inf"), -float("inf")))
    return [Fraction(float(t)) for t in (down, tensor, up)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 3])
@given(base=st.floats(1e-4, 10))
def test_every_value_is_the_nearest_number_of_its_dtype(dtype, groups, base):
    tensors = [torch.tensor(base, dtype=dtype) for _ in range(groups)]
    optimizer = torch.optim.SGD([{"params": [parameter()], "lr": lr} for lr in tensors], lr=0.1)
    wanted = planned(float(tensors[0]), 20)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for exact in wanted:
        for lr, group in zip(tensors, optimizer.param_groups):
            assert group["lr"] is lr
            off = [abs(n - Fraction(exact)) for n in neighbours(lr)]
            assert off[1] == min(off)
        assert scheduler.get_last_lr() == [float(lr) for lr in tensors]
        with torch.no_grad():
            optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("groups", [1, 3])
def test_a_learning_rate_that_takes_part_in_autograd(groups):
    tensors = [torch.tensor(0.1, dtype=torch.float64, requires_grad=True) for _ in range(groups)]
    optimizer = torch.optim.SGD([{"params": [parameter()], "lr": lr} for lr in tensors], lr=0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for t in range(20):
        assert scheduler.get_last_lr() == planned(0.1, 20)[t : t + 1] * groups
        with torch.no_grad():
            optimizer.step()
        scheduler.step()
    assert all(lr.is_leaf and lr.requires_grad for lr in tensors)


def test_a_late_group_gets_the_default_as_it_was_given():
    """The optimizer hands its default tensor to every group: filling one would change the default for those to come."""
    optimizer = torch.optim.SGD([parameter()], lr=torch.tensor(0.1, dtype=torch.float64))
    scheduler = rh.Scheduler(optimizer, "linear()", RUN)
    for _ in range(10):
        optimizer.step()
        scheduler.step()
    optimizer.add_param_group({"params": [parameter()]})
    optimizer.add_param_group({"params": [parameter()]})
    optimizer.step()
    scheduler.step()
    assert scheduler.base_lrs == [0.1, 0.1, 0.1]
    assert scheduler.get_last_lr() == [planned(0.1, 20, "linear()")[11]] * 3
    assert len({id(group["lr"]) for group in optimizer.param_groups}) == 3


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("in_place", [False, True])
def test_what_somebody_else_writes_is_noticed(groups, in_place):
    tensors = [torch.tensor(0.1) for _ in range(groups)]
    optimizer = torch.optim.SGD([{"params": [parameter()], "lr": lr} for lr in tensors], lr=0.1)
    scheduler = rh.Scheduler(optimizer, "constant()", RUN)
    optimizer.step()
    scheduler.step()
    if in_place:
        tensors[0].fill_(7.0)
    else:
        optimizer.param_groups[0]["lr"] = torch.tensor(7.0)
    assert scheduler.get_last_lr()[0] == 7.0
    optimizer.step()
    with pytest.warns(rh.OverwrittenWarning, match=r"set to 7 .* written 0\.1"):
        scheduler.step()
    assert optimizer.param_groups[0]["lr"] is tensors[0]
    assert float(tensors[0]) == pytest.approx(0.1)


def test_writing_what_get_lr_says_is_no_change():
    """As ignite does, which puts new tensors into the groups."""
    optimizer = sgd(torch.tensor(0.1), torch.tensor(0.03))
    held = [group["lr"] for group in optimizer.param_groups]
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for t in range(20):
        for group, lr in zip(optimizer.param_groups, scheduler.get_lr()):
            group["lr"] = lr
        optimizer.step()
        assert optimizer.used[t] == pytest.approx([planned(0.1, 20)[t], planned(0.03, 20)[t]])
    assert [group["lr"] for group in optimizer.param_groups] == held


@pytest.mark.parametrize("cls", [torch.optim.Adam, torch.optim.AdamW])
def test_tensor_betas(cls):
    shared = (torch.tensor(0.9), torch.tensor(0.99))
    groups = [{"params": [parameter()], "name": name} for name in "ab"]
    optimizer = cls(groups, lr=torch.tensor(0.1), betas=shared, foreach=False, capturable=False)
    scheduler = rh.Scheduler(optimizer, {"betas[0]": {"a": "linear(end=0.5)", "b": "constant()"}}, RUN)
    for _ in range(10):
        optimizer.step()
        scheduler.step()
    (a, a2), (b, b2) = (group["betas"] for group in optimizer.param_groups)
    assert (float(a), float(b)) == (pytest.approx(0.9 * 0.75), pytest.approx(0.9))
    assert float(a2) == float(b2) == pytest.approx(0.99)


def test_a_second_scheduler_does_not_take_rounding_for_a_hand():
    optimizer = sgd(torch.tensor(0.1))
    rh.Scheduler(optimizer, SPEC, RUN)
    for _ in range(6):
        optimizer.step()
    with pytest.warns(rh.SecondSchedulerWarning):
        second = rh.Scheduler(optimizer, SPEC, RUN)
    assert second.base_lrs == [pytest.approx(0.1)]
    optimizer.param_groups[0]["lr"].fill_(0.5)
    with pytest.warns(rh.SecondSchedulerWarning):
        third = rh.Scheduler(optimizer, SPEC, RUN)
    assert third.base_lrs == [0.5]


class Operations(TorchDispatchMode):
    """Notes what PyTorch is asked to do."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.asked.append(str(func))
        return func(*args, **(kwargs or {}))


class Idle(torch.optim.SGD):
    def step(self, closure=None):
        """Nothing, so that what is asked for is the scheduler's."""


def operations(groups, *, called):
    optimizer = Idle([{"params": [parameter()], "lr": torch.tensor(0.1 / (1 + i))} for i in range(groups)])
    scheduler = rh.Scheduler(optimizer, "cosine()", rh.Run(steps=1000))
    optimizer.step()
    scheduler.step()
    with Operations() as seen:
        for _ in range(5):
            optimizer.step()
            if called:
                scheduler.step()
    assert scheduler.position == 6
    return [operation for operation in seen.asked if not operation.startswith("profiler")]


@pytest.mark.parametrize("called", [True, False])
def test_a_hundred_tensors_take_as_many_operations_as_three_and_none_waits(called):
    asked = operations(100, called=called)
    assert asked == operations(3, called=called)
    assert len(asked) == (5 if called else 4) * 3  # a row is looked up, copied, and put into all tensors at once
    assert not any("local_scalar" in operation or "to_copy" in operation for operation in asked)
