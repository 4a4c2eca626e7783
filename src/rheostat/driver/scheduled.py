"""What is scheduled: what drives every value, and the row of values that the groups hold at a position."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from torch.optim.lr_scheduler import LRScheduler

from rheostat.driver.arguments import ledger_of
from rheostat.driver.feedback import Feedback
from rheostat.driver.guards import Guards
from rheostat.driver.plan import Entry, Rules, curve_of, joining
from rheostat.driver.ranks import Reduce, first_ones
from rheostat.driver.writer import Writer
from rheostat.errors import PastEndWarning, SchedulerError

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from rheostat.driver.cadence import Cadence
    from rheostat.driver.clock import Watch
    from rheostat.driver.columns import Foreign
    from rheostat.driver.feedback import Metrics
    from rheostat.ledger import Ledger
    from rheostat.schedule import Run
    from rheostat.schedule.run import Axis

Clock = Literal["updates", "calls", "epochs"]
OnOverwrite = Literal["reapply", "yield"]


class Scheduled(LRScheduler):
    """The innermost part of the Scheduler: what is scheduled now, as groups come and schedules are replaced.

    Attributes:
        optimizers: what is driven.
        entries: every scheduled value: where it is, its base, and the schedule in force.
        run: how long training is now; `asked_run` is what the code said, before training was extended.
        position: updates (with clock "epochs": epochs) done.
        due: whether an update has happened since the values were last written.
        writer: brings values into the groups.
        feedback: the states of metric-driven parts.
        guards: says what looks wrong.
        cadence: compares calls with updates.
    """

    clock: Clock
    run: Run
    asked_run: Run
    optimizers: list[Optimizer]
    rules: Rules
    position: int
    entries: list[Entry]
    writer: Writer
    feedback: Feedback
    guards: Guards
    cadence: Cadence
    on_overwrite: OnOverwrite
    reduce: Reduce
    timer: Callable[[], float]
    due: bool
    _several: bool
    _ledger: Ledger | None
    _elapsed: float
    _origin: float
    _watches: list[Watch]

    @property
    def axis(self) -> Axis:
        """What positions are on the curve: updates, epochs or seconds."""
        return self.axis_of(self.run)

    def axis_of(self, run: Run) -> Axis:
        """What positions would be on a curve over another run."""
        return "epochs" if self.clock == "epochs" else run.axis

    @property
    def ledger(self) -> Ledger | None:
        """Where each update's values are recorded; it is told the run, to say the epoch of each."""
        return self._ledger

    @ledger.setter
    def ledger(self, ledger: Ledger | None) -> None:
        self._ledger = ledger_of(ledger)
        if ledger is not None:
            ledger.attach(self.run, axis="epochs" if self.axis == "epochs" else "updates")

    def rewrite(self) -> list[Foreign]:
        """Write what the groups should hold now, whatever they hold; what they held of others."""
        row = self.row(self.position - 1 if self.due else None)
        return [foreign for column in self.writer.columns for foreign in column.write(row) or ()]

    def row(self, position: int | None = None) -> int:
        """The row of a position, by default the current one, computed if need be."""
        writer = self.writer
        position = self.position if position is None else max(position, 0)
        if not 0 <= position - writer.begin < writer.count:
            at = self.coordinate(position)
            self._check_end(position, at)
            writer.fill(position, at, self.feedback.signals(writer.tracks))
        return position - writer.begin

    def coordinate(self, position: int) -> float:
        """Where a position, about the present, is on the axis; by the clock, all processes go by the first one's."""
        if self.axis != "seconds":
            return float(position)
        return first_ones(self.elapsed(), self.reduce)

    def _check_end(self, position: int, at: float) -> None:
        """Say so if the update before a position was made past the end; the last of a timed run may end late."""
        timed = self.axis == "seconds"
        if timed and position <= self.guards.loaded_at:
            return  # that update was made before the run was restored
        used = self.writer.coordinate if timed else at - 1
        whole_run = self.run.horizon(self.axis)
        if whole_run is not None and used >= whole_run and (not timed or self.writer.begin < position):
            self.guards.past_end(at, self.run, self.axis)

    def curve_end(self) -> float:
        """The first scheduled value where the run ends."""
        e = self.entries[0]
        curve = curve_of(e, self.run, self.axis)
        return curve.at(curve.length or 0, self.feedback.of(curve, (e.schedule, e.since)))

    def elapsed(self) -> float:
        """Seconds of this run so far, over all its sessions; 0 where the run is not a matter of time."""
        if self.axis != "seconds":
            return 0.0
        now = float(self.timer())
        if math.isfinite(now):  # a reading that is no time says nothing; the next one does
            self._elapsed, self._origin = self._elapsed + max(0.0, now - self._origin), now
        return self._elapsed

    def regroup(self, own: Rules | None = None) -> None:
        """Look all groups up again, and take in those that were added."""
        for o, optimizer in enumerate(self.optimizers):
            known = {e.group for e in self.entries if e.optimizer == o}
            if known and max(known) >= len(optimizer.param_groups):
                raise SchedulerError(
                    f"optimizer {o} has {len(optimizer.param_groups)} groups, {max(known) + 1} are scheduled. After "
                    "groups were removed, a new Scheduler(..., last_epoch=old.last_epoch - 1) goes on with those left."
                )
            for g, group in enumerate(optimizer.param_groups):
                if g not in known:
                    self.entries = [*self.entries, *self._joining(o, g, group, own or {})]
        if len(self.entries) != len(self.writer.entries):
            self.writer = Writer(self.optimizers, self.entries, self.run, self.axis)
            self.feedback.start(self.writer.tracks)
        self.writer.regroup()
        for watch in self._watches:
            watch.look()

    def _joining(self, o: int, g: int, group: dict[str, Any], own: Rules) -> list[Entry]:
        since = self.elapsed() if self.axis == "seconds" else self.position + self.cadence.call_is_due(self.run)
        taken = {e.label for e in self.entries}
        new = joining(o, g, group, self.rules, own, optimizers=len(self.optimizers), taken=taken, since=since)
        return [e if e.key in own else self._as_others(e) for e in new]

    def _as_others(self, e: Entry) -> Entry:
        """A group that joins takes what the others have in force, where that is no longer what was asked for."""
        for other in self.entries:
            if other.key == e.key and other.asked is not None and other.asked[0] == repr(e.schedule):
                return e.amended(other.schedule, other.since)
        return e

    def _take_up(self, run: Run, entries: list[Entry], metrics: Metrics, written: float | None = None) -> None:
        """Go on with other schedules in force; nothing is changed where they do not fit.

        Of a timed run that is restored, the groups get the values of when they were `written`, not those of now.
        """
        writer = Writer(self.optimizers, entries, run, self.axis_of(run))
        feedback = Feedback(metrics)
        feedback.start(writer.tracks)
        feedback.signals(writer.tracks)
        feedback.ever = feedback.ever or self.feedback.ever
        self.run, self.entries, self.writer, self.feedback = run, entries, writer, feedback
        self.ledger = self._ledger
        self.regroup()
        if written is not None and self.axis == "seconds":
            at = first_ones(written, self.reduce)
            self.writer.fill(self.position - self.due, at, feedback.signals(self.writer.tracks))
            self.rewrite()
        elif not self.due:  # else the groups show what was used, until the next update's values are due
            self.rewrite()

    def _amend(self, run: Run, entries: list[Entry]) -> None:
        """Go on with amended entries, each hearing what it heard before if it still listens."""
        curves = [curve_of(e, run, self.axis_of(run)) for e in entries]
        metrics = {
            (new.schedule, new.since): self.feedback.states[old.schedule, old.since] if curve.controls else []
            for new, old, curve in zip(entries, self.entries, curves, strict=True)
        }
        self._take_up(run, entries, metrics)
        self.guards.said.discard(PastEndWarning.__name__)
