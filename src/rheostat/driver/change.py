"""A checkpoint and code that disagree: every difference by name, and the three ways to go on.

keep    the checkpoint's configuration, whatever the code says
adopt   the code's, at the place that was reached; values may jump
rebase  the code's, begun at the values in force, without a jump: see `Schedule.rebase`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from rheostat.driver.feedback import Metrics
from rheostat.driver.plan import Entry, curve_of
from rheostat.errors import ResumeMismatch, ScheduleError, StateError, brief
from rheostat.schedule import Run, Schedule, Span, parse
from rheostat.schedule.base import divided
from rheostat.schedule.rebase import Rebased
from rheostat.schedule.run import parse_run
from rheostat.schedule.shapes.stairs import Constant

if TYPE_CHECKING:
    from rheostat.driver.engine import Engine
    from rheostat.driver.state import Saved, SavedEntry
    from rheostat.schedule import Curve
    from rheostat.schedule.metric import PlateauState
    from rheostat.schedule.run import Axis

OnChange = Literal["stop", "keep", "adopt", "rebase"]
_MOST_LINES, _LONGEST_TEXT = 20, 300  # of a message
CHOICES = ("stop", "keep", "adopt", "rebase")
UNITS = {"updates": "steps", "epochs": "epochs", "seconds": "s"}
_RATES = {"epochs": "steps_per_epoch", "samples": "samples_per_step", "tokens": "tokens_per_step"}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a Scheduler goes on with after loading."""

    position: int
    run: Run
    asked_run: Run
    entries: list[Entry]
    metrics: Metrics


def differences(saved: Saved, ours: Engine) -> list[str]:
    """What the code asks for otherwise than the checkpoint, a line each; nothing if it is the same training.

    The checkpoint knows what was asked for and what was in force, where training was extended: either is the same.
    """
    found = []
    if saved.clock != ours.clock:
        found.append(f"clock: saved {_short(saved.clock)}, now {ours.clock}")
    if repr(ours.asked_run) not in (saved.asked_run, saved.run):
        found.append(f"run: saved {_short(saved.asked_run)}, now {ours.asked_run!r}")
    mine = {(e.label, e.key): e for e in ours.entries}
    for place in {**saved.entries, **mine}:
        found.extend(_different(place, saved.entries.get(place), mine.get(place)))
    return list(dict.fromkeys(found))


def _different(place: tuple[str, str], theirs: SavedEntry | None, mine: Entry | None) -> Iterator[str]:
    where = f"group {_short(place[0])}, {_short(place[1])}"
    if theirs is None or mine is None:
        yield f"{where}: {'only now' if theirs is None else 'only in the checkpoint'}"
        return
    text, base, _ = mine.asked_for
    if base not in (theirs.asked[1], theirs.base):
        yield f"{where}: base value: saved {theirs.asked[1]}, now {base}"
    if text not in (theirs.asked[0], theirs.schedule):
        yield f"{where}: schedule: saved {_short(theirs.asked[0])}, now {_short(text)}"


def stop(saved: Saved, ours: Engine, found: list[str]) -> None:
    """Raise ResumeMismatch with every difference."""
    more = [f"and {len(found) - _MOST_LINES} more"] if len(found) > _MOST_LINES else []
    listed = "\n  ".join(found[:_MOST_LINES] + more)
    if saved.clock != ours.clock:
        advice = f"Try clock={brief(saved.clock)}: positions mean something else on another clock."
    else:
        advice = (
            'Try the saved configuration; or on_change="keep" (go on as saved), "adopt" (change at once; values may '
            'jump) or "rebase" (start from the values in force and reach the new end without a jump).'
        )
    raise ResumeMismatch(
        f"the checkpoint was made with another configuration; nothing was loaded.\n  {listed}\n{advice}"
    )


def keep(saved: Saved, ours: Engine) -> Restored:
    """Go on with what was in force; a group that is only here joins as the code says."""
    run, asked_run = (_run_of(text, ours) for text in (saved.run, saved.asked_run))
    entries, metrics, axis = [], {}, ours.axis_of(run)
    for e in ours.entries:
        theirs = saved.entries.get((e.label, e.key))
        if theirs is None:
            entries.append(e)
            continue
        schedule = _schedule_of(theirs.schedule, e)
        in_force(replace(e, base=theirs.base, schedule=schedule, since=theirs.since), run, axis, 0.0, theirs.metrics)
        new = replace(e, base=theirs.base, schedule=schedule, since=theirs.since, asked=theirs.asked, given=e.own)
        entries.append(new)
        metrics[schedule, theirs.since] = list(theirs.metrics)
    return Restored(saved.position, run, asked_run, entries, metrics)


