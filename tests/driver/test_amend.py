"""Longer, cooled down, branched: each goes on from the values in force, is saved, and is shown."""

import copy
import json

import pytest
import torch

import rheostat as rh
from driver.loops import sgd
from driver.test_change import SHAPES, go, trained

RUN = rh.Run(steps=40)
SPEC = "warmup('4 steps') >> cosine(end=0.1)"
TWO_KEYS = {"lr": SPEC, "momentum": "linear(end=0.5)"}


@pytest.mark.parametrize("n", [0, 3, 15, 39])
@pytest.mark.parametrize("spec", SHAPES)
def test_extending_goes_on_from_the_values_in_force_to_the_same_end(spec, n):
    optimizer, scheduler = trained(spec, n)
    before, longer = scheduler.get_last_lr(), rh.Run(steps=80)
    scheduler.extend(longer)
    assert scheduler.get_last_lr() == pytest.approx(before, rel=1e-14)
    if "plateau" not in spec:
        end = scheduler.curve.at(80)
        assert end == pytest.approx(rh.parse(spec).over(longer, base=0.1).at(80), rel=1e-9, abs=1e-12)
    go(optimizer, scheduler, 80 - n)  # a warning that the run is over would be an error
    assert scheduler.position == 80


def test_extending_a_held_schedule_only_moves_its_cooldown():
    _, scheduler = trained("wsd(warmup='2 steps', cooldown='10 steps')", 20)
    scheduler.extend(rh.Run(steps=100))
    assert (
        scheduler.curve.diff(rh.wsd(warmup="2 steps", cooldown="10 steps").over(rh.Run(steps=100), base=0.1)).at is None
    )


def test_extending_again_starts_from_the_schedule_that_was_asked_for():
    _, scheduler = trained(SPEC, 20)
    scheduler.extend(rh.Run(steps=60))
    before = scheduler.get_last_lr()
    scheduler.extend(rh.Run(steps=80))
    assert repr(scheduler).count("rebase") == 1
    assert scheduler.get_last_lr() == pytest.approx(before, rel=1e-14)


def test_extending_between_the_two_calls_leaves_what_was_used_to_be_seen():
    optimizer, scheduler = trained(SPEC, 20)
    optimizer.step()
    used = scheduler.get_last_lr()
    due = rh.parse(SPEC).over(RUN, base=0.1).at(21)
    scheduler.extend(rh.Run(steps=80))
    assert scheduler.get_last_lr() == used
    scheduler.step()
    assert scheduler.get_last_lr()[0] == pytest.approx(due, rel=1e-14)


def test_what_ended_at_0_before_the_longer_run_does_is_not_extended():
    optimizer, scheduler = trained("constant()", 20)
    scheduler.cooldown(over="8 steps", shape="linear")
    go(optimizer, scheduler, 2)
    before = scheduler.state_dict(), scheduler.get_last_lr()
    with pytest.raises(rh.ScheduleError, match=r"stays at 0 from 28 updates on\. Try scheduler\.cooldown"):
        scheduler.extend(rh.Run(steps=40))
    assert (scheduler.state_dict(), scheduler.get_last_lr()) == before
    scheduler.cooldown(over="18 steps", shape="linear")  # as it says
    assert scheduler.run == rh.Run(steps=40) and scheduler.curve.at(17) > 0  # counted from here
    _, scheduler = trained("linear(over='40 steps')", 20)
    with pytest.raises(rh.ScheduleError, match="stays at 0 from 40 updates on"):
        scheduler.extend(rh.Run(steps=60))


@pytest.mark.parametrize("shape", ["one_minus_sqrt", "linear", "cosine", "polynomial", "rex"])
@pytest.mark.parametrize("to", [0.0, 0.01, rh.absolute(1e-5)])
def test_a_cooldown_goes_from_the_values_in_force_to_its_end(shape, to):
    optimizer, scheduler = trained(SPEC, 20)
    before = scheduler.get_last_lr()
    scheduler.cooldown(over="8 steps", to=to, shape=shape)
    assert scheduler.get_last_lr() == before
    assert scheduler.run == rh.Run(steps=28)
    ends = [1e-5, 1e-5] if isinstance(to, type(rh.absolute(0.1))) else [to * 0.1, to * 0.03]
    for entry, end in zip(scheduler.entries, ends, strict=True):
        assert entry.schedule.over(rh.Run(steps=8), base=entry.base).at(8) == pytest.approx(end, rel=1e-14)
    go(optimizer, scheduler, 8)
    used = [lrs[0] for lrs in optimizer.used[20:]]
    assert used == sorted(used, reverse=True)
    with pytest.warns(rh.errors.PastEndWarning):
        go(optimizer, scheduler, 2)


