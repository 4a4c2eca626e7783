"""What a tired person misses: schedules that are valid, and probably not what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from rheostat.errors import ScheduleError, refuse
from rheostat.schedule.base import Bound, FloatArray, Schedule, walk
from rheostat.schedule.combine import Sequence
from rheostat.schedule.curve import Curve
from rheostat.schedule.levels import number
from rheostat.schedule.metric import Plateau
from rheostat.schedule.notation import parse
from rheostat.schedule.run import Run
from rheostat.schedule.shapes.cycles import CosineRestarts, Cyclic
from rheostat.schedule.shapes.decay import Decay
from rheostat.schedule.shapes.rise import Warmup
from rheostat.schedule.shapes.stairs import Multistep, Step
from rheostat.schedule.span import Span
from rheostat.schedule.wrap import Clipped

_EXHAUSTIVE = 2_000_000
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is probably not what was meant.

    Attributes:
        code: a short name of the kind of finding, stable between versions.
        message: what was found, with its figures.
        mend: what to write instead, probably.
    """

    code: str
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message} {self.mend}"


def lint(schedule: Schedule | str, run: Run, base: float | None = None) -> list[Finding]:
    """What is probably wrong with a schedule over a run.

    Args:
        schedule: a Schedule, or its text.
        run: how long training is, with a known length where possible.
        base: the base value, needed by `absolute(...)` levels.

    Returns:
        A list of `Finding`, empty where nothing stands out. A schedule that cannot be put over the run at all gives one
        finding, "refused", with the error's text.

    Raises:
        ScheduleError: if `schedule` is a text that cannot be read, `run` no Run, or `base` no base value.

    Example:
        >>> import rheostat as rh
        >>> for finding in rh.lint("step(every='30 steps', factor=0.1)", rh.Run(epochs=100, steps_per_epoch=391)):
        ...     print(finding.code)
        unit
        dead
    """
    schedule = parse(schedule)
    if not isinstance(run, Run):
        raise refuse("run", run, need="a Run", mend="rh.Run(steps=1000)")
    base = None if base is None else number("base", base)
    try:
        curve = schedule.over(run, base=base)
    except ScheduleError as error:
        return [Finding("refused", str(error), "")]
    found = [*_lengths(curve), *_units(schedule, run), *_metrics(curve)]
    if curve.length is not None:
        t = _positions(curve)
        found += [*_levels(curve, t), *_jumps(curve)]
    return found


def _positions(curve: Curve) -> FloatArray:
    """Every update of a run, or, of a very long one, enough of them with both sides of every joint."""
    n = curve.length or 1
    if n <= _EXHAUSTIVE:
        return np.arange(n, dtype=np.float64)
    near = [t + d for t in (0, *curve.joints, n - 2) for d in (-1, 0, 1) if 0 <= t + d < n]
    return np.unique(np.concatenate([np.linspace(0, n - 1, 100_000).round(), np.array(near, dtype=np.float64)]))


def _parts(bound: Bound) -> Iterator[Bound]:
    yield bound
    for part in bound.parts:
        yield from _parts(part)


def _lengths(curve: Curve) -> Iterator[Finding]:
    """Parts that end long before the run, or that the run cuts off."""
    n = curve.length
    if n is None:
        return
    for part in _parts(curve.bound):
        shape, end = part.source, None if part.length is None else part.begin + part.length
        if isinstance(shape, Warmup) and end is not None and end > n:
            message = f"{shape!r} takes {part.length:g} of the run's {n} {curve.axis}: the full value is never reached."
            yield Finding("warmup", message, "Try a shorter warmup, such as '5%'.")
        elif isinstance(shape, Decay) and end is not None and end > n + 0.5:
            message = f"{shape!r} ends at {end:g}, after the run's {n} {curve.axis}: it never reaches its end value."
            yield Finding("cut off", message, "Try leaving out over=, so that it takes the rest of the run.")
    end = curve.bound.length
    if end is not None and end < n - 0.5:
        message = f"the schedule ends at {end:g} of {n} {curve.axis}; for the last {n - end:g} its last value is held."
        yield Finding("ends early", message, "Try leaving out over= of the last part, or a shorter run.")
    if isinstance(curve.schedule, Sequence) and end is not None and end > n + 0.5:
        message = f"the parts take {end:g} {curve.axis} together; the run has {n}."
        yield Finding("too long", message, "Try shorter parts, in percent, or a longer run.")


def _units(schedule: Schedule, run: Run) -> Iterator[Finding]:
    """Recurring lengths that are tiny against the run: an epoch count written as steps."""
    n, per_epoch = run.updates, run.steps_per_epoch
    for shape in walk(schedule):
        for f in fields(shape):
            span = getattr(shape, f.name)
            recurring = (f.name in ("every", "period", "up") and isinstance(shape, (Step, CosineRestarts, Cyclic))) or (
                f.name == "at" and isinstance(shape, Multistep)
            )
            if not recurring or n is None or span is None:
                continue
            for one in span if isinstance(span, tuple) else (span,):
                yield from _unit(one, f.name, shape, n, per_epoch)


