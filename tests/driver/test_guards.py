"""What looks wrong is said once, at the user's line, with what was seen, what follows and the mend; or raised."""

import copy
import re
import subprocess
import sys
import warnings

import pytest
import torch

import rheostat as rh
from driver.loops import parameter, sgd
from rheostat import errors

RUN = rh.Run(steps=200, steps_per_epoch=20)
SPEC = "warmup('4 steps') >> cosine(end=0.1)"


def heard(loop, *args, **options):
    """The warnings of a loop: (category, message, file)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loop(*args, **options)
    return [(w.category, str(w.message), w.filename) for w in caught]


def scheduled(clock="updates", run=RUN, **options):
    optimizer = sgd(0.1)
    return optimizer, rh.Scheduler(optimizer, SPEC, run, clock=clock, **options)


# Wrong loops: each says which mistake it is, once


def scheduler_first(clock, n=10):
    optimizer, scheduler = scheduled(clock)
    for _ in range(n):
        scheduler.step()
        optimizer.step()


def once_a_micro_batch(clock, k=4, n=5):
    optimizer, scheduler = scheduled(clock)
    for batch in range(1, k * n + 1):
        if batch % k == 0:
            optimizer.step()
        scheduler.step()


def once_a_process(clock, processes=2, n=5):
    optimizer, scheduler = scheduled(clock)
    for _ in range(n):
        optimizer.step()
        for _ in range(processes):
            scheduler.step()


def once_an_epoch(clock, epochs=4, n=20, run=RUN):
    optimizer, scheduler = scheduled(clock, run)
    for _ in range(epochs):
        for _ in range(n):
            optimizer.step()
        scheduler.step()


def once_an_update(clock, n=10):
    optimizer, scheduler = scheduled(clock)
    for _ in range(n):
        optimizer.step()
        scheduler.step()


def never(clock, n=60):
    optimizer, _scheduler = scheduled(clock)
    for _ in range(n):
        optimizer.step()


def with_a_skipped_update(clock, n=10):
    optimizer, scheduler = scheduled(clock)
    for t in range(n):
        if t != 5:  # as GradScaler.step does where a gradient is not finite
            optimizer.step()
        scheduler.step()


def with_a_skipped_fused_update(clock, n=10):
    optimizer = sgd(0.1, fused=True)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, clock=clock)
    for t in range(n):
        optimizer.found_inf = torch.tensor(float(t == 5))  # hooks fire, and the weights stay
        optimizer.step()
        del optimizer.found_inf
        scheduler.step()


WRONG = [
    (scheduler_first, "calls", errors.OrderWarning, "called before the first update of the optimizer"),
    (once_a_micro_batch, "calls", errors.CadenceWarning, "called 4 times between two updates"),
    (once_a_process, "calls", errors.CadenceWarning, "called 2 times between two updates"),
    (with_a_skipped_update, "calls", errors.CadenceWarning, "an update that mixed precision skipped"),
    (with_a_skipped_fused_update, "calls", errors.CadenceWarning, "an update that mixed precision skipped"),
    (once_an_epoch, "calls", errors.CadenceWarning, "makes 20 updates for each scheduler.step()"),
    (never, "calls", errors.NotCalledWarning, "has made 21 updates, and scheduler.step() was never called"),
    (once_an_update, "epochs", errors.CadenceWarning, "20 times too fast"),
    (never, "epochs", errors.NotCalledWarning, "has made 41 updates"),
    (once_a_process, "epochs", errors.CadenceWarning, "each call ends an epoch, so the schedule runs ahead"),
]


@pytest.mark.parametrize(("loop", "clock", "category", "message"), WRONG)
def test_a_wrong_loop_is_told_which_mistake_it_is_once_at_its_line(loop, clock, category, message):
    ((kind, text, file),) = heard(loop, clock)
    assert kind is category
    assert message in text
    assert re.search(r"Try .*clock=\"updates\"", text)
    assert file == __file__


@pytest.mark.parametrize(("loop", "clock", "category", "message"), WRONG)
def test_the_same_loop_is_right_with_the_default_clock(loop, clock, category, message):
    assert heard(loop, "updates") == []


def test_an_epoch_that_is_not_as_long_as_declared():
    for clock, epochs in (("updates", 3), ("epochs", 2)):
        run = rh.Run(epochs=10, steps_per_epoch=30)
        ((kind, text, _),) = heard(once_an_epoch, clock, epochs, run=run)
        assert kind is errors.CadenceWarning
        assert "every 20 updates" in text
        assert "steps_per_epoch=30" in text
        assert "steps_per_epoch=20" in text


@pytest.mark.parametrize("clock", ["updates", "calls"])
def test_strict_raises_instead(clock):
    optimizer, scheduler = scheduled(clock, strict=True)
    optimizer.step()
    scheduler.step()
    optimizer.param_groups[0]["lr"] = 7.0
    with pytest.raises(rh.SchedulerError, match=r"lr of group 0 was set to 7 by somebody else"):
        for _ in range(2):
            optimizer.step()
            scheduler.step()


# Right loops say nothing


def accumulating(clock):
    optimizer, scheduler = scheduled(clock)
    for batch in range(40):
        if batch % 4 == 3:
            optimizer.step()
            if clock == "calls":
                scheduler.step()
        if clock == "updates":
            scheduler.step()


def adversarial(clock, critics=5):
    """Two schedulers, and one optimizer that steps more often than the other."""
    (first, one), (second, two) = scheduled(clock), scheduled(clock)
    for _ in range(8):
        for _ in range(critics):
            first.step()
            one.step()
        second.step()
        two.step()


def adversarial_on_one_clock(clock, critics=5):
    first, second = sgd(0.1), sgd(0.1)
    scheduler = rh.Scheduler([first, second], SPEC, RUN, clock=clock)
    for _ in range(8):
        for _ in range(critics):
            first.step()
        second.step()
        scheduler.step()


def with_a_closure(clock):
    p = parameter()
    optimizer = torch.optim.LBFGS([p], lr=0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, clock=clock)

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    for _ in range(10):
        optimizer.step(closure)
        scheduler.step()


def a_subclass_that_calls_its_parent(clock):
    class Child(torch.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    torch.optim.SGD([parameter()], lr=0.1)  # from now on the parent's own step has hooks as well
    optimizer = Child([parameter()], lr=0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, clock=clock)
    for _ in range(10):
        optimizer.step()
        scheduler.step()


def epochs_of_another_length(clock):
    optimizer, scheduler = scheduled(clock)
    for n in (20, 20, 19, 20, 3):
        for _ in range(n):
            optimizer.step()
            if clock != "epochs":
                scheduler.step()
        if clock == "epochs":
            scheduler.step()


def fast_forwarded(clock):
    optimizer, scheduler = scheduled(clock)
    for _ in range(7):
        scheduler.step()
    for _ in range(5):
        optimizer.step()
        scheduler.step()


def captured(clock):
    """Three updates before a graph is captured, the capture, and replays that no hook hears of."""
    optimizer, scheduler = scheduled(clock)
    for _ in range(4):
        optimizer.step()
    for _ in range(20):
        scheduler.step()


RIGHT = [
    (accumulating, "calls"),
    (accumulating, "updates"),
    (adversarial, "calls"),
    (adversarial, "updates"),
    (adversarial_on_one_clock, "calls"),
    (adversarial_on_one_clock, "updates"),
    (with_a_closure, "calls"),
    (with_a_closure, "updates"),
    (a_subclass_that_calls_its_parent, "calls"),
    (a_subclass_that_calls_its_parent, "updates"),
    (epochs_of_another_length, "calls"),
    (epochs_of_another_length, "updates"),
    (epochs_of_another_length, "epochs"),
    (fast_forwarded, "calls"),
    (captured, "calls"),
    (once_an_epoch, "updates"),
    (once_an_epoch, "epochs"),
    (once_an_update, "calls"),
]


@pytest.mark.parametrize(("loop", "clock"), RIGHT)
def test_a_right_loop_is_left_alone(loop, clock):
    assert heard(loop, clock) == []


# Values that somebody else writes


@pytest.mark.parametrize("tensor", [False, True])
def test_a_foreign_value_is_told_by_how_much_and_written_over(tensor):
    optimizer = sgd(torch.tensor(0.1, dtype=torch.float64) if tensor else 0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, "constant()", RUN)
    optimizer.step()
    scheduler.step()
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()  # uses what it found: nothing was due
    with pytest.warns(errors.OverwrittenWarning, match=r"lr of group 0 was set to 0\.25 .* 0\.1, 2\.5 times as much"):
        scheduler.step()
    optimizer.step()
    assert [used[0] for used in optimizer.used] == [0.1, 0.25, 0.1]


@pytest.mark.parametrize("tensor", [False, True])
def test_a_schedule_that_yields_leaves_the_value_alone_from_then_on(tensor):
    optimizer = sgd(torch.tensor(0.1, dtype=torch.float64) if tensor else 0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, "linear()", RUN, on_overwrite="yield")
    with pytest.warns(errors.OverwrittenWarning, match="leaves this value alone"):
        for t in range(10):
            if t == 5:
                optimizer.param_groups[0]["lr"] = torch.tensor(0.25) if tensor else 0.25
            optimizer.step()
            scheduler.step()
    plan = rh.linear().over(RUN, base=0.03)
    assert [used[0] for used in optimizer.used[5:]] == [0.25] * 5
    assert [used[1] for used in optimizer.used] == pytest.approx(plan.values(0, 10).tolist(), rel=1e-15)
    assert "constant()" in repr(scheduler)


def test_what_was_yielded_is_saved():
    optimizer, scheduler = scheduled(on_overwrite="yield")
    optimizer.param_groups[0]["lr"] = 0.25
    with pytest.warns(errors.OverwrittenWarning):
        optimizer.step(), scheduler.step()
    resumed, again = scheduled()
    again.load_state_dict(scheduler.state_dict())
    assert again.get_last_lr() == [0.25]
    assert resumed.param_groups[0]["initial_lr"] == 0.1


# An optimizer that was restored, and a schedule that was not


def trained(steps, kind=torch.optim.AdamW, **options):
    p = parameter()
    optimizer = kind([p], lr=0.1, **options)
    for _ in range(steps):
        optimizer.step()
    return p, optimizer


@pytest.mark.parametrize("options", [{}, {"foreach": True}, {"fused": True}])
@pytest.mark.parametrize("clock", ["updates", "calls"])
def test_a_forgotten_restore_is_noticed_at_the_first_update(clock, options):
    _, before = trained(50, **options)
    optimizer = torch.optim.AdamW([parameter()], lr=0.1, **options)
    optimizer.load_state_dict(before.state_dict())
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, clock=clock)
    with pytest.warns(
        errors.ForgottenRestoreWarning, match=r"made 50 updates.*load_state_dict forgotten.*last_epoch=49"
    ):
        optimizer.step()
    scheduler.step()
    optimizer.step()


def test_also_where_the_optimizer_is_restored_after_the_scheduler_was_made():
    _, before = trained(50)
    optimizer = torch.optim.AdamW([parameter()], lr=0.1)
    rh.Scheduler(optimizer, SPEC, RUN)
    optimizer.load_state_dict(before.state_dict())
    with pytest.warns(errors.ForgottenRestoreWarning):
        optimizer.step()


def restored_both(clock):
    _, before = trained(5)
    old = rh.Scheduler(before, SPEC, RUN, clock=clock)
    before.step(), old.step()
    optimizer = torch.optim.AdamW([parameter()], lr=0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, clock=clock)
    scheduler.load_state_dict(old.state_dict())
    optimizer.load_state_dict(before.state_dict())
    optimizer.step()


def a_second_phase(clock):
    """The optimizer has really made its updates in this process."""
    _, optimizer = trained(50)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, clock=clock)
    optimizer.step(), scheduler.step()
    scheduler.close()
    rh.Scheduler(optimizer, SPEC, RUN, clock=clock)
    optimizer.step()


def placed_by_hand(clock):
    _, before = trained(50)
    optimizer = torch.optim.AdamW([parameter()], lr=0.1)
    optimizer.load_state_dict(before.state_dict())
    optimizer.param_groups[0]["initial_lr"] = 0.1
    rh.Scheduler(optimizer, SPEC, RUN, clock=clock, last_epoch=49)
    optimizer.step()


@pytest.mark.parametrize("loop", [restored_both, a_second_phase, placed_by_hand])
@pytest.mark.parametrize("clock", ["updates", "calls"])
def test_a_restore_that_was_not_forgotten_is_left_alone(loop, clock):
    assert heard(loop, clock) == []


# The end of the program

ENDS = [  # updates made of 100, and what the program does then
    (31, ""),
    (0, ""),
    (100, ""),
    (96, ""),
    (31, "scheduler.state_dict()"),
    (31, "scheduler.close()"),
    (31, "scheduler.cooldown(over='5 steps'); [optimizer.step() for _ in range(5)]"),
    (31, "raise KeyboardInterrupt"),
    (31, "raise SystemError('crash')"),
]

PROGRAMS = """
import os, sys
import torch, rheostat as rh
rh.Scheduler, torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1).step()  # imported once, for all
for n, end in {ends!r}:
    if os.fork():
        os.wait()
        print("-- next", file=sys.stderr, flush=True)
        continue
    p = torch.nn.Parameter(torch.ones(1)); p.grad = torch.ones(1)
    optimizer = torch.optim.SGD([p], lr=0.1)
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(steps=100))
    for _ in range(n):
        optimizer.step()
        scheduler.step()
    exec(end)
    break
