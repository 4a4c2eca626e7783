"""Every key, every group: names, late comers, tensors, values that somebody else writes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rheostat as rh
from driver.loops import RUN, SPEC, parameter, planned, sgd
from rheostat.driver.tensors import rounded


def adamw(**options):
    groups = [
        {"params": [parameter()], "name": "backbone", "lr": 1e-4, "weight_decay": 0.1},
        {"params": [parameter()], "name": "head", "lr": 1e-3, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-3, **options)


def test_any_key_can_be_scheduled():
    optimizer = adamw(betas=(0.9, 0.99))
    spec = {
        "lr": SPEC,
        "betas[0]": "linear(end=0.5)",
        "betas[1]": "constant(1.0)",
        "weight_decay": "linear(start=0, end=1)",
    }
    scheduler = rh.Scheduler(optimizer, spec, RUN)
    for t in range(20):
        group = optimizer.param_groups[0]
        assert group["betas"] == (0.9 * rh.parse("linear(end=0.5)").over(RUN).at(t), 0.99)
        assert group["weight_decay"] == 0.1 * (t / 20)
        assert optimizer.param_groups[1]["weight_decay"] == 0.0
        optimizer.step()
        scheduler.step()


def test_groups_can_have_schedules_of_their_own():
    optimizer = adamw()
    scheduler = rh.Scheduler(optimizer, {"lr": {"head": SPEC, "*": "linear()"}}, RUN)
    for t in range(20):
        assert optimizer.param_groups[0]["lr"] == planned(1e-4, 20, "linear()")[t]
        assert optimizer.param_groups[1]["lr"] == planned(1e-3, 20)[t]
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("stepping", [True, False])
def test_a_group_added_to_the_optimizer_joins_the_schedule(stepping):
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for t in range(20):
        if t == 7:
            optimizer.add_param_group({"params": [parameter()], "lr": 0.5})
        optimizer.step()
        if stepping:
            scheduler.step()
    assert [used[0] for used in optimizer.used] == planned(0.1, 20)
    assert [used[1] for used in optimizer.used[7:]] == planned(0.5, 20)[7:]
    assert scheduler.base_lrs == [0.1, 0.5]


def test_a_group_can_come_with_a_schedule_counted_from_then():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for t in range(20):
        if t == 7:
            scheduler.add_param_group({"params": [parameter()], "lr": 0.5}, schedule="warmup('2 steps') >> linear()")
        optimizer.step()
        scheduler.step()
    expected = planned(0.5, 13, "warmup('2 steps') >> linear()", rh.Run(steps=13))
    assert [used[1] for used in optimizer.used[7:]] == expected
    assert [used[0] for used in optimizer.used] == planned(0.1, 20)


def test_a_group_that_does_not_fit_is_refused_and_nothing_changes():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    with pytest.raises(rh.ScheduleError, match="need a value that is not above"):
        scheduler.add_param_group({"params": [parameter()], "lr": 0.5}, schedule=rh.cosine(end=rh.absolute(1.0)))
    assert len(optimizer.param_groups) == 1


def test_absolute_levels_are_met_whatever_the_base():
    optimizer = sgd(0.1, 0.004)
    scheduler = rh.Scheduler(optimizer, rh.linear(end=rh.absolute(1e-3)), RUN)
    for _ in range(20):
        optimizer.step()
        scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([1e-3, 1e-3], rel=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_tensors_are_filled_in_place_and_rounded_once(dtype):
    """Each group has a tensor of its own, the same object throughout, also where the optimizer shares one."""
    shared = torch.tensor(0.1, dtype=dtype)
    optimizer = torch.optim.SGD([{"params": [parameter()]}, {"params": [parameter()]}], lr=shared)
    base = float(shared)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    held = [group["lr"] for group in optimizer.param_groups]
    assert held[0] is not held[1]
    for t in range(20):
        assert [group["lr"] for group in optimizer.param_groups] == held
        assert all(group["lr"] is tensor for group, tensor in zip(optimizer.param_groups, held))
        exact = planned(base, 20)[t]
        assert float(held[0]) == float(rounded(np.array([exact]), dtype)[0])
        with torch.no_grad():
            optimizer.step()
        scheduler.step()
    assert [type(lr) for lr in scheduler.get_last_lr()] == [float, float]


@given(st.floats(1e-30, 1e30))
def test_bfloat16_is_the_nearest_one(x):
    """Rounded once: no other bfloat16 is nearer, which going by way of float32 does not promise."""
    ours = rounded(np.array([x]), torch.bfloat16)
    bits = ours.view(torch.int16)
    neighbours = [float((bits + d).view(torch.bfloat16)) for d in (-1, 0, 1)]
    assert abs(neighbours[1] - x) == min(abs(n - x) for n in neighbours)


def test_going_by_way_of_float32_would_round_twice():
    x = 1.0 + 2.0**-8 + 2.0**-40
    assert float(rounded(np.array([x]), torch.bfloat16)) == 1.0078125
    assert float(torch.tensor(x, dtype=torch.float64).to(torch.bfloat16)) == 1.0


@pytest.mark.parametrize("groups", [1, 3])
def test_a_value_written_by_somebody_else_is_noticed_once_with_its_figures(groups):
    optimizer = sgd(*[0.1] * groups)
    scheduler = rh.Scheduler(optimizer, "constant()", RUN)
    optimizer.step()
    scheduler.step()
    optimizer.param_groups[0]["lr"] = 7.0
    optimizer.step()
    with pytest.warns(rh.OverwrittenWarning, match=r"lr of group 0 was set to 7 .* written 0\.1") as caught:
        scheduler.step()
    assert caught[0].filename == __file__
    assert optimizer.param_groups[0]["lr"] == 0.1
    optimizer.param_groups[0]["lr"] = 8.0
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_second_scheduler_takes_over_from_the_same_base():
    """A notebook cell run twice: the learning rate is not multiplied twice."""
    optimizer = sgd(0.1)
    rh.Scheduler(optimizer, SPEC, RUN)
    optimizer.step()
    with pytest.warns(rh.SecondSchedulerWarning) as caught:
        scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    assert len(caught) == 1
    assert scheduler.base_lrs == [0.1]
    for _ in range(20):
        optimizer.step()
        scheduler.step()
    assert [used[0] for used in optimizer.used[1:]] == planned(0.1, 20)


def test_a_base_value_set_by_hand_before_the_second_scheduler_is_meant():
    optimizer = sgd(0.1)
    old = rh.Scheduler(optimizer, SPEC, RUN)
    old.close()
    optimizer.param_groups[0]["lr"] = optimizer.param_groups[0]["initial_lr"] = 0.03
    assert rh.Scheduler(optimizer, SPEC, RUN).base_lrs == [0.03]


def test_schedulers_of_different_keys_live_side_by_side():
    optimizer = sgd(0.1)
    rates = rh.Scheduler(optimizer, SPEC, RUN)
    momenta = rh.Scheduler(optimizer, {"momentum": "linear(end=0.5)"}, RUN)
    optimizer.step()
    rates.step()
    momenta.step()
    assert (rates.position, momenta.position) == (1, 1)
    assert optimizer.param_groups[0]["momentum"] == 0.9 * planned(1.0, 2, "linear(end=0.5)")[1]


REFUSED = [
    (lambda o: rh.Scheduler(o, "cosine()", 1000), "run=1000: need a Run. Try rh.Run(steps=1000)."),
    (lambda o: rh.Scheduler(o, "cosine()"), "need a known length, for cosine() to end."),
    (lambda o: rh.Scheduler(o, 0.1, RUN), "schedule=0.1: need a schedule, or its text. Try rh.cosine(end=0.1)."),
    (lambda o: rh.Scheduler(o, {}, RUN), "schedule={}: need at least one key. Try {'lr': schedule}."),
    (
        lambda o: rh.Scheduler(o, {"momentun": "cosine()"}, RUN),
        "schedule='momentun': need a key of the optimizer's groups",
    ),
    (
        lambda o: rh.Scheduler(o, {"betas[0]": "cosine()"}, RUN),
        "schedule='betas[0]': need a key of the optimizer's groups",
    ),
    (
        lambda o: rh.Scheduler(o, {"lr": {"haed": "cosine()", "*": "cosine()"}}, RUN),
        "'haed': need a group's name: backbone, head, or '*' for all others. Try 'head'.",
    ),
    (
        lambda o: rh.Scheduler(o, {"head": "cosine()"}, RUN),
        "Try {'lr': {'head': ...}}; the outer names are keys, the inner ones groups.",
    ),
    (lambda o: rh.Scheduler(o, {"lr": {"head": "cosine()"}}, RUN), "need a schedule for group 'backbone' too."),
    (lambda o: rh.Scheduler(o, {"lr": {}}, RUN), "need at least one group"),
    (lambda o: rh.Scheduler(o, {"dampening": "cosine()"}, RUN), "need a base value above 0 in at least one group"),
    (
        lambda o: rh.Scheduler(o, "cosine()", RUN, clock="steps"),
        "clock='steps': need one of 'updates', 'calls', 'epochs'.",
    ),
    (
        lambda o: rh.Scheduler(o, "cosine()", RUN, last_epoch=5),
        "last_epoch=5: need groups with initial_lr. Try load_state_dict instead.",
    ),
    (lambda o: rh.Scheduler(o, "cosine()", RUN, last_epoch=-2), "last_epoch=-2: need a whole number ≥ -1."),
    (lambda o: rh.Scheduler(o, "cosine()", RUN, reduce="max"), "reduce='max': need one of 'mean', 'none'."),
    (lambda o: rh.Scheduler(o, rh.cosine(end=rh.absolute(1.0)), RUN), "in lr of group backbone, base value 0.1"),
]


@pytest.mark.parametrize(("bad", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_leaves_the_optimizer_as_it_was(bad, message):
    optimizer = sgd(0.1, 0.2)
    for group, name in zip(optimizer.param_groups, ("backbone", "head")):
        group["name"] = name
    before = [dict(group) for group in optimizer.param_groups]
    with pytest.raises(rh.ScheduleError) as caught:
        bad(optimizer)
    assert message in str(caught.value)
    assert [dict(group) for group in optimizer.param_groups] == before
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_load_state_dict_post_hooks


@pytest.mark.parametrize("what", [None, torch.nn.Linear(2, 2), [], "sgd"])
def test_what_is_no_optimizer_is_refused(what):
    with pytest.raises(rh.SchedulerError, match="need a torch.optim.Optimizer|need at least one optimizer"):
        rh.Scheduler(what, "cosine()", RUN)


def test_last_epoch_is_torchs():
    optimizer = sgd(0.1)
    for group in optimizer.param_groups:
        group["initial_lr"] = 0.1
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, last_epoch=4)
    assert scheduler.position == 5
    assert scheduler.get_last_lr() == planned(0.1, 6)[5:]