def test_a_linear_cooldown_is_a_straight_line():
    optimizer, scheduler = trained("constant()", 10, run=None)
    scheduler.cooldown(over="4 steps", shape="linear")
    go(optimizer, scheduler, 4)
    assert [lrs[0] for lrs in optimizer.used[10:]] == pytest.approx([0.1, 0.075, 0.05, 0.025], rel=1e-14)


def test_a_share_is_one_of_the_present_run():
    _, scheduler = trained("constant()", 10)
    scheduler.cooldown(over="25%")
    assert scheduler.run == rh.Run(steps=20)


def test_the_other_keys_go_on_over_the_run_that_ends_with_the_cooldown():
    optimizer, scheduler = trained(TWO_KEYS, 20)
    before = optimizer.param_groups[0]["momentum"]
    scheduler.cooldown(over="10 steps")
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(before, rel=1e-14)
    go(optimizer, scheduler, 10)
    scheduler.write()
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.45, rel=1e-12)


def test_momentum_may_cool_down_alone():
    optimizer, scheduler = trained(TWO_KEYS, 20)
    scheduler.cooldown(over="10 steps", key="momentum", to=0.1)
    assert "one_minus_sqrt" in repr(scheduler)
    go(optimizer, scheduler, 10)
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.09, rel=1e-12)


def test_a_plateau_has_nothing_to_say_in_a_cooldown_but_may_be_told():
    _optimizer, scheduler = trained("constant() * plateau(factor=0.5, patience=0)", 5)
    before = scheduler.get_last_lr()
    scheduler.cooldown(over="5 steps")
    scheduler.report(3.0)
    assert scheduler.get_last_lr() == before


@pytest.mark.parametrize("how", ["extend", "cooldown", "both"])
@pytest.mark.parametrize("spec", [SPEC, "step(every='15 steps', factor=0.1)", "linear() * plateau(patience=0)"])
def test_it_is_saved_and_resumed_by_code_that_asks_for_what_it_asked_for(spec, how):
    optimizer, scheduler = trained(spec, 12)
    if how in ("extend", "both"):
        scheduler.extend(rh.Run(steps=70))
        go(optimizer, scheduler, 3)
    if how in ("cooldown", "both"):
        scheduler.cooldown(over="30 steps")
    go(optimizer, scheduler, 4)
    state = json.loads(json.dumps(scheduler.state_dict()))
    resumed, scheduler2 = trained(spec, 0)
    scheduler2.load_state_dict(state)
    assert repr(scheduler2) == repr(scheduler)
    assert scheduler2.get_last_lr() == scheduler.get_last_lr()
    done = len(optimizer.used)
    go(optimizer, scheduler, 20)
    go(resumed, scheduler2, 20)
    assert resumed.used == optimizer.used[done:]


def test_code_that_now_says_the_longer_run_is_no_change_either():
    _, scheduler = trained(SPEC, 12)
    scheduler.extend(rh.Run(steps=70))
    _, again = trained(SPEC, 0, run=rh.Run(steps=70))
    again.load_state_dict(scheduler.state_dict())
    assert again.get_last_lr() == scheduler.get_last_lr()


def test_a_branch_cools_down_while_the_trunk_goes_on():
    optimizer, trunk = trained("constant() * plateau(factor=0.5, patience=1)", 10)
    copied = copy.deepcopy(optimizer)
    copied.used = list(optimizer.used)
    branch = trunk.branch(copied)
    branch.cooldown(over="5 steps", shape="linear")
    go(copied, branch, 5)
    expected, alone = trained("constant() * plateau(factor=0.5, patience=1)", 10)
    go(optimizer, trunk, 10)
    go(expected, alone, 10)
    assert optimizer.used == expected.used
    assert copied.used[10:] == [[pytest.approx(lr * k / 5) for lr in copied.used[10]] for k in (5, 4, 3, 2, 1)]
    assert (trunk.position, branch.position) == (20, 15)


