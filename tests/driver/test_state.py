"""A checkpoint brings everything back, in whichever order; what does not belong is refused."""

import copy
import io
import json

import pytest
import torch

import rheostat as rh
from driver.loops import RUN, planned, sgd

SPECS = [
    "warmup('4 steps') >> cosine(end=0.1)",
    "step(every='1 epochs', factor=0.5)",
    "wsd(warmup='2 steps', cooldown='40%')",
    "one_cycle()",
    "cosine_restarts(period='3 steps', growth=2, decay=0.5)",
    "cyclic(low=0.1, up='3 steps') * exponential(factor=0.9, every='1 epochs')",
    "inverse_sqrt('4 steps').clip(min=0.5)",
    "linear().repeat(4)",
    "warmup('20%') >> constant() * plateau(factor=0.5, patience=0)",
]
METRICS = [3.0, 2.0, 2.5, 2.5, float("nan"), 1.0, 1.5, 1.5, 1.5, 0.5] * 2


def run_on(optimizer, scheduler, n):
    for _ in range(n):
        if scheduler.curve.controls:
            scheduler.report(METRICS[scheduler.position])
        optimizer.step()
        scheduler.step()


def uninterrupted(spec):
    optimizer = sgd(0.1, 0.03)
    run_on(optimizer, rh.Scheduler(optimizer, spec, RUN), 20)
    return optimizer.used


def through_json(state):
    return json.loads(json.dumps(state))


def through_torch(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def optimizer_first(spec, state, optimizer_state):
    optimizer = sgd(0.1, 0.03)
    optimizer.load_state_dict(optimizer_state)
    scheduler = rh.Scheduler(optimizer, spec, RUN)
    scheduler.load_state_dict(state)
    return optimizer, scheduler


def scheduler_then_optimizer(spec, state, optimizer_state):
    optimizer = sgd(0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, spec, RUN)
    scheduler.load_state_dict(state)
    optimizer.load_state_dict(optimizer_state)
    return optimizer, scheduler


def optimizer_then_scheduler(spec, state, optimizer_state):
    optimizer = sgd(0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, spec, RUN)
    optimizer.load_state_dict(optimizer_state)
    scheduler.load_state_dict(state)
    return optimizer, scheduler


def scheduler_only(spec, state, optimizer_state):
    optimizer = sgd(0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, spec, RUN)
    scheduler.load_state_dict(state)
    return optimizer, scheduler


ORDERS = [optimizer_first, scheduler_then_optimizer, optimizer_then_scheduler, scheduler_only]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("order", ORDERS)
def test_resuming_at_every_update_equals_not_having_stopped(spec, order):
    expected = uninterrupted(spec)
    optimizer = sgd(0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, spec, RUN)
    for stop in range(20):
        through = through_json if stop % 2 else through_torch
        saved, optimizer_saved = through(scheduler.state_dict()), copy.deepcopy(optimizer.state_dict())
        resumed, scheduler2 = order(spec, saved, optimizer_saved)
        if "plateau" not in spec:  # whose next value waits for the next report
            assert [group["lr"] for group in resumed.param_groups] == expected[stop]
        run_on(resumed, scheduler2, 20 - stop)
        assert resumed.used == expected[stop:]
        run_on(optimizer, scheduler, 1)


def test_saving_between_the_two_calls_loses_nothing():
    optimizer = sgd(0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, SPECS[0], RUN)
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    optimizer.step()
    resumed, scheduler2 = scheduler_then_optimizer(SPECS[0], scheduler.state_dict(), optimizer.state_dict())
    run_on(resumed, scheduler2, 14)
    assert resumed.used == uninterrupted(SPECS[0])[6:]


def test_loading_the_optimizer_in_the_middle_keeps_the_schedule():
    optimizer = sgd(0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, SPECS[0], RUN)
    for t in range(20):
        if t % 3 == 0:
            optimizer.load_state_dict(optimizer.state_dict())
        optimizer.step()
        if t % 2:
            scheduler.step()
    assert optimizer.used == uninterrupted(SPECS[0])


def test_a_late_group_is_counted_from_where_it_joined_after_resuming_too():
    own = "warmup('2 steps') >> linear()"
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPECS[0], RUN)
    run_on(optimizer, scheduler, 7)
    scheduler.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.5}, schedule=own)
    run_on(optimizer, scheduler, 3)
    resumed = sgd(0.1)
    scheduler2 = rh.Scheduler(resumed, SPECS[0], RUN)
    scheduler2.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.5}, schedule=own)
    scheduler2.load_state_dict(scheduler.state_dict())
    run_on(resumed, scheduler2, 10)
    run_on(optimizer, scheduler, 10)
    assert resumed.used == optimizer.used[10:]
    assert [used[1] for used in optimizer.used[7:]] == planned(0.5, 13, own, rh.Run(steps=13))


