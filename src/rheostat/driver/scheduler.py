"""The Scheduler: the thin shell between a curve and an optimizer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch.optim.lr_scheduler import LRScheduler

from rheostat.driver import state as states
from rheostat.driver.clock import Watch, uncompiled, unwrapped
from rheostat.driver.feedback import Feedback
from rheostat.driver.guards import Guards
from rheostat.driver.plan import Entry, Rules, curve_of, joining, plan, rules
from rheostat.driver.ranks import Reduce, agree, as_number
from rheostat.driver.second import find_older, rebase, replace_older
from rheostat.driver.writer import Writer
from rheostat.errors import SchedulerError, refuse
from rheostat.schedule import Curve, Run, Schedule
from rheostat.schedule.levels import choice
from rheostat.schedule.levels import count as whole

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from rheostat.ledger import Ledger
    from rheostat.schedule.run import Axis

Clock = Literal["updates", "calls", "epochs"]
Spec = Schedule | str | Mapping[str, Schedule | str | Mapping[str, Schedule | str]]


class Scheduler(LRScheduler):
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
    ) -> None:
        self.clock: Clock = cast("Clock", choice("clock", clock, ("updates", "calls", "epochs")))
        self.reduce: Reduce = cast("Reduce", choice("reduce", reduce, ("mean", "none")))
        self.run = _run(run)
        self.optimizers = _optimizers(optimizer)
        self.optimizer, self._several = self.optimizers[0], len(self.optimizers) > 1
        self.rules: Rules = rules(schedule)
        self.position = whole("last_epoch", last_epoch, least=-1) + 1
        older = find_older(self.optimizers, self.rules)
        self.entries = rebase(plan(self.optimizers, self.rules), self.optimizers, older)
        self.writer = Writer(self.optimizers, self.entries, self.run, self.axis)
        if self.position and not all(f"initial_{e.key}" in self.writer.group(e) for e in self.entries):
            raise refuse("last_epoch", last_epoch, need="groups with initial_lr", mend="load_state_dict instead")
        self.feedback, self.guards = Feedback(), Guards()
        self.feedback.start(self.writer.tracks)
        self.timer, self.ledger = timer, ledger
        self.due = False  # an update has happened, and the next one's values are not written yet
        self._step_count = self.position + 1  # Accelerate counts micro-batches here; nothing depends on it
        self._elapsed, self._origin = 0.0, float(timer())
        # Everything that can be refused has been; only now is the optimizer touched.
        replace_older(older, self.guards)
        self.writer.regroup()
        self._watches = [Watch(self, optimizer) for optimizer in self.optimizers]
        self.rewrite()

    # What a training loop calls

    @uncompiled
    def step(self, metric: float | None = None) -> None:
        """Write the next update's values; with a metric, report it first.

        With the default clock it changes nothing unless an update has happened since the last call.

        Args:
            metric: a number for the schedule's metric-driven parts, as `report` takes it.
        """
        if metric is not None and not (
            self.feedback.repeated(self.position, as_number(metric)) and self.clock == "updates"
        ):
            self.report(metric)
        if self.due:
            self.write()
        elif self.clock != "updates":
            if any(watch.stale() for watch in self._watches):
                self.regroup()
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
        number = as_number(metric)
        self.feedback.listening()
        before = self.feedback.signals(self.writer.tracks)
        self.feedback.hear(self.writer.tracks, agree(number, self.reduce), self._coordinate(self.position))
        if self.feedback.signals(self.writer.tracks) != before:
            self.writer.forget()
            if not self.due:
                self.write()

    @uncompiled
    def get_last_lr(self) -> list[float]:  # type: ignore[override]
        """The learning rate in each group now: after optimizer.step() the one it used, after step() the next one."""
        return self.writer.of_groups("lr", [column.read() for column in self.writer.columns])

    @uncompiled
    def get_lr(self) -> list[float | torch.Tensor]:
        """The learning rate of each group at the current position, from the position alone; changes nothing."""
        row = self._row()
        planned = self.writer.of_groups("lr", [column.rows[row] for column in self.writer.columns])
        held = [group["lr"] for optimizer in self.optimizers for group in optimizer.param_groups if "lr" in group]
        return [
            torch.full_like(now, value, requires_grad=False) if isinstance(now, torch.Tensor) else value
            for now, value in zip(held, planned, strict=True)
        ]

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
        target = self.optimizers[whole("optimizer", optimizer, most=len(self.optimizers) - 1)]
        own = {} if schedule is None else rules(schedule)
        self.regroup()
        index = self.optimizers.index(target), len(target.param_groups)
        for e in self._joining(*index, {**target.defaults, **group}, own):
            curve_of(e, self.run, self.axis)
        target.add_param_group(group)
        self.regroup(own)
        self.rewrite()

    @property
    def curve(self) -> Curve:
        """The curve of the first scheduled value, with its base value."""
        return curve_of(self.entries[0], self.run, self.axis)

    @property
    def axis(self) -> Axis:
        """What positions are on the curve: updates, epochs or seconds."""
        return "epochs" if self.clock == "epochs" else self.run.axis

    @property
    def base_lrs(self) -> list[float]:  # type: ignore[override]
        """The base value of each group's learning rate."""
        return [e.base for e in self.entries if e.key == "lr"]

    @property
    def last_epoch(self) -> int:
        """The position: how many updates (with clock "epochs": epochs) are done."""
        return self.position

    @last_epoch.setter
    def last_epoch(self, value: int) -> None:
        # ignite advances schedulers by writing here; with the default clock the update itself is what counts.
        if self.clock != "updates" and value == self.position + 1:
            self.step()
        elif value not in (self.position, self.position + 1):
            raise SchedulerError(f"last_epoch={value}: the position is counted, not set. Try load_state_dict.")

    # State

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on: the position, metric states, and what they refer to, as plain JSON-able data."""
        return states.encode(self)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state; the optimizer holds the right values at once, whichever was restored first.

        Args:
            state_dict: what `state_dict()` gave.

        Raises:
            StateError: if it is damaged or not one of ours; nothing is changed.
            ResumeMismatch: if it belongs to another schedule, run, clock or other base values; names each difference.
        """
        saved = states.check(state_dict)
        states.compare(saved, states.encode(self))
        entries = states.since(saved, self.entries)
        writer = Writer(self.optimizers, entries, self.run, self.axis)
        feedback = Feedback(states.metrics_of(saved, [track.drive for track in writer.tracks]))
        self.entries, self.writer, self.feedback, self.position = entries, writer, feedback, saved["position"]
        self._elapsed, self._origin = float(saved["elapsed"]), float(self.timer())
        self.due = False
        self.regroup()
        self.rewrite()

    def close(self) -> None:
        """Let go of the optimizers; their groups keep the values they have."""
        for watch in self._watches:
            watch.close()
        self._watches = []

    def elapsed(self) -> float:
        """Seconds of this run so far, over all its sessions; 0 where the run is not a matter of time."""
        if self.axis != "seconds":
            return 0.0
        now = float(self.timer())
        self._elapsed, self._origin = self._elapsed + max(0.0, now - self._origin), now
        return self._elapsed

    def __getstate__(self) -> dict[str, Any]:
        self.elapsed()
        return {name: value for name, value in self.__dict__.items() if name not in ("_watches", "writer", "ledger")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, ledger=None)
        self._origin = float(self.timer())
        self.writer = Writer(self.optimizers, self.entries, self.run, self.axis)
        self.writer.regroup()
        self._watches = [Watch(self, optimizer) for optimizer in self.optimizers]

    def __repr__(self) -> str:
        schedules = {key: {name: str(s) for name, s in by.items()} for key, by in self.rules.items()}
        return f"Scheduler({schedules}, {self.run!r}, clock={self.clock!r}, position={self.position})"

    # What the hooks call

    def counted(self, watch: Watch) -> None:
        """An update of one optimizer moved the weights; it is complete when each optimizer has stepped."""
        if self._several:
            watch.stepped = True
            if not all(w.stepped for w in self._watches):
                return
            for w in self._watches:
                w.stepped = False
        if self.ledger is not None:
            self.ledger.record(self.position, self.writer.used())
        self.position += 1
        self.due = True

    def write(self) -> None:
        """Write the values of the current position into the groups."""
        writer = self.writer
        at = self.position - writer.begin
        if not 0 <= at < writer.count:
            at = self._row()
        for column in writer.columns:
            foreign = column.write(at)
            if foreign:
                entry, ours, found = foreign[0]
                place = self.entries[entry]
                self.guards.overwritten(place.key, place.label, ours, found, self.position)
        self.due = False

    def rewrite(self) -> None:
        """Write what the groups should hold now, whatever they hold."""
        row = self._row(self.position - 1 if self.due else None)
        for column in self.writer.columns:
            column.write(row)

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

    # Inside

    def _joining(self, o: int, g: int, group: dict[str, Any], own: Rules) -> list[Entry]:
        since = self.elapsed() if self.axis == "seconds" else self.position
        taken = {e.label for e in self.entries}
        return joining(o, g, group, self.rules, own, optimizers=len(self.optimizers), taken=taken, since=since)

    def _coordinate(self, position: int) -> float:
        """Where a position, about the present, is on the axis."""
        return self.elapsed() if self.axis == "seconds" else float(position)

    def _check_end(self, position: int, at: float) -> None:
        """Say so if the update before a position was made past the end; the last of a timed run may end late."""
        timed = self.axis == "seconds"
        used = self.writer.coordinate if timed else at - 1
        whole_run = self.run.horizon(self.axis)
        if whole_run is not None and used >= whole_run and (not timed or self.writer.begin < position):
            self.guards.past_end(at, self.run, self.axis)

    def _row(self, position: int | None = None) -> int:
        """The row of a position, by default the current one, computed if need be."""
        writer = self.writer
        position = self.position if position is None else max(position, 0)
        if not 0 <= position - writer.begin < writer.count:
            at = self._coordinate(position)
            self._check_end(position, at)
            writer.fill(position, at, self.feedback.signals(writer.tracks))
        return position - writer.begin


def _run(run: object) -> Run:
    if run is None:
        return Run()
    if not isinstance(run, Run):
        mend = f"rh.Run(steps={run})" if isinstance(run, int) and not isinstance(run, bool) else "rh.Run(steps=1000)"
        raise refuse("run", run, need="a Run", mend=mend)
    return run


def _optimizers(given: object) -> list[Optimizer]:
    several = list(given) if isinstance(given, (list, tuple)) else [given]
    if not several:
        raise SchedulerError("optimizer=[]: need at least one optimizer. Try torch.optim.AdamW(model.parameters()).")
    found = [unwrapped(o) for o in several]
    if len({id(o) for o in found}) < len(found):
        raise SchedulerError("optimizer: the same optimizer is given twice. Try each once.")
    return found