def test_the_trunk_can_be_come_back_to_with_the_same_optimizer():
    optimizer, scheduler = trained(SPEC, 10)
    state = scheduler.state_dict()
    scheduler.cooldown(over="5 steps")
    go(optimizer, scheduler, 5)
    scheduler.load_state_dict(state)
    expected, _ = trained(SPEC, 20)
    go(optimizer, scheduler, 10)
    assert optimizer.used[15:] == expected.used[10:]


def test_of_a_timed_run():
    now = [0.0]
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(time="100 s"), timer=lambda: now[0])
    for t in range(50):
        now[0] = float(t)
        optimizer.step()
        scheduler.step()
    scheduler.extend(rh.Run(time="200 s"))
    assert scheduler.get_last_lr() == [pytest.approx(0.051, rel=1e-9)]
    scheduler.cooldown(over="10 s", shape="linear")
    now[0] = 54.0
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [pytest.approx(0.051 / 2, rel=1e-9)]


def test_on_epochs():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(epochs=10), clock="epochs")
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    scheduler.extend(rh.Run(epochs=15))
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [pytest.approx(0.045, rel=1e-12)]
    scheduler.cooldown(over="2 epochs")
    assert scheduler.run == rh.Run(epochs=8)


def test_tensor_values_are_amended_in_place():
    lr = torch.tensor(0.1, dtype=torch.float64)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(steps=10))
    held = optimizer.param_groups[0]["lr"]
    scheduler.cooldown(over="4 steps", shape="linear")
    optimizer.step()
    scheduler.step()
    assert held.item() == pytest.approx(0.075, rel=1e-14)
    assert optimizer.param_groups[0]["lr"] is held


def other():
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(n))]} for n in (2, 5)], lr=0.1)


BAD = [
    (lambda s, o: s.extend(rh.Run(steps=5)), "run=Run(steps=5): need an end after the present position, 10 updates"),
    (lambda s, o: s.extend(rh.Run(time="1 h")), "need a run on the same axis, updates"),
    (lambda s, o: s.extend(100), "run=100: need a Run. Try rh.Run(steps=100)."),
    (lambda s, o: s.cooldown(over=100), "over=100: need a length with a unit. Try '100 steps'"),
    (lambda s, o: s.cooldown(over="2 epochs"), "need steps_per_epoch in the Run"),
    (lambda s, o: s.cooldown(over="3 steps", to=2.0), "to=2.0: need at most what is in force, lr of group 0 = 0.1"),
    (lambda s, o: s.cooldown(over="3 steps", to=-1), "to=-1: need a finite number ≥ 0"),
    (lambda s, o: s.cooldown(over="3 steps", shape="sqrt"), "shape='sqrt': need one of 'one_minus_sqrt'"),
    (lambda s, o: s.cooldown(over="3 steps", key="mom"), "key='mom': need a scheduled key: lr"),
    (lambda s, o: s.branch(), "needs the optimizer that the branch trains with"),
    (lambda s, o: s.branch(o), "this is the trunk's own optimizer"),
    (lambda s, o: s.branch(sgd(0.1)), "has [1] groups; the trunk's has [2]"),
    (lambda s, o: s.branch(other()), "trains parameters of other shapes than the trunk's"),
    (lambda s, o: s.branch(3), "need a torch.optim.Optimizer"),
]


@pytest.mark.parametrize(("bad", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_refused_and_changes_nothing(bad, message):
    optimizer, scheduler = trained("constant()", 10)
    before = scheduler.state_dict(), scheduler.get_last_lr(), repr(scheduler)
    with pytest.raises((rh.ScheduleError, rh.SchedulerError)) as caught:
        bad(scheduler, optimizer)
    assert message in str(caught.value)
    assert (scheduler.state_dict(), scheduler.get_last_lr(), repr(scheduler)) == before
