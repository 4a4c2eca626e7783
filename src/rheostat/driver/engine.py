"""What moves when an update happens: the position, and with it the values in the groups."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Self

from torch.optim.lr_scheduler import LRScheduler

from rheostat.driver.amend import yielded
from rheostat.driver.arguments import ledger_of
from rheostat.driver.clock import Watch
from rheostat.driver.feedback import Feedback
from rheostat.driver.guards import Guards, keep_watch, stop_watch
from rheostat.driver.plan import Entry, Rules, curve_of, joining
from rheostat.driver.ranks import Reduce, first_ones
from rheostat.driver.writer import Writer
from rheostat.errors import PastEndWarning, SchedulerError

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from rheostat.driver.cadence import Cadence
    from rheostat.driver.columns import Foreign
    from rheostat.driver.feedback import Metrics
    from rheostat.ledger import Ledger
    from rheostat.schedule import Run
    from rheostat.schedule.run import Axis

Clock = Literal["updates", "calls", "epochs"]
OnOverwrite = Literal["reapply", "yield"]
_NOT_CARRIED = ("_watches", "writer", "_ledger")


class Engine(LRScheduler):
    """The inner half of the Scheduler: what its hooks call, and what it shares with them.

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

    @property
    def ledger(self) -> Ledger | None:
        """Where each update's values are recorded; it is told the run, to say the epoch of each."""
        return self._ledger

    @ledger.setter
    def ledger(self, ledger: Ledger | None) -> None:
        self._ledger = ledger_of(ledger)
        if ledger is not None:
            ledger.attach(self.run, axis="epochs" if self.axis == "epochs" else "updates")

    def axis_of(self, run: Run) -> Axis:
        """What positions would be on a curve over another run."""
        return "epochs" if self.clock == "epochs" else run.axis

    def counted(self, watch: Watch) -> None:
        """An update of one optimizer moved the weights; it is complete when each optimizer has stepped."""
        if self._several:
            watch.stepped = True
            if not all(w.stepped for w in self._watches):
                return
            for w in self._watches:
                w.stepped = False
        if self._ledger is not None:
            self._ledger.record(self.position, self.writer.used())
        self.position += 1
        self.due = True

    def stepped(self) -> list[bool]:
        """Which of several optimizers have made the update that is under way."""
        return [watch.stepped for watch in self._watches]

    def have_stepped(self, flags: list[bool]) -> None:
        """Take over what `stepped` said."""
        if len(flags) == len(self._watches):
            for watch, flag in zip(self._watches, flags, strict=True):
                watch.stepped = flag

    def look(self) -> None:
        """Notice groups that were added or replaced since the last update."""
        if any(watch.stale() for watch in self._watches):
            self.regroup()
            self.rewrite()

    def observed(self, watch: Watch) -> None:
        """An update of one optimizer moved the weights, on a clock that counts calls."""
        self.cadence.update(self._watches.index(watch), self.run)

    def write(self) -> None:
        """Write the values of the current position into the groups."""
        writer = self.writer
        at = self.position - writer.begin
        if not 0 <= at < writer.count:
            at = self.row()
        found = None
        for column in writer.columns:
            foreign = column.write(at)
            if foreign:
                found = [*(found or []), *foreign]
        self.due = False
        if found:
            self._overwritten(found)

    def _overwritten(self, foreign: list[Foreign]) -> None:
        """Somebody else has written scheduled values; ours are back, or make way."""
        taken = [(i, found) for i, _, found in foreign if 0 <= found < math.inf] if self.on_overwrite == "yield" else []
        yields = bool(taken)
        if taken:
            entries = list(self.entries)
            for i, found in taken:
                entries[i] = yielded(entries[i], found)
            self._amend(self.run, entries)
        i, ours, found = foreign[0]
        e = self.entries[i]
        self.guards.overwritten(f"{e.key} of group {e.label}", ours, found, self.position, yields=yields)

    def rewrite(self) -> list[Foreign]:
        """Write what the groups should hold now, whatever they hold; what they held of others."""
        row = self.row(self.position - 1 if self.due else None)
        return [foreign for column in self.writer.columns for foreign in column.write(row) or ()]

    def face_others(self) -> None:
        """Notice what somebody else has written, while it can still be told apart from what a change writes."""
        self.look()
        found = self.rewrite()
        if found:
            self._overwritten(found)

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

    def _on(self, optimizers: list[Optimizer]) -> Self:
        """A copy of this scheduler on copies of its optimizers."""
        twin = object.__new__(type(self))
        kept = {**self.__getstate__(), "optimizers": optimizers, "optimizer": optimizers[0]}
        feedback = Feedback(dict(self.feedback.states))
        feedback.ever = self.feedback.ever
        twin.__setstate__({**kept, "feedback": feedback, "guards": Guards(strict=self.guards.strict)})
        if not twin.due:
            twin.rewrite()
        return twin

    def curve_end(self) -> float:
        """The first scheduled value where the run ends."""
        e = self.entries[0]
        curve = curve_of(e, self.run, self.axis)
        return curve.at(curve.length or 0, self.feedback.of(curve, (e.schedule, e.since)))

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

    def row(self, position: int | None = None) -> int:
        """The row of a position, by default the current one, computed if need be."""
        writer = self.writer
        position = self.position if position is None else max(position, 0)
        if not 0 <= position - writer.begin < writer.count:
            at = self.coordinate(position)
            self._check_end(position, at)
            writer.fill(position, at, self.feedback.signals(writer.tracks))
        return position - writer.begin

    def close(self) -> None:
        """Let go of the optimizers; their groups keep the values they have."""
        stop_watch(self)
        for watch in self._watches:
            watch.close()
        self._watches = []

    def elapsed(self) -> float:
        """Seconds of this run so far, over all its sessions; 0 where the run is not a matter of time."""
        if self.axis != "seconds":
            return 0.0
        now = float(self.timer())
        if math.isfinite(now):  # a reading that is no time says nothing; the next one does
            self._elapsed, self._origin = self._elapsed + max(0.0, now - self._origin), now
        return self._elapsed

    def __getstate__(self) -> dict[str, Any]:
        self.elapsed()
        kept = {name: value for name, value in self.__dict__.items() if name not in _NOT_CARRIED}
        return {**kept, "_stepped": self.stepped(), "_written": self.writer.coordinate}

    def __setstate__(self, state: dict[str, Any]) -> None:
        stepped, written = state["_stepped"], state["_written"]
        self.__dict__.update({name: value for name, value in state.items() if name not in ("_stepped", "_written")})
        self._ledger = None
        self._origin = float(self.timer())
        self.writer = Writer(self.optimizers, self.entries, self.run, self.axis)
        self.cadence = self.cadence.on(self.guards)
        self._watches = [Watch(self, optimizer) for optimizer in self.optimizers]
        self.regroup()
        self.have_stepped(stepped)
        if self.axis == "seconds":
            self.writer.fill(self.position - self.due, written, self.feedback.signals(self.writer.tracks))
        if not self.due:  # for a group that was added just before; and to know from now on what others write
            self.rewrite()
        self.guards.saved_at = self.position  # what is only kept, and makes no update, did not end early
        keep_watch(self)
