"""Changing a schedule while it runs: longer, or cooled down. Each goes on from the values in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from rheostat.driver.change import UNITS, InForce, continued, in_force
from rheostat.driver.plan import Entry, curve_of, has
from rheostat.errors import SchedulerError, nearest, refuse
from rheostat.schedule import Run, Schedule, Span, constant
from rheostat.schedule.base import MAKERS
from rheostat.schedule.levels import Absolute, Level, choice, level
from rheostat.schedule.rebase import Rebased

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from rheostat.driver.engine import Engine
    from rheostat.schedule.run import Axis

SHAPES = ("one_minus_sqrt", "linear", "cosine", "polynomial", "rex")
_HORIZONS = ("steps", "epochs", "samples", "tokens", "time")


def extended(scheduler: Engine, run: Run) -> list[Entry]:
    """The entries over a new run, each from the value in force."""
    axis = scheduler.axis
    if run.axis != scheduler.run.axis:
        raise refuse("run", run, need=f"a run on the same axis, {scheduler.run.axis}", mend=repr(scheduler.run))
    whole, here = run.horizon(axis), place(scheduler)
    if whole is not None and whole <= here:
        need = f"an end after the present position, {here:g} {axis}"
        raise refuse("run", run, need=need, mend="scheduler.cooldown(over=...) to come to an end")
    entries = [over_run(scheduler, e, run) for e in scheduler.entries]
    if whole is None:
        return entries
    before = scheduler.run.horizon(axis)
    added = max(here, float(before)) if before is not None and before < whole else here
    if all(_stays_at_0(e, run, axis, added, float(whole)) for e in entries):
        need = f"a schedule that goes on to the new end; this one stays at 0 from {added:g} {axis} on"
        mend = 'scheduler.cooldown(over=...) while it is above 0, or resuming with on_change="adopt"'
        raise refuse("run", run, need=need, mend=mend)
    return entries


def _stays_at_0(e: Entry, run: Run, axis: Axis, begin: float, end: float) -> bool:
    if e.base <= 0 or e.key != "lr":
        return True
    places = np.linspace(begin, end, 65) - float(e.since)
    return not curve_of(e, run, axis).factors(places).any()


def over_run(scheduler: Engine, e: Entry, run: Run) -> Entry:
    """One entry over another run, from the value in force; where it was extended before, from its own schedule."""
    now, asked = _now(scheduler, e), e.schedule
    if isinstance(asked, Rebased) and repr(asked) != e.asked_for[0]:
        e = e.amended(asked.of, e.since)
    curve = curve_of(e, run, scheduler.axis)
    signals = scheduler.feedback.of(curve, (asked, e.since))
    return continued(e, curve, now, place(scheduler), signals)


def cooled(scheduler: Engine, over: Span | str, to: Level, shape: str, key: str) -> tuple[Run, list[Entry]]:
    """The run that ends with the cooldown, and the entries with `key` on their way to `to`."""
    choice("shape", shape, SHAPES)
    goal, axis, here = level("to", to), scheduler.axis, place(scheduler)
    keys = sorted({e.key for e in scheduler.entries})
    if not isinstance(key, str) or key not in keys:
        close = nearest(key, keys) if isinstance(key, str) else None
        raise refuse("key", key, need=f"a scheduled key: {', '.join(keys)}", mend=repr(close or keys[0]))
    length = scheduler.run.convert(Span.of(over, "over"), axis, "over")
    if axis != "seconds":
        length = Fraction(max(1, round(length)))
    run = _ending(scheduler.run, axis, Fraction(here) + length)
    make = _shape(shape, Span(length, UNITS[axis]), goal)
    entries = []
    for e in scheduler.entries:
        if e.base <= 0:  # 0 whatever happens, and its schedule need not fit into the shorter run
            entries.append(e.amended(constant(), e.since))
        else:
            entries.append(_cooling(scheduler, e, make, goal) if e.key == key else over_run(scheduler, e, run))
    for e in entries:
        curve_of(e, run, axis)
    return run, entries


def _shape(shape: str, over: Span, goal: Level) -> Callable[[float], Schedule]:
    return lambda start: MAKERS[shape](start=start, end=goal, over=over)


def _cooling(scheduler: Engine, e: Entry, make: Callable[[float], Schedule], goal: Level) -> Entry:
    now = _now(scheduler, e)
    lowest = goal.value if isinstance(goal, Absolute) else goal * e.base
    if lowest > now.value:
        need = f"at most what is in force, {e.key} of group {e.label} = {now.value:g}"
        raise refuse("to", goal, need=need, mend="to=0.0")
    return e.amended(make(now.factor), place(scheduler))


def _ending(run: Run, axis: Axis, end: Fraction) -> Run:
    """The run with another end on an axis, and the same rates."""
    others: dict[str, object] = dict.fromkeys(_HORIZONS)
    if axis == "seconds":
        others["time"] = Span(end.limit_denominator(1000), "s")
    else:
        others["steps" if axis == "updates" else "epochs"] = int(end)
    return replace(run, **others)  # type: ignore[arg-type]


def place(scheduler: Engine) -> float:
    """Where training is on the axis; whole milliseconds of a timed run, so that a length can say it."""
    if scheduler.axis == "seconds":
        return int(scheduler.elapsed() * 1000) / 1000
    return scheduler.position


def _now(scheduler: Engine, e: Entry) -> InForce:
    """What the next update uses, if nothing changes."""
    states = scheduler.feedback.states[e.schedule, e.since]
    return in_force(e, scheduler.run, scheduler.axis, place(scheduler), states)


def yielded(e: Entry, value: float) -> Entry:
    """An entry that holds what somebody else has written."""
    return replace(e.amended(constant(), e.since), base=value)


def branch_optimizers(scheduler: Engine, given: object) -> list[Optimizer]:
    """The optimizers of a branch: copies of the trunk's, with the same groups."""
    from rheostat.driver.clock import unwrapped, watchers

    if given is None:
        raise SchedulerError(
            "branch(): needs the optimizer that the branch trains with, a copy: model2, optimizer2 = copy.deepcopy("
            "(model, optimizer)). To come back to this point with the same one: state = scheduler.state_dict()."
        )
    found = [unwrapped(o) for o in (given if isinstance(given, (list, tuple)) else [given])]
    if any(o is mine for o in found for mine in scheduler.optimizers):
        raise SchedulerError("branch(optimizer): this is the trunk's own optimizer. Try copy.deepcopy of model and it.")
    both = (found, scheduler.optimizers)
    sizes = [[len(o.param_groups) for o in optimizers] for optimizers in both]
    if sizes[0] != sizes[1]:
        raise SchedulerError(f"branch(optimizer): has {sizes[0]} groups; the trunk's has {sizes[1]}. Try a copy of it.")
    shapes = [[p.shape for o in optimizers for g in o.param_groups for p in g["params"]] for optimizers in both]
    if shapes[0] != shapes[1]:
        raise SchedulerError("branch(optimizer): trains parameters of other shapes than the trunk's. Try a copy of it.")
    for e in scheduler.entries:
        if not has(found[e.optimizer].param_groups[e.group], e.key):
            raise SchedulerError(f"branch(optimizer): has no {e.key}, which is scheduled. Try a copy of the trunk's.")
    if any(watchers(o) for o in found):
        raise SchedulerError("branch(optimizer): has a scheduler already. Try another copy, or close() that one first.")
    return found
