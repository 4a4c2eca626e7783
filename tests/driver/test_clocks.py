"""The other clocks, late groups on each of them, copies, and what is refused while training goes on."""

import copy
import pickle

import pytest
import torch

import rheostat as rh
from driver.loops import RUN, SPEC, parameter, planned, sgd

CUT = "constant() * plateau(factor=0.5, patience=0)"


class Timer:
    now = 0.0

    def __call__(self):
        return self.now


def late(lr=0.5):
    return {"params": [parameter()], "lr": lr}


@pytest.mark.parametrize("by", ["optimizer", "scheduler"])
def test_clock_calls_takes_late_groups_in(by):
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, clock="calls")
    for t in range(20):
        if t == 7:
            (optimizer if by == "optimizer" else scheduler).add_param_group(late())
        optimizer.step()
        scheduler.step()
    assert [used[0] for used in optimizer.used] == planned(0.1, 20)
    assert [used[1] for used in optimizer.used[8:]] == planned(0.5, 20)[8:]


def test_a_late_schedule_of_its_own_by_epochs():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(epochs=10, steps_per_epoch=1), clock="epochs")
    for epoch in range(10):
        if epoch == 4:
            scheduler.add_param_group(late(), schedule="linear()")
        optimizer.step()
        scheduler.step()
    own = planned(0.5, 6, "linear()", rh.Run(steps=6))
    assert [used[1] for used in optimizer.used[4:]] == pytest.approx(own, rel=1e-12)


def test_a_late_schedule_of_its_own_by_the_clock():
    timer = Timer()
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(time="100 s"), timer=timer)
    for t in range(100):
        timer.now = float(t)
        if t == 60:
            scheduler.add_param_group(late(), schedule="linear()")
        optimizer.step()
    assert [used[0] for used in optimizer.used[1:]] == pytest.approx([0.1 * (1 - t / 100) for t in range(1, 100)])
    assert [used[1] for used in optimizer.used[61:]] == pytest.approx([0.5 * (1 - t / 40) for t in range(1, 40)])
    resumed = rh.Scheduler(sgd(0.1), "linear()", rh.Run(time="100 s"), timer=timer)
    resumed.add_param_group(late(), schedule="linear()")
    resumed.load_state_dict(scheduler.state_dict())
    assert resumed.get_last_lr() == pytest.approx([0.1 * 0.01, 0.5 * 0.025])


def test_the_last_update_of_a_wall_clock_run_may_end_late():
    timer = Timer()
    scheduler = rh.Scheduler(optimizer := sgd(0.1), "linear()", rh.Run(time="10 s"), timer=timer)
    while timer.now < 10:
        timer.now += 0.7
        optimizer.step()
        scheduler.step()  # warnings are errors
    assert scheduler.get_last_lr() == scheduler.get_lr() == [0.0]


def test_a_report_after_the_last_update_of_a_wall_clock_run_is_no_further_update():
    timer = Timer()
    scheduler = rh.Scheduler(optimizer := sgd(0.1), CUT, rh.Run(time="10 s"), timer=timer)
    timer.now = 10.0
    optimizer.step()
    for metric in (1.0, 2.0):
        scheduler.step(metric)
    assert scheduler.get_last_lr() == [0.05]


