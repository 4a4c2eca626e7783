"""What moves when an update happens: the position, and with it the values in the groups."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

from rheostat.driver.amend import yielded
from rheostat.driver.clock import Watch
from rheostat.driver.feedback import Feedback
from rheostat.driver.guards import Guards, keep_watch, stop_watch
from rheostat.driver.scheduled import Scheduled
from rheostat.driver.writer import Writer

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from rheostat.driver.columns import Foreign

_NOT_CARRIED = ("_watches", "writer", "_ledger")


class Engine(Scheduled):
    """What the Scheduler's hooks call at each update, and what it carries to copies of itself."""

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

    def face_others(self) -> None:
        """Notice what somebody else has written, while it can still be told apart from what a change writes."""
        self.look()
        found = self.rewrite()
        if found:
            self._overwritten(found)

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

    def close(self) -> None:
        """Let go of the optimizers; their groups keep the values they have."""
        stop_watch(self)
        for watch in self._watches:
            watch.close()
        self._watches = []

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
