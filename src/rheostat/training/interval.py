"""How often a run is saved."""

from __future__ import annotations

import time

from rheostat.errors import refuse
from rheostat.schedule import Run, Span
from rheostat.schedule.levels import count
from rheostat.schedule.span import SECONDS

DEFAULT = Span(10, "min")


class Interval:
    """Says when the next state is due, whatever the ends of epochs say.

    Args:
        every: updates, as a number; or a length with its unit: "50 steps", "0.5 epochs", "5%", "10 min".
        run: what converts the length into updates.

    Raises:
        ScheduleError: for anything else.
    """

    def __init__(self, every: int | str | Span | None, run: Run) -> None:
        self._updates: int | None = None
        self._seconds = 0.0
        self._last = time.monotonic()
        if isinstance(every, str) and every.strip().isdecimal():
            raise refuse("save_every", every, need="a length with a unit", mend=f"'{every.strip()} steps' or '10 min'")
        if every is None or isinstance(every, (str, Span)):
            span = DEFAULT if every is None else Span.of(every, "save_every")
            if span.unit in SECONDS:
                self._seconds = float(span.exact * SECONDS[span.unit])
            else:
                self._updates = max(1, round(run.convert(span, "updates", "save_every")))
        else:
            self._updates = count("save_every", every, least=1)

    def due(self, position: int) -> bool:
        """Whether to save after this many updates."""
        if self._updates is not None:
            return position % self._updates == 0
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