@pytest.mark.parametrize(
    ("build", "difference"),
    [
        (
            lambda o: rh.Scheduler(o, "linear()", RUN),
            "group 0, lr: schedule: saved warmup('4 steps') >> cosine(end=0.1), now linear()",
        ),
        (
            lambda o: rh.Scheduler(o, SPECS[0], rh.Run(steps=30)),
            "run: saved Run(steps=20, steps_per_epoch=5), now Run(steps=30)",
        ),
        (lambda o: rh.Scheduler(o, SPECS[0], RUN, clock="calls"), "clock: saved updates, now calls"),
        (lambda o: rh.Scheduler(o, {"lr": SPECS[0], "momentum": "constant()"}, RUN), "group 0, momentum: only now"),
    ],
)
def test_another_configuration_is_refused_with_both_values(build, difference):
    scheduler = rh.Scheduler(sgd(0.1), SPECS[0], RUN)
    optimizer = sgd(0.1)
    other = build(optimizer)
    before = [dict(group) for group in optimizer.param_groups]
    with pytest.raises(rh.ResumeMismatch) as caught:
        other.load_state_dict(scheduler.state_dict())
    assert difference in str(caught.value)
    assert [dict(group) for group in optimizer.param_groups] == before


def test_another_base_value_or_number_of_groups_is_refused():
    state = rh.Scheduler(sgd(0.1), SPECS[0], RUN).state_dict()
    with pytest.raises(rh.ResumeMismatch, match="base value: saved 0.1, now 0.2"):
        rh.Scheduler(sgd(0.2), SPECS[0], RUN).load_state_dict(state)
    with pytest.raises(rh.ResumeMismatch, match="group 1, lr: only now"):
        rh.Scheduler(sgd(0.1, 0.1), SPECS[0], RUN).load_state_dict(state)


def _damaged():
    sound = rh.Scheduler(sgd(0.1), SPECS[-1], RUN).state_dict()
    yield {}
    yield None
    yield []
    yield torch.optim.lr_scheduler.StepLR(sgd(0.1), 3).state_dict()
    for name in sound:
        yield {k: v for k, v in sound.items() if k != name}
        for bad in (None, "x", float("nan"), -1, True, [1], [{}]):
            if sound[name] != bad:
                yield {**sound, name: bad}
    yield {**sound, "extra": 1}
    for field, bad in [("best", float("inf")), ("best", "low"), ("bad", -1), ("cuts", 1.5), ("resting", None)]:
        broken = copy.deepcopy(sound)
        broken["drives"][0]["metrics"][0][field] = bad
        yield broken


@pytest.mark.parametrize("state", list(_damaged()), ids=lambda s: str(s)[:40])
def test_what_is_no_sound_state_is_refused_and_nothing_changes(state):
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPECS[-1], RUN)
    before, held = scheduler.state_dict(), optimizer.param_groups[0]["lr"]
    with pytest.raises(rh.StateError):
        scheduler.load_state_dict(state)
    assert scheduler.state_dict() == before
    assert optimizer.param_groups[0]["lr"] == held


class Watch:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_wall_clock_run_follows_the_time_and_lands():
    watch = Watch()
    optimizer = sgd(0.1)
    run = rh.Run(time="10 s")
    scheduler = rh.Scheduler(optimizer, "linear()", run, timer=watch)
    seen = []
    for now in (0, 1, 2.5, 2.0, 2.0, 7.5, 9.0):
        watch.now = now
        scheduler.step()
        optimizer.step()
        seen.append(optimizer.used[-1][0])
    assert seen == sorted(seen, reverse=True)
    assert seen[0] == 0.1
    scheduler.step()  # else the next update's values are written just before it, and it would not be one in time
    saved = scheduler.state_dict()

    watch2 = Watch()
    watch2.now = 1000.0  # another machine, another clock; the time between does not count
    optimizer2 = sgd(0.1)
    scheduler2 = rh.Scheduler(optimizer2, "linear()", run, timer=watch2)
    scheduler2.load_state_dict(saved)
    assert optimizer2.param_groups[0]["lr"] <= seen[-1]
    watch2.now += 60.0
    optimizer2.step()  # begun in time: the last update may take a little longer
    scheduler2.step()
    assert optimizer2.param_groups[0]["lr"] == 0.0
    with pytest.warns(rh.PastEndWarning):
        optimizer2.step()
        scheduler2.step()
    assert optimizer2.param_groups[0]["lr"] == 0.0