@pytest.mark.parametrize("due", [False, True])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_scheduler_is_copied_with_an_optimizer_of_its_own(copied, due):
    optimizer = torch.optim.AdamW([parameter()], lr=0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    if due:
        optimizer.step()
    twin = copied(scheduler)
    assert twin.optimizer is not optimizer
    assert twin.get_last_lr() == scheduler.get_last_lr() == [planned(0.1, 20)[4]]
    used = []
    twin.optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    for _ in range(4):
        twin.optimizer.step()
        twin.step()
    assert used == planned(0.1, 20)[4 + due : 8 + due]
    assert (scheduler.position, twin.position) == (4 + due, 8 + due)


def test_last_epoch_is_read_and_may_only_say_what_is_so():
    scheduler = rh.Scheduler(sgd(0.1), SPEC, RUN)
    scheduler.last_epoch += 1  # ignite; the update itself will count
    assert scheduler.last_epoch == scheduler.position == 0
    with pytest.raises(rh.SchedulerError, match="last_epoch=5: the position is counted"):
        scheduler.last_epoch = 5
    called = rh.Scheduler(sgd(0.1), SPEC, RUN, clock="calls")
    called.last_epoch += 1
    assert called.position == 1


def test_removed_groups_are_refused_by_name():
    optimizer = sgd(0.1, 0.2)
    rh.Scheduler(optimizer, SPEC, RUN)
    del optimizer.param_groups[1]
    with pytest.raises(rh.SchedulerError, match="optimizer 0 has 1 groups, 2 are scheduled"):
        optimizer.step()


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"momentun": "linear()"}, "schedule='momentun': need a key.* Try 'momentum'"),
        ({"lr": {"head": "linear()"}}, r"schedule\['lr'\]='head': need a group's name"),
        ("cosine", "cosine"),
        (rh.cosine(end=rh.absolute(1.0)), "in lr of group 1, base value 0.5"),
    ],
)
def test_a_late_schedule_that_does_not_fit_changes_nothing(schedule, message):
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    before, state = [dict(group) for group in optimizer.param_groups], scheduler.state_dict()
    with pytest.raises(rh.ScheduleError, match=message):
        scheduler.add_param_group(late(), schedule=schedule)
    assert [dict(group) for group in optimizer.param_groups] == before
    assert scheduler.state_dict() == state


@pytest.mark.parametrize(
    ("key", "cls", "options", "message"),
    [
        ("betas", torch.optim.AdamW, {}, r"group 0 betas=\(0.9, 0.999\): need a number to schedule. Try 'betas\[0\]'"),
        ("betas[2]", torch.optim.AdamW, {}, "schedule='betas.2.': need a key of the optimizer's groups"),
        (
            "nesterov",
            torch.optim.SGD,
            {"nesterov": True, "momentum": 0.9},
            "group 0 nesterov=True: need a finite number",
        ),
        ("momentum", torch.optim.AdamW, {}, "Try 'betas\\[0\\]' for the momentum of Adam"),
        ("lr", torch.optim.SGD, {"lr": torch.tensor([0.1, 0.2])}, "need one floating-point number"),
        ("lr", torch.optim.SGD, {"lr": float("inf")}, "group 0 lr=inf: need a finite number ≥ 0"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(key, cls, options, message):
    try:
        optimizer = cls([parameter()], **options)
    except ValueError:  # PyTorch does not build all of them
        optimizer = cls([parameter()])
        optimizer.param_groups[0].update(options)
    before = dict(optimizer.param_groups[0])
    with pytest.raises(rh.ScheduleError, match=message):
        rh.Scheduler(optimizer, {key: "linear()"}, RUN)
    assert dict(optimizer.param_groups[0]) == before


def test_repeats_of_a_report_do_not_count_though_it_is_nan():
    """A rank that took a repeated NaN for news would wait for the others for ever."""
    scheduler = rh.Scheduler(sgd(0.1), CUT, RUN)
    feedback = scheduler.feedback
    assert [feedback.repeated(3, m) for m in (0.5, 0.5, float("nan"), float("nan"), 0.5)] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert not feedback.repeated(4, 0.5)


@pytest.mark.parametrize("field", ["position", "elapsed"])
def test_a_position_out_of_all_range_is_refused(field):
    scheduler = rh.Scheduler(sgd(0.1), SPEC, RUN)
    with pytest.raises(rh.StateError, match=f"{field}.*at most 1e15"):
        scheduler.load_state_dict({**scheduler.state_dict(), field: 10**400})


def test_a_hand_set_value_between_two_schedulers_is_the_new_base():
    optimizer = sgd(0.1)
    rh.Scheduler(optimizer, SPEC, RUN)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.07
    with pytest.warns(rh.SecondSchedulerWarning) as caught:
        second = rh.Scheduler(optimizer, SPEC, RUN)
    assert second.base_lrs == [0.07]
    assert [w.filename for w in caught] == [__file__]
