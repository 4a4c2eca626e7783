"""What it means that a resumed run is the uninterrupted one."""

import copy
import os
import zlib

from resume.orders import ORDERS
from resume.runs import Training, held, through_json, through_torch

EVERYTHING = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


def uninterrupted(case):
    """The whole run, and a checkpoint as it was before each update and at the end, alternating the carrier."""
    training, checkpoints = Training(case).begin(), []
    for stop in range(case.updates):
        checkpoints.append((through_torch if stop % 2 else through_json)(training.checkpoint()))
        training.train(1)
    checkpoints.append(through_torch(training.checkpoint()))
    return training, checkpoints


def assert_resumes(whole, checkpoints, order):
    """From each checkpoint the run goes on to its end as the uninterrupted one did.

    Over the five orders every checkpoint is restored once; which one in which order depends on the case. The nightly
    run restores every one in every order.
    """
    shift = ORDERS.index(order) + zlib.crc32(whole.case.name.encode())
    for stop, saved in enumerate(checkpoints):
        if (stop + shift) % 5 == 0 or EVERYTHING:
            resumed = order(whole.case, copy.deepcopy(saved))  # a loaded optimizer goes on in the tensors it was given
            assert_holds_at_once(whole, resumed, stop)
            assert_goes_on(whole, resumed, stop)


def assert_holds_at_once(whole, resumed, stop):
    """What the next update will read is in the groups as soon as all is restored, and what get_last_lr() says."""
    joins = whole.case.late and whole.case.late[0] == stop
    if stop < whole.case.updates and not joins:
        each = len(whole.optimizers)
        now = [held(optimizer) for optimizer in resumed.optimizers]
        assert now == [reading for _, reading in whole.used[each * stop : each * (stop + 1)]]
    if "lr" in resumed.scheduler.rules:
        rates = [float(group["lr"]) for optimizer in resumed.optimizers for group in optimizer.param_groups]
        assert resumed.scheduler.get_last_lr() == rates


def assert_goes_on(whole, resumed, stop):
    """From update `stop` on the resumed run is the uninterrupted one, to the last bit."""
    assert_same_from(whole, resumed, stop, whole.case.updates)
    assert resumed.weights() == whole.weights()
    assert by_place(resumed.scheduler.state_dict()) == by_place(whole.scheduler.state_dict())


def assert_same_from(whole, resumed, stop, end):
    """The updates from `stop` to `end` are those of the uninterrupted run: all values read, and the losses."""
    resumed.train(end - stop)
    each = len(whole.optimizers)
    assert resumed.used == whole.used[each * stop : each * end]
    assert resumed.losses == whole.losses[stop:end]


def by_place(state):
    """A state in which the order of the entries, which depends on how groups came in, plays no part."""
    placed = {(e["group"], e["key"]): {**e, "drive": state["drives"][e["drive"]]} for e in state["entries"]}
    return {**state, "entries": placed, "drives": None}
