"""How calls of step() and the optimizers' updates alternate, and what it means where they do not as the clock says."""

from __future__ import annotations

import math
from copy import copy
from typing import TYPE_CHECKING

from rheostat.errors import CadenceWarning, NotCalledWarning, OrderWarning

if TYPE_CHECKING:
    from rheostat.driver.guards import Guards
    from rheostat.driver.scheduled import Clock
    from rheostat.schedule import Run

_PATIENCE = 100  # updates without a call before silence is taken for an oversight, if no epoch is declared
_EPOCHS = 2  # epochs without a call at their end, likewise
_TWICE, _SURE = 2, 3  # the same number of updates between calls so often is a rhythm
_SHORTEST = 8  # a rhythm of fewer updates is not taken for an epoch


class Cadence:
    """Watches the rhythm of calls and updates, and speaks through the guards.

    On the clocks "calls" and "epochs" it hears of each update and each call. A loop whose updates it never hears of (a
    captured CUDA graph, an optimizer without hooks) says nothing. On the clock "updates" no rhythm can do harm; there
    it only compares calls that come once an epoch with the epoch that the run declares.

    Args:
        clock: the Scheduler's.
        guards: what speaks.
        optimizers: how many there are.
    """

    def __init__(self, clock: Clock, guards: Guards, optimizers: int) -> None:
        self.clock, self.guards = clock, guards
        self.updates = [0] * optimizers  # since the last call, of each optimizer
        self.calls = 0  # since the last update
        self.heard = self.called = False
        self.unprompted = 0  # updates whose values nobody called for
        self.rhythm, self.repeats = 0, 0

    def on(self, guards: Guards) -> Cadence:
        """What was heard so far, for a copy of the scheduler: a call may follow an update that was made before."""
        twin = copy(self)
        twin.guards, twin.updates = guards, [*self.updates]
        return twin

    def update(self, optimizer: int, run: Run) -> None:
        """An optimizer has made an update."""
        if not self.guards.rhythm:
            return
        if self.calls > 1 and self.heard:
            self._several_calls()
        elif self.calls == 1 and not self.heard:
            self._call_first()
        self.heard, self.calls = True, 0
        self.updates[optimizer] += 1
        if not self.called:
            self._never_called(run)

    def call(self, run: Run) -> None:
        """Somebody has called step()."""
        if not self.guards.rhythm:
            return
        several = [n for n in self.updates if n]
        self.updates = [0] * len(self.updates)
        self.calls += 1
        self.called = True
        if several:
            self._beat(min(several), run)

    def call_is_due(self, run: Run) -> bool:
        """Whether what a call counts is over, as far as updates tell, and the call has not come yet."""
        whole = self._whole(run)
        return whole is not None and min(self.updates) >= whole

    def _whole(self, run: Run) -> float | None:
        """The updates that one call counts, where that is known."""
        return {"updates": None, "calls": 1, "epochs": run.steps_per_epoch}[self.clock]

    def call_after_unprompted(self, run: Run, *, due: bool, evaluated: bool) -> None:
        """With the clock "updates", step() is called for the first time in several updates.

        With a metric it follows an evaluation, which may come at any interval.
        """
        if evaluated:
            self.repeats = 0
        else:
            self._beat(self.unprompted + due, run)
        self.unprompted = 0

    def _beat(self, updates: int, run: Run) -> None:
        """A call after so many updates; the same again is a rhythm, which is compared with what the clock means."""
        self.repeats = self.repeats + 1 if updates == self.rhythm else 1
        self.rhythm = updates
        declared = run.steps_per_epoch
        if self.repeats == _TWICE:
            if self.clock == "calls" and updates > 1:
                self._several_updates(updates)
            elif self.clock == "epochs" and declared is not None and updates != declared:
                self._other_epoch(updates, declared)
        if self.repeats == _SURE and self.clock == "updates" and declared is not None:
            self._compare(updates, declared)

    def _compare(self, updates: int, declared: int) -> None:
        if updates != declared and max(_SHORTEST, declared / 2) < updates < declared * 2:
            self._other_length(updates, declared)

    def _several_calls(self) -> None:
        ahead = "each call is an update" if self.clock == "calls" else "each call ends an epoch"
        self.guards.say(
            CadenceWarning,
            f"scheduler.step() was called {self.calls} times between two updates of the optimizer. With "
            f"clock={self.clock!r} {ahead}, so the schedule runs ahead: a call for each micro-batch or process, or an "
            'update that mixed precision skipped. Try the default, clock="updates", which counts the updates.',
        )

    def _call_first(self) -> None:
        self.guards.say(
            OrderWarning,
            "scheduler.step() was called before the first update of the optimizer: it comes before optimizer.step(), "
            f"or mixed precision skipped that update. With clock={self.clock!r} every update then gets the next one's "
            'value. Try scheduler.step() after optimizer.step(); or the default, clock="updates", for which the order '
            "is nothing and a skipped update none.",
        )

    def _several_updates(self, updates: int) -> None:
        self.guards.say(
            CadenceWarning,
            f"the optimizer makes {updates} updates for each scheduler.step(). With clock='calls' each call is one "
            f'update, so the schedule is {updates} times too slow. Try the default, clock="updates"; or, if a call '
            'ends an epoch, clock="epochs".',
        )

    def _other_epoch(self, updates: int, declared: int) -> None:
        what = "once an update" if updates == 1 else f"every {updates} updates"
        follows = f"the schedule is {declared / updates:.3g} times too fast" if updates < declared else "too slow"
        self.guards.say(
            CadenceWarning,
            f"scheduler.step() is called {what}. With clock='epochs' each call ends an epoch, and the Run says "
            f"steps_per_epoch={declared}: {follows}, or the Run is wrong. Try one call at the end of each epoch, "
            f'steps_per_epoch={updates}, or the default, clock="updates".',
        )

    def _other_length(self, updates: int, declared: int) -> None:
        self.guards.say(
            CadenceWarning,
            f"scheduler.step() is called every {updates} updates; the Run says steps_per_epoch={declared}. If a "
            f"call ends an epoch, whatever is counted in epochs is {declared / updates:.3g} times as long as an epoch "
            f"really is: try steps_per_epoch={updates} then; with accumulation over k batches it is ceil(batches / k). "
            "If not, nothing is wrong: the calls move nothing on this clock.",
        )

    def never_called(self, run: Run) -> str | None:
        """At the end of the program: what to say if calls were due, and none came."""
        whole = self._whole(run)
        made = min(self.updates)
        # The last updates may be left without their call, by a program that needs no further value.
        overdue = whole is not None and made > whole and not self.called
        return self._stands_still(made) if overdue else None

    def _never_called(self, run: Run) -> None:
        made = max(self.updates)
        declared = run.steps_per_epoch
        most: float = declared or _PATIENCE
        if self.clock == "epochs":
            most = _EPOCHS * declared if declared else math.inf
        if made > most:
            self.guards.say(NotCalledWarning, self._stands_still(made))

    def _stands_still(self, made: int) -> str:
        when = "each update" if self.clock == "calls" else "each epoch"
        return (
            f"the optimizer has made {made} updates, and scheduler.step() was never called. With "
            f"clock={self.clock!r} it moves the schedule, which stands still. Try calling it after {when}, or the "
            'default, clock="updates", which needs no call.'
        )
