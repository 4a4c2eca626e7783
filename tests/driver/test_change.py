"""A checkpoint and code that disagree: each difference by name, and three ways to go on."""

import copy
import json

import pytest
import torch

import rheostat as rh
from driver.loops import sgd
from rheostat.driver.state import sealed
from rheostat.errors import ResumeMismatch

RUN = rh.Run(steps=40)
SPEC = "warmup('4 steps') >> cosine(end=0.1)"
SHAPES = [
    SPEC,
    "linear()",
    "constant()",
    "step(every='15 steps', factor=0.1)",
    "multistep(at=['10 steps', '30 steps'], factor=0.3)",
    "exponential(factor=0.9, every='1 steps')",
    "polynomial(power=2)",
    "inverse_sqrt('5 steps')",
    "rex(end=0.05)",
    "wsd(warmup='10%', cooldown='25%')",
    "one_cycle()",
    "cyclic(low=0.1, up='6 steps')",
    "cosine_restarts(period='9 steps', growth=2, end=0.05)",
    "piecewise([('0 steps', 0.2), ('12 steps', 1.0), ('100%', 0.3)])",
    "cosine(end=absolute(0.0001))",
    "warmup('30%') * linear() * plateau(factor=0.5, patience=0)",
]


def trained(spec, n, run=RUN, lrs=(0.1, 0.03), **options):
    optimizer = sgd(*lrs)
    scheduler = rh.Scheduler(optimizer, spec, run, **options)
    go(optimizer, scheduler, n)
    return optimizer, scheduler


def go(optimizer, scheduler, n):
    for _ in range(n):
        if scheduler.curve.controls:
            scheduler.report(1.0)  # never better: each report after the first cuts
        optimizer.step()
        scheduler.step()


def saved(spec, n, **options):
    _optimizer, scheduler = trained(spec, n, **options)
    return json.loads(json.dumps(scheduler.state_dict())), scheduler.get_last_lr()


def test_every_difference_is_named_with_both_values_and_nothing_is_changed():
    state, _ = saved(SPEC, 10)
    _optimizer, scheduler = trained("linear()", 0, run=rh.Run(steps=50), lrs=(0.2, 0.03, 0.01))
    before = scheduler.state_dict(), scheduler.get_last_lr()
    with pytest.raises(ResumeMismatch) as caught:
        scheduler.load_state_dict(state)
    for line in (
        "run: saved Run(steps=40), now Run(steps=50)",
        "group 0, lr: base value: saved 0.1, now 0.2",
        f"group 0, lr: schedule: saved {SPEC}, now linear()",
        f"group 1, lr: schedule: saved {SPEC}, now linear()",
        "group 2, lr: only now",
        'on_change="keep"',
        '"rebase"',
    ):
        assert line in str(caught.value)
    assert (scheduler.state_dict(), scheduler.get_last_lr()) == before


@pytest.mark.parametrize("other", SHAPES)
def test_keep_goes_on_as_saved(other):
    state, _ = saved(SPEC, 10)
    expected, scheduler = trained(SPEC, 40)
    optimizer, scheduler = trained(other, 0, run=rh.Run(steps=60), lrs=(0.5, 0.1))
    scheduler.load_state_dict(state, on_change="keep")
    go(optimizer, scheduler, 30)
    assert optimizer.used == expected.used[10:]
    assert scheduler.run == RUN
    assert scheduler.changes


@pytest.mark.parametrize("other", SHAPES)
def test_adopt_uses_what_the_code_says_from_the_place_reached(other):
    state, _ = saved(SPEC, 10)
    optimizer, scheduler = trained(other, 0, run=rh.Run(steps=60), lrs=(0.5, 0.1))
    scheduler.load_state_dict(state, on_change="adopt")
    for group, base in zip(optimizer.param_groups, (0.5, 0.1), strict=True):
        assert group["lr"] == rh.parse(other).over(rh.Run(steps=60), base=base).at(10)


@pytest.mark.parametrize("n", [0, 3, 10, 33, 40])
@pytest.mark.parametrize("other", SHAPES)
@pytest.mark.parametrize("spec", [SPEC, "constant() * plateau(factor=0.5, patience=0)"])
def test_rebase_starts_at_the_value_in_force_and_reaches_the_new_end(spec, other, n):
    run = rh.Run(steps=60)
    state, before = saved(spec, n)
    _optimizer, scheduler = trained(other, 0, run=run, lrs=(0.5, 0.1))
    scheduler.load_state_dict(state, on_change="rebase")
    assert scheduler.get_last_lr() == pytest.approx(before, rel=1e-14)
    if "plateau" not in other:
        for entry, base in zip(scheduler.entries, (0.5, 0.1), strict=True):
            end = entry.schedule.over(run, base=base).at(60)
            assert end == pytest.approx(rh.parse(other).over(run, base=base).at(60), rel=1e-9, abs=1e-12)


def test_rebase_with_nothing_changed_changes_nothing():
    state, _ = saved(SPEC, 10)
    expected, _ = trained(SPEC, 40)
    optimizer, scheduler = trained(SPEC, 0)
    scheduler.load_state_dict(state, on_change="rebase")
    go(optimizer, scheduler, 30)
    assert optimizer.used == expected.used[10:]
    assert scheduler.changes == []


