"""What brings another state, another run or another group into a Scheduler while training goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from rheostat.driver import amend, change
from rheostat.driver import state as states
from rheostat.driver.arguments import add_group, check_group, run_of
from rheostat.driver.cadence import Cadence
from rheostat.driver.change import OnChange
from rheostat.driver.engine import Engine
from rheostat.driver.plan import curve_of, rules
from rheostat.errors import ScheduleError
from rheostat.schedule import Run, Schedule, Span
from rheostat.schedule.levels import Level, choice
from rheostat.schedule.levels import count as whole

if TYPE_CHECKING:
    from torch.optim import Optimizer

Spec = Schedule | str | Mapping[str, Schedule | str | Mapping[str, Schedule | str]]


class Changeable(Engine):
    """The part of the Scheduler with which a user changes it: restored, extended, cooled down, branched, joined."""

    on_change: OnChange
    changes: list[str]

    # State

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on: the position, metric states, and what they refer to, as plain JSON-able data."""
        self.look()
        self.guards.saved_at = self.position
        return states.encode(self)

    def load_state_dict(self, state_dict: dict[str, Any], *, on_change: OnChange | None = None) -> None:
        """Go on from a saved state; the optimizer holds the right values at once, whichever was restored first.

        Args:
            state_dict: what `state_dict()` gave.
            on_change: what to do where the code asks for another schedule, run, base value or group than the one that
                saved: "stop", "keep" (go on as saved), "adopt" (change at once; values may jump) or "rebase" (start
                from the values in force and reach the new end without a jump); by default as the Scheduler was told.
                `changes` says afterwards what differed. Where a run in epochs, samples or tokens has another batch
                size, "adopt" and "rebase" keep the place in the data.

        Raises:
            StateError: if it is damaged or not one of ours; nothing is changed.
            ResumeMismatch: if it differs, and on_change is "stop"; names each difference.
        """
        self.look()
        how = self.on_change if on_change is None else choice("on_change", on_change, change.CHOICES)
        saved = states.decode(state_dict)
        found = change.differences(saved, self)
        if found and (how == "stop" or saved.clock != self.clock):
            change.stop(saved, self, found)
        changed = bool(found) and how in ("adopt", "rebase")
        restored = change.adopt(saved, self, smooth=how == "rebase") if changed else change.keep(saved, self)
        before = self.position, self._elapsed, self.due
        self.position, self._elapsed, self.due = restored.position, saved.elapsed, saved.due
        self._origin = float(self.timer())
        try:
            self._take_up(restored.run, restored.entries, restored.metrics, saved.written)
        except ScheduleError:
            self.position, self._elapsed, self.due = before
            raise
        self.asked_run, self.changes = restored.asked_run, found
        self.have_stepped([stepped and not saved.due for stepped in saved.stepped])
        self.guards.saved_at = self.guards.loaded_at = self.position
        self.cadence = Cadence(self.clock, self.guards, len(self.optimizers))
        self.cadence.heard = self.position > 0

    # Changing it while it runs

    def extend(self, run: Run) -> None:
        """Train for longer, or to another end: the schedule over another run, begun at the values in force.

        Args:
            run: how long training is now, from its beginning.

        Raises:
            ScheduleError: if it ends before the present position, or the schedule does not fit; nothing is changed.

        Example:
            >>> import rheostat as rh, torch
            >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            >>> scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(steps=4), last_epoch=-1)
            >>> optimizer.step(); scheduler.step(); optimizer.step(); scheduler.step()
            >>> scheduler.extend(rh.Run(steps=6))
            >>> scheduler.curve.values()[2:]
            array([0.5  , 0.375, 0.25 , 0.125])
        """
        run = run_of(run)
        self.face_others()
        self._amend(run, amend.extended(self, run))

    def cooldown(self, *, over: Span | str, to: Level = 0.0, shape: str = "one_minus_sqrt", key: str = "lr") -> None:
        """Come to an end from here: from the values in force down to `to`, where the run then ends.

        Args:
            over: how long it takes; a share such as "10%" is one of the present run.
            to: the level at its end: a factor of the base value ≥ 0, or `absolute(value)`.
            shape: "one_minus_sqrt", "linear", "cosine", "polynomial" or "rex".
            key: what cools down. Other keys go on with their schedules, over the run that ends with the cooldown.

        Raises:
            ScheduleError: if `to` is above what is in force, or an argument does not fit; nothing is changed.

        Example:
            >>> import rheostat as rh, torch
            >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            >>> scheduler = rh.Scheduler(optimizer, "constant()")
            >>> optimizer.step(); scheduler.step()
            >>> scheduler.cooldown(over="4 steps", shape="linear")
            >>> scheduler.run, [scheduler.curve.at(t) for t in range(5)]
            (Run(steps=5), [1.0, 0.75, 0.5, 0.25, 0.0])

        Source: 1 − √ is what Hägele et al. 2024 (arXiv 2405.18392) found best for cooling down from a constant rate.
        """
        self.face_others()
        self._amend(*amend.cooled(self, over, to, shape, key))

    def branch(self, optimizer: Optimizer | Sequence[Optimizer] | None = None) -> Self:
        """A Scheduler for a copy of the optimizer, at the same place with the same schedule: for a second cooldown.

        Args:
            optimizer: the copy, or copies, whose groups are those of the trunk: `copy.deepcopy((model, optimizer))`.

        Returns:
            A Scheduler that goes its own way from here.

        Raises:
            SchedulerError: if it is not a copy; nothing is changed.
        """
        return self._on(amend.branch_optimizers(self, optimizer))

    def add_param_group(self, group: dict[str, Any], *, schedule: Spec | None = None, optimizer: int = 0) -> None:
        """Add a param group to an optimizer while training goes on.

        Groups may also be added by optimizer.add_param_group: they join the schedule of the others at the next update.

        Args:
            group: what optimizer.add_param_group takes; its "lr" is its base value.
            schedule: a schedule of its own, counted from this update over the rest of the run; by default the group
                joins the schedule of its name, or of all others.
            optimizer: which optimizer, by number.

        Raises:
            ScheduleError: if the schedule does not fit; the optimizer is left as it was.
        """
        check_group(group)
        target = self.optimizers[whole("optimizer", optimizer, most=len(self.optimizers) - 1)]
        own = {} if schedule is None else rules(schedule)
        self.face_others()
        index = self.optimizers.index(target), len(target.param_groups)
        for e in self._joining(*index, {**target.defaults, **group}, own):
            curve_of(e, self.run, self.axis)
        add_group(target, group)
        self.regroup(own)
        self.rewrite()