def adopt(saved: Saved, ours: Engine, *, smooth: bool = False) -> Restored:
    """Go on with what the code asks for, at the place reached; if smooth, from the values in force."""
    run, axis = ours.asked_run, ours.axis_of(ours.asked_run)
    before = _run_of(saved.run, ours)
    if ours.axis_of(before) != axis:
        need = f"a run counted in {ours.axis_of(before)}, as it was saved; positions cannot be converted"
        raise ResumeMismatch(f"run={run!r}: need {need}. Nothing was loaded. Try on_change='keep'.")
    scale = _scale(before, run, axis)
    position = round(saved.position * scale)
    entries, metrics = [], {}
    for e in ours.entries:
        text, base, begun = e.asked_for
        theirs = saved.entries.get((e.label, e.key))
        since = begun if theirs is None else theirs.asked[2]
        since = since if axis == "seconds" else round(since * scale)
        new = replace(e, schedule=_schedule_of(text, e), base=base, since=since, asked=None)
        curve = curve_of(new, run, axis)
        old = None if theirs is None or not smooth else _old(e, theirs)
        carried = _carried(curve, theirs, None if old is None else curve_of(old, before, axis))
        if theirs is not None and old is not None:
            at = saved.elapsed if axis == "seconds" else float(saved.position)
            now = in_force(old, before, axis, at, theirs.metrics)
            here = saved.elapsed if axis == "seconds" else float(position)
            new = continued(new, curve, now, here, _signals(curve, carried))
        entries.append(new)
        metrics[new.schedule, new.since] = carried
    return Restored(position, run, run, entries, metrics)


@dataclass(frozen=True, slots=True)
class InForce:
    """What an entry has at a place: the factor, and the base value that it multiplies."""

    factor: float
    base: float

    @property
    def value(self) -> float:
        """The value itself."""
        return self.factor * self.base

    def on(self, base: float) -> float:
        """The factor that gives the same value with another base."""
        return self.factor if base == self.base else divided(self.value, base)


def continued(e: Entry, curve: Curve, now: InForce, here: float, signals: Sequence[float]) -> Entry:
    """An entry whose new curve is begun at what is in force at a place on the axis; itself, if it is there."""
    local = np.array([here - float(e.since)])
    plan = float(curve.factors(local, signals)[0])
    if e.base <= 0 or plan * e.base == now.value:
        return e
    factor = now.on(e.base)
    neutral = float(curve.factors(local)[0])
    # What metric-driven parts take away is put on top again by them.
    factor = factor if plan == neutral or plan <= 0 else factor * (neutral / plan)
    return e.amended(e.schedule.rebase(span_at(float(local[0]), curve.axis), factor), e.since)


def span_at(place: float, axis: Axis) -> Span:
    """A place on an axis as a length; seconds in whole milliseconds, not after the place."""
    amount = Fraction(int(place * 1000), 1000) if axis == "seconds" else Fraction(int(place))
    return Span(amount, UNITS[axis])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _old(e: Entry, theirs: SavedEntry) -> Entry:
    return replace(e, schedule=_schedule_of(theirs.schedule, e), base=theirs.base, since=theirs.since)


def _carried(curve: Curve, theirs: SavedEntry | None, old: Curve | None) -> list[PlateauState]:
    """The metric states that go with a curve: those saved, if it has as many metric-driven parts.

    Where values go on from an old curve, only the same parts: what others had cut is in the values already.
    """
    rules = [control.rule for control in curve.controls]
    same = old is None or rules == [control.rule for control in old.controls]
    if theirs is not None and len(theirs.metrics) == len(rules) and same:
        return list(theirs.metrics)
    return [control.rule.start() for control in curve.controls]


def _signals(curve: Curve, states: Sequence[PlateauState]) -> list[float]:
    return [control.rule.factor_of(state) for control, state in zip(curve.controls, states, strict=True)]


def in_force(e: Entry, run: Run, axis: Axis, at: float, states: Sequence[PlateauState]) -> InForce:
    """What an entry has at a place on the axis."""
    curve = curve_of(e, run, axis)
    if len(curve.controls) != len(states):
        raise StateError(f"state: {e.schedule} has {len(curve.controls)} metric states, not {len(states)}.")
    local = np.array([max(at - float(e.since), 0.0)])
    return InForce(float(curve.factors(local, _signals(curve, states))[0]), e.base)


def _scale(before: Run, run: Run, axis: Axis) -> Fraction:
    """What positions are multiplied by, where an update holds another share of the unit that the run is counted in."""
    for unit, rate in _RATES.items():
        if getattr(run, unit) is not None and axis == "updates":
            old, new = getattr(before, rate), getattr(run, rate)
            if old is not None and new is not None:
                # Twice as many samples in an update: half as many updates. Twice the updates in an epoch: twice.
                ratio = Fraction(repr(old)) / Fraction(repr(new))
                return 1 / ratio if unit == "epochs" else ratio
    return Fraction(1)


def _schedule_of(text: str, e: Entry) -> Schedule:
    """The schedule of a text in a checkpoint; our own where it is the same text, which may name code.

    Our own is found in the text of one that was taken up in mid-run too.
    """
    own = e.own
    if text == repr(own):
        return own
    begins = repr(Rebased(own, Span(1, "steps"), 0.0)).removesuffix("'1 steps', 0.0)")
    try:
        if text.startswith(begins):
            rest = parse("constant().rebase(" + text.removeprefix(begins))
            if isinstance(rest, Rebased) and isinstance(rest.of, Constant):
                return replace(rest, of=own)
        return parse(text)
    except ScheduleError as error:
        mend = "" if "from_function" not in text else ' Try on_change="adopt": it needs the new schedule only.'
        raise StateError(f"state: its schedule cannot be read: {error} Nothing was loaded.{mend}") from None


def _run_of(text: str, ours: Engine) -> Run:
    for run in (ours.run, ours.asked_run):
        if text == repr(run):
            return run
    try:
        return parse_run(text)
    except ScheduleError as error:
        raise StateError(f"state: its run cannot be read: {error} Nothing was loaded.") from None