def test_a_plateau_keeps_its_state_where_the_new_schedule_has_one_too():
    spec = "linear() * plateau(factor=0.5, patience=0)"
    state, before = saved(spec, 10)
    _optimizer, scheduler = trained(spec, 0, run=rh.Run(steps=80))
    scheduler.load_state_dict(state, on_change="rebase")
    assert scheduler.get_last_lr() == pytest.approx(before, rel=1e-14)
    scheduler.report(1.0)
    assert scheduler.get_last_lr() == pytest.approx([lr / 2 for lr in before], rel=1e-14)


def test_what_was_rebased_is_saved_and_resumed_without_a_question():
    state, _ = saved(SPEC, 10)
    optimizer, scheduler = trained("linear(end=0.2)", 0, run=rh.Run(steps=60))
    scheduler.load_state_dict(state, on_change="rebase")
    go(optimizer, scheduler, 5)
    again = json.loads(json.dumps(scheduler.state_dict()))
    resumed, scheduler2 = trained("linear(end=0.2)", 0, run=rh.Run(steps=60))
    scheduler2.load_state_dict(again)
    go(optimizer, scheduler, 40)
    go(resumed, scheduler2, 40)
    assert resumed.used == optimizer.used[5:]
    assert "rebase" in repr(scheduler2)


def test_what_was_kept_is_asked_about_again():
    state, _ = saved(SPEC, 10)
    _, scheduler = trained("linear()", 0)
    scheduler.load_state_dict(state, on_change="keep")
    _, again = trained("linear()", 0)
    with pytest.raises(ResumeMismatch, match="schedule: saved"):
        again.load_state_dict(scheduler.state_dict())


@pytest.mark.parametrize(
    ("before", "after", "position"),
    [
        (rh.Run(epochs=10, steps_per_epoch=20), rh.Run(epochs=10, steps_per_epoch=10), 25),
        (rh.Run(epochs=10, steps_per_epoch=20), rh.Run(epochs=20, steps_per_epoch=40), 100),
        (rh.Run(samples=6400, samples_per_step=32), rh.Run(samples=6400, samples_per_step=64), 25),
        (rh.Run(tokens=6400, tokens_per_step=32), rh.Run(tokens=6400, tokens_per_step=16), 100),
        (rh.Run(steps=200, samples_per_step=32), rh.Run(steps=200, samples_per_step=64), 50),
    ],
)
@pytest.mark.parametrize("how", ["adopt", "rebase"])
def test_another_batch_size_keeps_the_place_in_the_data(before, after, position, how):
    state, lrs = saved("linear()", 50, run=before)
    _, scheduler = trained("linear()", 0, run=after)
    scheduler.load_state_dict(state, on_change=how)
    assert scheduler.position == position
    if how == "rebase":
        assert scheduler.get_last_lr() == pytest.approx(lrs, rel=1e-14)


def test_the_constructor_can_say_it_for_frameworks_that_load():
    state, before = saved(SPEC, 10)
    _, scheduler = trained("linear()", 0, on_change="rebase")
    scheduler.load_state_dict(state)
    assert scheduler.get_last_lr() == pytest.approx(before, rel=1e-14)


def test_another_clock_cannot_be_mended():
    state, _ = saved(SPEC, 10)
    _, scheduler = trained(SPEC, 0, clock="calls")
    with pytest.raises(ResumeMismatch, match="clock: saved updates, now calls"):
        scheduler.load_state_dict(state, on_change="adopt")


def test_updates_and_wall_clock_cannot_be_converted():
    state, _ = saved(SPEC, 10)
    _, scheduler = trained("linear()", 0, run=rh.Run(time="1 h"))
    with pytest.raises(ResumeMismatch, match="counted in updates"):
        scheduler.load_state_dict(state, on_change="adopt")


@pytest.mark.parametrize("how", ["Keep", "kep", None, 3])
def test_a_choice_that_is_none_is_refused(how):
    with pytest.raises(rh.ScheduleError, match=r"on_change=.*one of 'stop', 'keep', 'adopt', 'rebase'"):
        trained(SPEC, 0, on_change=how)


def test_a_checkpoint_whose_text_is_no_schedule_is_refused_whole():
    state, _ = saved(SPEC, 10)
    state["drives"][0]["schedule"] = "__import__('os')"
    state = sealed(state)
    optimizer, scheduler = trained("linear()", 0)
    before = scheduler.state_dict(), copy.deepcopy(optimizer.param_groups[0]["lr"])
    with pytest.raises(rh.StateError, match="cannot be read"):
        scheduler.load_state_dict(state, on_change="keep")
    assert (scheduler.state_dict(), optimizer.param_groups[0]["lr"]) == before


def test_format_1_is_read():
    optimizer, scheduler = trained(SPEC, 10)
    new = scheduler.state_dict()
    added = ("asked_run", "written", "stepped", "checksum")
    old = {name: value for name, value in new.items() if name not in added} | {"rheostat": 1}
    old["entries"] = [{n: v for n, v in entry.items() if n != "asked"} for entry in new["entries"]]
    _resumed, scheduler2 = trained(SPEC, 0)
    scheduler2.load_state_dict(old)
    assert scheduler2.state_dict() == new
    assert torch.is_tensor(optimizer.param_groups[0]["params"][0])
