"""Warnings that point at the user's line, each said once by each scheduler."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from rheostat.errors import OverwrittenWarning, PastEndWarning, SecondSchedulerWarning

if TYPE_CHECKING:
    from types import FrameType

    from rheostat.errors import RheostatWarning
    from rheostat.schedule import Run
    from rheostat.schedule.run import Axis

_OURS = str(Path(__file__).parent.parent) + os.sep


class Guards:
    """Says each kind of warning once, at the nearest line that is neither ours nor PyTorch's."""

    def __init__(self) -> None:
        self.said: set[str] = set()

    def past_end(self, at: float, run: Run, axis: Axis) -> None:
        """An update was made past the end of the run."""
        whole = float(run.horizon(axis) or 0)
        self._say(
            PastEndWarning,
            f"training goes on past the end of the schedule: {at:.10g} {axis} of {whole:.10g}. The last value is held. "
            f"If the run is meant to be longer, say so: {run!r}.",
        )

    def overwritten(self, key: str, group: str, ours: float, found: float, position: int) -> None:
        """Somebody else has written a scheduled value."""
        self._say(
            OverwrittenWarning,
            f"{key} of group {group} was set to {found:g} by somebody else, where the schedule had written {ours:g}; "
            f"the schedule's value is written again from update {position} on. If the change is meant, put it into the "
            "schedule, or call scheduler.close() first.",
        )

    def second(self, position: int) -> None:
        """Another scheduler was on the optimizer, at a position."""
        self._say(
            SecondSchedulerWarning,
            f"this optimizer already has a scheduler, at position {position}; the new one takes over from its own "
            "position, with the base values that the first was given. If it is meant, old.close() first says so.",
        )

    def _say(self, category: type[RheostatWarning], message: str) -> None:
        if category.__name__ not in self.said:
            self.said.add(category.__name__)
            warnings.warn(message, category, stacklevel=_user_level())


def _user_level() -> int:
    """The stacklevel for warnings.warn, called by the caller, that names the user's line."""
    frame: FrameType | None = sys._getframe(2)
    level = 2
    while frame is not None and _internal(frame):
        frame, level = frame.f_back, level + 1
    return level if frame is not None else 2


def _internal(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith(_OURS) or str(frame.f_globals.get("__name__", "")).partition(".")[0] == "torch"