"""


def programs(ends):
    code = PROGRAMS.format(ends=ends)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stderr.split("-- next\n")


@pytest.fixture(scope="module")
def last_words():
    """What each program says at its end: real processes, which leave their interpreter."""
    return programs(ENDS)


def test_a_program_that_ends_at_31_percent_of_the_schedule_says_so(last_words):
    text = last_words[0]
    assert "EndedEarlyWarning: training ended at 31 of 100 updates, 31 % of the schedule, with lr = 0.069" in text
    assert "at the end it would be 0." in text
    assert "<string>:12" in text


@pytest.mark.parametrize("i", range(1, len(ENDS)), ids=[f"{n} {end}" for n, end in ENDS[1:]])
def test_an_end_that_is_meant_or_broken_off_is_left_alone(i, last_words):
    assert "EndedEarly" not in last_words[i]


SILENT = """
scheduler.close()
run = rh.Run(steps=40, steps_per_epoch=10)
scheduler = rh.Scheduler(optimizer, "linear()", run, clock={clock!r})
for _ in range({updates}):
    optimizer.step()
{then}
"""
STILL = [  # the clock, updates without a call, what the program does then, and whether that is an oversight
    ("calls", 9, "", True),
    ("calls", 2, "", True),
    ("calls", 9, "scheduler.state_dict()", True),
    ("epochs", 15, "", True),
    ("calls", 1, "", False),
    ("epochs", 10, "", False),
    ("updates", 40, "", False),
    ("calls", 9, "scheduler.close()", False),
    ("calls", 9, "raise KeyboardInterrupt", False),
    ("calls", 9, "[(scheduler.step(), optimizer.step()) for _ in range(31)]", False),
]


def test_a_short_run_that_never_called_the_scheduler_hears_of_it_at_its_end():
    ends = [(0, SILENT.format(clock=clock, updates=n, then=then)) for clock, n, then, _ in STILL]
    for case, text in zip(STILL, programs(ends), strict=False):
        assert (text.count("NotCalledWarning: the optimizer has made") == 1) == case[-1], (case, text)
        assert ("scheduler.step() was never called" in text) == case[-1], (case, text)


CHANGES = {
    "extend": lambda scheduler: scheduler.extend(rh.Run(steps=40)),
    "cooldown": lambda scheduler: scheduler.cooldown(over="5 steps"),
    "add_param_group": lambda scheduler: scheduler.add_param_group({"params": [parameter()], "lr": 0.02}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_foreign_value_is_told_before_a_change_writes_over_it(change):
    optimizer = sgd(0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, "linear()", RUN)
    optimizer.step()
    scheduler.step()
    optimizer.param_groups[1]["lr"] = 0.25
    with pytest.warns(errors.OverwrittenWarning, match=r"group 1 was set to 0\.25"):
        CHANGES[change](scheduler)
    assert optimizer.param_groups[1]["lr"] == scheduler.get_last_lr()[1] < 0.03


@pytest.mark.parametrize("change", CHANGES)
def test_what_yields_goes_on_from_the_foreign_value(change):
    optimizer = sgd(0.1, 0.03)
    scheduler = rh.Scheduler(optimizer, "linear()", RUN, on_overwrite="yield")
    optimizer.step()
    scheduler.step()
    optimizer.param_groups[1]["lr"] = 0.25
    with pytest.warns(errors.OverwrittenWarning, match="leaves this value alone"):
        CHANGES[change](scheduler)
    assert optimizer.param_groups[1]["lr"] == 0.25


@pytest.mark.parametrize("order", [["optimizer", "scheduler"], ["scheduler", "optimizer"]])
def test_a_state_of_position_0_is_no_forgotten_restore(order):
    """A checkpoint from before the first update, or a stage of its own that begins with an optimizer that has run."""
    trained = torch.optim.AdamW([parameter()], lr=0.1)
    for _ in range(50):
        trained.step()
    optimizer = torch.optim.AdamW([parameter()], lr=0.1)
    scheduler = rh.Scheduler(optimizer, "linear()", RUN)
    states = {"optimizer": copy.deepcopy(trained.state_dict()), "scheduler": scheduler.state_dict()}
    for what in order:
        (optimizer if what == "optimizer" else scheduler).load_state_dict(states[what])
    optimizer.step()  # warnings are errors
    scheduler.step()
    assert scheduler.position == 1


@pytest.mark.parametrize("lr", [0.1, torch.tensor(0.1, dtype=torch.float64)], ids=["float", "tensor"])
def test_what_others_write_is_noticed_in_a_copy_from_the_first_update_on(lr):
    optimizer = torch.optim.SGD([parameter()], lr=lr)
    scheduler = rh.Scheduler(optimizer, "linear()", RUN)
    optimizer.step()
    scheduler.step()
    optimizer, scheduler = copy.deepcopy((optimizer, scheduler))
    if isinstance(lr, float):
        optimizer.param_groups[0]["lr"] = 0.5
    else:
        optimizer.param_groups[0]["lr"].fill_(0.5)
    with pytest.warns(errors.OverwrittenWarning, match=r"set to 0\.5"):
        optimizer.step()
        scheduler.step()