def _unit(span: Span, name: str, shape: Schedule, n: int, per_epoch: int | None) -> Iterator[Finding]:
    if span.unit == "steps" and per_epoch is not None and per_epoch > 1 and span.exact * per_epoch <= n:
        epochs = float(span.exact / per_epoch)
        message = f"{name}={str(span)!r} of {shape!r} is {epochs:.2g} epochs of {per_epoch} steps, and the run has {n}."
        if span.exact < per_epoch:
            yield Finding("unit", message, f"If epochs were meant: {name}='{span.exact} epochs'.")
    elif span.unit == "epochs" and per_epoch is not None and span.exact * per_epoch > n:
        message = f"{name}={str(span)!r} of {shape!r} is {float(span.exact * per_epoch):g} steps, and the run has {n}."
        yield Finding("unit", message, f"If steps were meant: {name}='{span.exact} steps'.")


def _metrics(curve: Curve) -> Iterator[Finding]:
    """Plateaus that cannot fire within the run if reported once an epoch, or ever."""
    per_epoch, n = curve.run.steps_per_epoch, curve.length
    for control in curve.controls:
        rule, length = control.rule, control.length
        if rule.floor >= 1:
            yield Finding("plateau", f"{rule!r} has floor 1: no cut can change anything.", "Try floor=0.")
        if per_epoch is None or n is None or curve.axis == "seconds":  # seconds do not tell how many epochs there are
            continue
        reports = (length if length is not None else n - control.begin) / (per_epoch if curve.axis == "updates" else 1)
        if rule.patience + 2 > reports:
            message = (
                f"{rule!r} needs at least {rule.patience + 2} reports for a first cut; reported once an epoch, it gets "
                f"{reports:g}."
            )
            yield Finding("plateau", message, "Try a smaller patience, or more frequent reports.")


def _levels(curve: Curve, t: FloatArray) -> Iterator[Finding]:
    """Values that are 0 where they should train, a peak that is not reached, an end that is not low."""
    values = curve.factors(t)
    n, top, end = curve.length or 1, float(values.max()), float(values[-1])
    unit = curve.axis[:-1]
    if values[0] == 0:
        yield Finding("zero", f"{unit} 0 uses 0, and trains nothing.", "Try warmup(...) without start=0, or a start.")
    if top < 0.99 and not _scaled_down(curve.schedule):
        message = (
            f"the base value is never reached: the highest factor is {top:.4g}, at {unit} {int(t[values.argmax()])}."
        )
        yield Finding("peak", message, "Try a longer run, a shorter warmup, or a base value that is the peak you want.")
    dead = np.flatnonzero(values > top * _TINY)
    last = int(t[dead[-1]]) + 1 if dead.size else 0
    if last < 0.98 * n:
        message = f"from {unit} {last} on ({(n - last) / n:.0%} of the run) the factor is below {_TINY:g} of its peak."
        yield Finding("dead", message, "Try a slower decay, an end above 0, or a shorter run.")
    if _decays(curve.schedule) and end > 0.5 * top and top > 0:
        message = f"the run ends at {end / top:.2g} of the peak: the decay has hardly begun."
        yield Finding("never ends", message, "Try shorter intervals, or a decay over the whole run such as cosine().")


def _jumps(curve: Curve) -> Iterator[Finding]:
    """Sudden rises of the value where nobody asked for one: at the joints of a sequence."""
    unit = curve.axis[:-1]
    for joint in curve.joints:
        if not 0 < joint < (curve.length or 0):
            continue
        before, after = (float(v) for v in curve.factors(np.array([joint - 1.0, float(joint)])))
        if max(before, after) > 1.5 * max(min(before, after), 1e-12) and abs(after - before) > 0.1:
            way = "rises" if after > before else "falls"
            message = f"at {unit} {joint} the factor {way} at once from {before:.4g} to {after:.4g}."
            yield Finding("jump", message, f"Try a later part with start={before:.4g}, or .scale({before:.4g}).")


def _scaled_down(schedule: Schedule) -> bool:
    """Whether a peak below 1 was written down as such."""
    return any(
        isinstance(s, Clipped) or type(s).__name__ in ("Scaled", "Constant", "Piecewise") for s in walk(schedule)
    )


def _decays(schedule: Schedule) -> bool:
    """Whether somebody asked for a fall over time."""
    stairs = [s for s in walk(schedule) if isinstance(s, (Step, Multistep)) or type(s).__name__ == "Exponential"]
    return any(getattr(s, "factor", 1.0) < 1 for s in stairs) and not any(
        isinstance(s, Plateau) for s in walk(schedule)
    )
