"""The Scheduler: the thin shell between a curve and an optimizer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import torch

from rheostat.driver import change, takeover
from rheostat.driver.arguments import first_reading, optimizers_of, run_of
from rheostat.driver.cadence import Cadence
from rheostat.driver.change import OnChange
from rheostat.driver.changeable import Changeable, Spec
from rheostat.driver.clock import Watch, uncompiled
from rheostat.driver.feedback import Feedback
from rheostat.driver.guards import Guards, keep_watch
from rheostat.driver.plan import Rules, curve_of, in_force, plan, rules
from rheostat.driver.ranks import Reduce, agree, as_number
from rheostat.driver.scheduled import Clock, OnOverwrite
from rheostat.driver.second import find_older, rebase, replace_older
from rheostat.driver.writer import Writer
from rheostat.errors import ScheduleError, SchedulerError, refuse
from rheostat.schedule import Curve, Run
from rheostat.schedule.levels import choice, flag
from rheostat.schedule.levels import count as whole

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from rheostat.ledger import Ledger


class Scheduler(Changeable):
    """Writes a schedule's values into an optimizer, at the right updates, whichever way the loop calls it.

    By default it counts the updates that really happened, through hooks on the optimizer. `step()` after
    `optimizer.step()` shows the next update's values in the groups; left out, they are written just before the next
    update. Called twice, per micro-batch, per process, or on a skipped mixed-precision step it changes nothing.

    Args:
        optimizer: a torch.optim.Optimizer, or a list of them on one clock: an update is complete when each has stepped.
        schedule: a Schedule or its text, for "lr" of all groups; or {key: schedule} for other keys ("momentum",
            "betas[0]", "weight_decay", …); or {key: {group name or number: schedule, "*": all others}}.
        run: how long training is; needed unless the schedule does not depend on it.
        clock: "updates" (count the optimizer's updates), "calls" (each step() is an update: captured CUDA graphs,
            optimizers without hooks) or "epochs" (each step() ends an epoch).
        last_epoch: position to start from, minus one, as PyTorch's schedulers take it; −1 starts anew. From 0 on the
            groups must hold "initial_lr".
        timer: what measures seconds for a wall-clock run; any function that returns a float.
        reduce: "mean" averages a reported metric over all processes; "none" takes each process's own.
        ledger: where to record what each update used.
        on_change: what loading a state does where it and the code disagree: see `load_state_dict`.
        on_overwrite: what to do where somebody else writes a scheduled value: "reapply" the schedule's, or "yield",
            after which the schedule leaves that value alone.
        strict: raise SchedulerError where a warning would be given.

    Raises:
        ScheduleError: if the schedule, run or a base value does not fit; the optimizer is left as it was.
        SchedulerError: if `optimizer` is not one.

    Example:
        >>> import rheostat as rh, torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> scheduler = rh.Scheduler(optimizer, "warmup('2 steps') >> linear()", rh.Run(steps=4))
        >>> used = []
        >>> for _ in range(4):
        ...     used.append(scheduler.get_last_lr()[0])
        ...     optimizer.step()
        ...     scheduler.step()
        >>> used
        [0.05, 0.1, 0.1, 0.05]

    The base value that factors multiply is the group's `initial_lr` (as PyTorch's schedulers leave it in the group and
    in checkpoints) where there is one, else its `lr`.
    """

    def __init__(
        self,
        optimizer: Optimizer | Sequence[Optimizer],
        schedule: Spec,
        run: Run | None = None,
        *,
        clock: Clock = "updates",
        last_epoch: int = -1,
        timer: Callable[[], float] = time.monotonic,
        reduce: Reduce = "mean",
        ledger: Ledger | None = None,
        on_change: OnChange = "stop",
        on_overwrite: OnOverwrite = "reapply",
        strict: bool = False,
    ) -> None:
        self.clock: Clock = cast("Clock", choice("clock", clock, ("updates", "calls", "epochs")))
        self.reduce: Reduce = cast("Reduce", choice("reduce", reduce, ("mean", "none")))
        self.on_change: OnChange = cast("OnChange", choice("on_change", on_change, change.CHOICES))
        self.run = self.asked_run = run_of(run)
        self.changes: list[str] = []
        self.optimizers = optimizers_of(optimizer)
        self.optimizer, self._several = self.optimizers[0], len(self.optimizers) > 1
        self.rules: Rules = rules(schedule)
        self.position = whole("last_epoch", last_epoch, least=-1) + 1
        older = find_older(self.optimizers, self.rules)
        self.entries = rebase(plan(self.optimizers, self.rules), self.optimizers, older)
        self.writer = Writer(self.optimizers, self.entries, self.run, self.axis)
        if self.position and not all(f"initial_{e.key}" in self.writer.group(e) for e in self.entries):
            raise refuse("last_epoch", last_epoch, need="groups with initial_lr", mend="load_state_dict instead")
        self.on_overwrite: OnOverwrite = cast("OnOverwrite", choice("on_overwrite", on_overwrite, ("reapply", "yield")))
        self.feedback, self.guards = Feedback(), Guards(strict=flag("strict", strict))
        self.cadence = Cadence(self.clock, self.guards, len(self.optimizers))
        self.feedback.start(self.writer.tracks)
        self._elapsed, self._origin = 0.0, first_reading(timer)
        self.timer, self.ledger = timer, ledger
        self.due = False  # an update has happened, and the next one's values are not written yet
        self._step_count = self.position + 1  # Accelerate counts micro-batches here; nothing depends on it
        # Everything that can be refused has been; only now is the optimizer touched.
        replace_older(older, self.guards)
        self.writer.regroup()
        self._watches = [Watch(self, optimizer) for optimizer in self.optimizers]
        self.rewrite()
        keep_watch(self)

    # What a training loop calls

    @uncompiled
    def step(self, metric: float | None = None) -> None:
        """Write the next update's values; with a metric, report it first.

        With the default clock it changes nothing unless an update has happened since the last call.

        Args:
            metric: a number for the schedule's metric-driven parts, as `report` takes it.
        """
        if metric is not None:
            self._hear(metric, repeats=self.clock == "updates")
        if self.cadence.unprompted:
            self.cadence.call_after_unprompted(self.run, due=self.due, evaluated=metric is not None)
        if self.due:
            self.write()
        elif self.clock != "updates":
            self.look()
            self.cadence.call(self.run)
            if self._ledger is not None:
                self._ledger.record(self.position, self.writer.used())
            self.position += 1
            self.write()

    @uncompiled
    def report(self, metric: float) -> None:
        """Tell metric-driven parts (plateau) how training goes; a cut takes effect at the next update.

        In a distributed run every process calls it, and all act on the mean. NaN and ±inf are ignored.

        Args:
            metric: the number, a Python number or a one-element tensor.

        Raises:
            SchedulerError: if the schedule has no metric-driven part.
            ScheduleError: if the metric is not a number.
        """
        self._hear(metric, repeats=False)

    def _hear(self, metric: float, *, repeats: bool) -> None:
        """Take in a metric, unless it may be, and is, a repeat of the last one: decided alike by all processes."""
        number = as_number(metric)
        self.feedback.listening()
        number = agree(number, self.reduce)
        if self.feedback.repeated(self.position, number) and repeats:
            return
        before = self.feedback.signals(self.writer.tracks)
        self.feedback.hear(self.writer.tracks, number, self.coordinate(self.position))
        if self.feedback.signals(self.writer.tracks) != before:
            self.writer.forget()
            if not self.due:
                self.write()

    @uncompiled
    def get_last_lr(self) -> list[float]:  # type: ignore[override]
        """The learning rate in each group now: after optimizer.step() the one it used, after step() the next one."""
        self.look()
        return self.writer.of_groups("lr", [column.read() for column in self.writer.columns])

    @uncompiled
    def get_lr(self) -> list[float | torch.Tensor]:
        """The learning rate of each group at the current position, from the position alone; changes nothing."""
        self.look()
        row = self.row()
        planned = self.writer.of_groups("lr", [column.rows[row] for column in self.writer.columns])
        held = [group["lr"] for optimizer in self.optimizers for group in optimizer.param_groups if "lr" in group]
        return [
            torch.full_like(now, value, requires_grad=False) if isinstance(now, torch.Tensor) else value
            for now, value in zip(held, planned, strict=True)
        ]

    @property
    def curve(self) -> Curve:
        """The curve of the first scheduled value, with its base value."""
        return curve_of(self.entries[0], self.run, self.axis)

    @property
    def base_lrs(self) -> list[float]:  # type: ignore[override]
        """The base value of each group's learning rate."""
        found = {(e.optimizer, e.group): e.base for e in self.entries if e.key == "lr"}
        return [found[place] for place in sorted(found)]

    @property
    def last_epoch(self) -> int:
        """The position: how many updates (with clock "epochs": epochs) are done."""
        return self.position

    @last_epoch.setter
    def last_epoch(self, value: int) -> None:
        whole("last_epoch", value, most=10**15)
        # ignite advances schedulers by writing here; with the default clock the update itself is what counts.
        if self.clock != "updates" and value == self.position + 1:
            self.step()
        elif value not in (self.position, self.position + 1):
            raise SchedulerError(f"last_epoch={value}: the position is counted, not set. Try load_state_dict.")

    @classmethod
    def from_torch(
        cls,
        scheduler: LRScheduler,
        run: Run | None = None,
        *,
        schedule: Spec | None = None,
        clock: Clock = "calls",
        **options: Any,
    ) -> Self:
        """Take over from one of PyTorch's schedulers, at the learning rate where it stands.

        Call `step()` where the old one was called. It can be restored from a checkpoint first: what it holds counts.

        Args:
            scheduler: one of PyTorch's; it must not be called any more.
            run: how long training is, in calls (with clock "epochs" in epochs); needed with `schedule`.
            schedule: what to go on with, from the learning rate in force to its own end; by default what the old one
                amounts to. Needed for LambdaLR and MultiplicativeLR, which are code.
            clock: "calls", as PyTorch counts; "updates", if the old one was called once an update; or "epochs".
            options: `timer`, `reduce`, `ledger` … of the Scheduler.

        Returns:
            A Scheduler at the same position.

        Raises:
            SchedulerError: if it is none of PyTorch's, or cannot be read; the optimizer is left as it was.
            ScheduleError: if an argument does not fit; likewise.

        Example:
            >>> import rheostat as rh, torch
            >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            >>> old = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
            >>> for _ in range(3):
            ...     optimizer.step(); old.step()
            >>> new = rh.Scheduler.from_torch(old)
            >>> new.get_last_lr(), new.curve.schedule
            ([0.5], step(every='2 steps', factor=0.5))
        """
        choice("clock", clock, ("updates", "calls", "epochs"))
        if "last_epoch" in options:
            need = "nothing: the position is that of the scheduler taken over"
            raise refuse("last_epoch", options["last_epoch"], need=need)
        taken = takeover.read(scheduler, clock) if schedule is None else takeover.with_schedule(scheduler, schedule)
        optimizer = scheduler.optimizer
        with takeover.bases(optimizer, taken):
            made = cls(optimizer, taken.spec(optimizer), run, clock=clock, last_epoch=taken.position - 1, **options)
            try:
                made._amend(made.run, [takeover.at_value(made, e, taken) for e in made.entries])
            except ScheduleError:
                made.close()
                raise
        made.guards.rhythm = False  # how many updates the old one had for a call, only its user knows
        return made

    def __repr__(self) -> str:
        return f"Scheduler({in_force(self.entries)}, {self.run!r}, clock={self.clock!r}, position={self.position})"
