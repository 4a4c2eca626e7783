"""What looks wrong is said once, at the user's line; or raised, if the Scheduler is strict."""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

import torch

from rheostat.errors import (
    EndedEarlyWarning,
    ForgottenRestoreWarning,
    NotCalledWarning,
    OverwrittenWarning,
    PastEndWarning,
    SchedulerError,
    SecondSchedulerWarning,
)

if TYPE_CHECKING:
    from types import FrameType

    from torch.optim import Optimizer

    from rheostat.driver.engine import Engine
    from rheostat.errors import RheostatWarning
    from rheostat.schedule import Run
    from rheostat.schedule.run import Axis

_OURS = str(Path(__file__).parent.parent) + os.sep
_NEARLY = 0.95  # of a run: what is left is no schedule that ended early
_running: WeakSet[Engine] = WeakSet()
_numbers = itertools.count()
_watched: WeakSet[Optimizer] = WeakSet()


class Guards:
    """Says each kind of warning once, at the nearest line that is neither ours nor PyTorch's.

    Args:
        strict: raise SchedulerError instead.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.said: set[str] = set()
        self.made_at, self.number = _user_line(), next(_numbers)
        self.saved_at = self.loaded_at = -1
        self.rhythm = True  # whether calls are compared with updates

    def past_end(self, at: float, run: Run, axis: Axis) -> None:
        """An update was made past the end of the run."""
        whole = float(run.horizon(axis) or 0)
        self.say(
            PastEndWarning,
            f"training goes on past the end of the schedule: {at:.10g} {axis} of {whole:.10g}. The last value is held. "
            f"If training is meant to be longer than {run!r}, say so in the Run, or with scheduler.extend(...).",
        )

    def overwritten(self, place: str, ours: float, found: float, position: int, *, yields: bool) -> None:
        """Somebody else has written a scheduled value."""
        by = f", {found / ours:.4g} times as much" if ours else ""
        follows = (
            f"It stays from update {position} on, and the schedule leaves this value alone."
            if yields
            else f"The schedule's value is written again from update {position} on. If the change is meant, put it "
            'into the schedule, make the Scheduler with on_overwrite="yield", or call scheduler.close() first.'
        )
        self.say(
            OverwrittenWarning,
            f"{place} was set to {found:g} by somebody else, where the schedule had written {ours:g}{by}. {follows}",
        )

    def second(self, position: int) -> None:
        """Another scheduler was on the optimizer, at a position."""
        self.say(
            SecondSchedulerWarning,
            f"this optimizer already has a scheduler, at position {position}; the new one takes over from its own "
            "position, with the base values that the first was given. If it is meant, old.close() first says so.",
        )

    def forgotten(self, scheduler: Engine) -> None:
        """At the first update: the optimizer may have made many before, in a run that was restored by half."""
        restored = scheduler.position or self.loaded_at >= 0  # a state that was saved at 0 is restored too
        if restored or any(optimizer in _watched for optimizer in scheduler.optimizers):
            return
        _watched.update(scheduler.optimizers)
        made = max(map(_made_elsewhere, scheduler.optimizers))
        if made:
            self.say(
                ForgottenRestoreWarning,
                f"the optimizer's state says that it has made {made} updates, and the schedule begins at 0: was "
                "scheduler.load_state_dict forgotten? The learning rate starts anew, with a warmup if there is one. "
                f"Try it before the first update; or, to place it by hand, Scheduler(..., last_epoch={made - 1}).",
            )

    def say(self, category: type[RheostatWarning], message: str) -> None:
        """Warn, or raise, once."""
        if category.__name__ in self.said:
            return
        self.said.add(category.__name__)
        if self.strict:
            raise SchedulerError(message)
        warnings.warn(message, category, stacklevel=_user_level())


def run_out(scheduler: Engine) -> str | None:
    """What to say of a scheduler that is still in use when the program ends, if its run is far from over."""
    whole = scheduler.run.horizon(scheduler.axis)
    done = scheduler.writer.coordinate if scheduler.axis == "seconds" else scheduler.position
    if whole is None or not 0 < done < _NEARLY * whole or scheduler.guards.saved_at == scheduler.position:
        return None
    last, planned = scheduler.writer.columns[0].row[0], scheduler.curve_end()
    return (
        f"training ended at {done:.10g} of {float(whole):.10g} {scheduler.axis}, {100 * done / float(whole):.3g} % of "
        f"the schedule, with {scheduler.entries[0].key} = {last:.4g}; at the end it would be {planned:.4g}. If it was "
        "meant to be shorter, say so in the Run, or end with scheduler.cooldown(...). A checkpoint of this point, or "
        "scheduler.close(), says that it is meant."
    )


def never_moved(scheduler: Engine) -> str | None:
    """What to say of a scheduler that stood still because nobody called it, in a run too short to notice before."""
    said = NotCalledWarning.__name__ in scheduler.guards.said
    return None if said else scheduler.cadence.never_called(scheduler.run)


def keep_watch(scheduler: Engine) -> None:
    """Look at the end of the program how far the schedule has come."""
    _running.add(scheduler)


def stop_watch(scheduler: Engine) -> None:
    """The scheduler was closed: whatever comes is meant."""
    _running.discard(scheduler)
    _watched.update(scheduler.optimizers)


@atexit.register
def at_exit() -> None:
    """Say which schedules were not run to their end, unless the program was broken off."""
    if getattr(sys, "last_value", None) is not None or os.environ.get("RANK", "0") != "0":
        return
    # Once: of several, the one that was made last.
    for scheduler in sorted(_running, key=lambda scheduler: scheduler.guards.number, reverse=True):
        for category, look in ((NotCalledWarning, never_moved), (EndedEarlyWarning, run_out)):
            message = look(scheduler)
            if message is not None:
                warnings.warn_explicit(message, category, *scheduler.guards.made_at)
                return


def _made_elsewhere(optimizer: Optimizer) -> int:
    """How many updates an optimizer's own state counts that its parameters have not seen in this process."""
    if torch.cuda.is_available() and torch.cuda.is_current_stream_capturing():
        return 0
    for group in optimizer.param_groups:
        for p in group["params"][:1]:
            steps = optimizer.state.get(p, {}).get("step", 0)
            # Every update writes to the parameter in place, which PyTorch counts; one more for a tool's empty step.
            if not p.is_inference() and float(steps) > p._version + 1:
                return int(steps)
    return 0


def _user_level() -> int:
    """The stacklevel for warnings.warn, called by the caller, that names the user's line."""
    frame: FrameType | None = sys._getframe(2)
    level = 2
    while frame is not None and _internal(frame):
        frame, level = frame.f_back, level + 1
    return level if frame is not None else 2


def _user_line() -> tuple[str, int]:
    """The file and line of the user's code that is running."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _internal(frame):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("<unknown>", 1)


def _internal(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith(_OURS) or str(frame.f_globals.get("__name__", "")).partition(".")[0] == "torch"
