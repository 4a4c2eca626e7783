"""The loop: short, and readable as the twelve lines that everybody writes."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from rheostat.driver import Scheduler
from rheostat.driver.change import OnChange
from rheostat.errors import SchedulerError, StateError, refuse
from rheostat.ledger import Ledger
from rheostat.probe.batches import to_device
from rheostat.schedule import Schedule, Span
from rheostat.schedule.levels import flag
from rheostat.training import checkpoint, restart
from rheostat.training.folder import describe, find_folder, make, set_ledger_aside, was_begun
from rheostat.training.given import checked_loss, named_numbers
from rheostat.training.hold import hold
from rheostat.training.interval import Interval
from rheostat.training.progress import Progress
from rheostat.training.randomness import random_states, restore_random, seed_all
from rheostat.training.result import Result
from rheostat.training.summary import summarise
from rheostat.training.task import Task, length_of
from rheostat.training.untouched import untouched


def train(
    task: Task,
    *,
    schedule: Schedule | str | None = None,
    lr: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    save_every: int | str | Span | None = None,
    on_change: OnChange = "stop",
    progress: bool = True,
) -> Result:
    """Train a Task, and record what each update used.

    Args:
        task: what to train.
        schedule: a schedule in place of the task's own.
        lr: the first group's base learning rate in place of its own; other groups keep their ratio to it.
        steps: how many updates in place of the task's length, or
        epochs: how many epochs.
        out: folder for ledger, checkpoint, configuration, picture and report; runs/NAME-1, -2, … by default.
        resume: go on from the checkpoint in `out` (by default the latest run of that name).
        save_every: how often to save within an epoch: updates, or a length such as "50 steps", "0.5 epochs" or
            "10 min" (the default). The state is also saved at the end of each epoch.
        on_change: what resuming does where schedule, length, learning rates or batch size differ from the checkpoint's:
            "stop", "keep", "adopt" or "rebase", as `Scheduler.load_state_dict` says.
        progress: whether to show a progress bar and the table at the end.

    Returns:
        A `Result`: metrics, the folder, and how far planned and used values differ.

    Raises:
        ScheduleError: if schedule or run do not fit, before anything is written.
        SchedulerError: if `out` is in the way, there is nothing to resume, or the loss is not finite.
        StateError: if there is no sound state to resume, or one cannot be saved: training stops, since a crash would
            lose more than was agreed. The states saved before are kept.
        ResumeMismatch: if the state belongs to another configuration.
    """
    if not isinstance(task, Task):
        raise refuse("task", task, need="a Task", mend="rheostat.training.load_task('FILE.py')")
    flag("resume", resume)
    show = flag("progress", progress)
    run = task.run(steps, epochs)
    interval = Interval(save_every, run)
    folder = find_folder(task.name, out, resume=resume)
    task.model.to(_device())
    seed_all(task.seed, 0)
    with ExitStack() as held:
        with untouched(task.optimizers):
            if lr is not None:
                task.scale_lr(lr)
            asked = task.schedule if schedule is None else schedule
            scheduler = Scheduler(task.optimizers, asked, run, on_change=on_change)
            held.callback(scheduler.close)  # so that the task may be trained again, however this ends
            trainer = _Trainer(task, scheduler, folder, interval, _listens(task, scheduler))
            if not resume:
                make(folder)
            held.enter_context(hold(folder))
            begin = trainer.restore() if resume else 0
            describe(folder, task, scheduler)
        ledger = held.enter_context(Ledger(folder / "ledger.jsonl", resume=resume))
        if resume:
            ledger.truncate(scheduler.position)
        scheduler.ledger = ledger
        with Progress(scheduler.run.updates or 0, scheduler, show=show) as bar, _interruptible(trainer):
            metrics = trainer.train(ledger, bar)
    since = begin if scheduler.changes else 0
    return summarise(task.name, scheduler, folder, metrics, stopped=trainer.stop, show=show, since=since, lr=lr)


@dataclass
class _Trainer:
    task: Task
    scheduler: Scheduler
    folder: Path
    interval: Interval
    listens: bool
    epoch: int = 0
    batch: int = 0
    last: bool = False
    stop: bool = False
    proven: bool = False
    random: dict[str, Any] | None = None

    def train(self, ledger: Ledger, bar: Progress) -> dict[str, float]:
        """Train until the run is over or somebody interrupts; returns the last evaluation."""
        metrics: dict[str, float] = {}
        for optimizer in self.task.optimizers:
            optimizer.zero_grad()  # those of a run that diverged would end this one
        while self.scheduler.position < self.updates_in_all and not self.stop:
            for loss in self.updates():
                ledger.log(loss=loss)
                bar.advance(loss)
                if self.interval.due(self.scheduler.position) and not self.last:
                    self.save(ledger, random_states())
            random = random_states()  # before evaluate draws any: a longer run goes on as if it had not ended here
            if self.last:
                self.epoch, self.batch = self.epoch + 1, 0
            if not self.stop or self.last:
                metrics = self.evaluate()
                ledger.log(**metrics)
                self.report(metrics)
                bar.note(self.epoch, metrics)
            self.save(ledger, random)
        return metrics or self.evaluate()

    @property
    def updates_in_all(self) -> int:
        """How long training is now."""
        return self.scheduler.run.updates or 0

    def updates(self) -> Iterator[float]:
        """The updates of the present epoch from the present batch on; gives the mean loss of each."""
        task, device = self.task, _device()
        task.model.train()
        losses = []
        for batch, last in self.batches():
            self.last = last
            loss = checked_loss(task.loss(task.model, to_device(batch, device)))
            torch.autograd.backward(loss / task.accumulate)
            losses.append(loss.detach())
            self.batch += 1
            if self.batch % task.accumulate == 0 or self.last:
                mean = float(torch.stack(losses).mean())
                if not math.isfinite(mean):
                    at = self.scheduler.position
                    raise SchedulerError(
                        f"loss={mean} at update {at}: training diverged. Try a smaller lr or a warmup."
                    )
                losses.clear()
                for optimizer in task.optimizers:
                    optimizer.step()
                    optimizer.zero_grad()
                yield mean  # while the groups still show what this update used
                self.scheduler.step()
                if self.stop or self.scheduler.position >= self.updates_in_all:
                    return

    def batches(self) -> Iterator[tuple[Any, bool]]:
        """The batches of this epoch that are left, each with whether it is the last.

        Those that are done are drawn again and dropped, from the epoch's own seed: so the order is the same, and the
        random numbers from there on are those that were saved.
        """
        seed_all(self.task.seed, self.epoch)
        drawn = self.task.epoch(self.epoch)
        n, done, given = length_of(drawn), self.batch, 0
        for i, batch in enumerate(drawn):
            given = i + 1
            if given > n:
                break
            if i >= done:
                yield batch, i + 1 == n
            elif i + 1 == done and self.random is not None:
                restore_random(self.random)
                self.random = None
        if given != n:  # else the end of the epoch would never be seen, or be seen twice
            raise SchedulerError(
                f"batches: epoch {self.epoch} has {'more' if given > n else given} batches, and its length is {n}. "
                "Try a list, or a length that is right: the schedule goes by it."
            )

    def report(self, metrics: dict[str, float]) -> None:
        """Tell a plateau what it listens to."""
        name = self.task.metric
        if not self.listens or name is None:
            return
        if name not in metrics:
            raise refuse("metric", name, need=f"a number that evaluate gives: {', '.join(metrics) or 'it gives none'}")
        self.scheduler.report(metrics[name])

    def evaluate(self) -> dict[str, float]:
        """The task's metrics now."""
        if self.task.evaluate is None:
            return {}
        self.task.model.eval()
        with torch.no_grad():
            metrics = named_numbers(self.task.evaluate(self.task.model))
        self.task.model.train()
        return metrics

    def save(self, ledger: Ledger, random: dict[str, Any]) -> None:
        """Write a checkpoint; the ledger reaches the disk before it."""
        ledger.sync()
        state = {
            "model": self.task.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.task.optimizers],
            "scheduler": self.scheduler.state_dict(),
            "epoch": self.epoch,
            "batch": self.batch,
            "random": random,
        }
        try:
            checkpoint.save(self.folder, state, prove=not self.proven)
        except StateError as error:
            at = self.scheduler.position
            raise StateError(f"training stopped after {at} updates, which could not be saved.\n{error}") from error
        self.proven = True

    def restore(self) -> int:
        """Go on from the newest sound checkpoint, and say at which update.

        That is the beginning, where the run was killed before its first.
        """
        if was_begun(self.folder) and checkpoint.never_saved(self.folder):
            print(f"{self.folder}: nothing was saved yet. It starts from the beginning.")
            return 0
        state, message = checkpoint.load(self.folder)
        if message:
            print(message)
        restart.check(state, self.task, self.folder)
        self.scheduler.load_state_dict(state["scheduler"])
        self.task.model.load_state_dict(state["model"])
        restart.load_optimizers(state["optimizers"], self.task, self.folder)
        checkpoint.finish(self.folder)  # there may be no save any more that does
        if message:
            checkpoint.set_aside(self.folder)
        self.epoch, self.batch, self.random = state["epoch"], state["batch"], state["random"]
        for line in self.scheduler.changes:
            print(f"{self.scheduler.on_change}: {line}")
        before, now = state["scheduler"]["position"], self.scheduler.position
        if now != before:  # another batch size: updates have other numbers from here on
            set_ledger_aside(self.folder, before)
            self.batch = round(self.batch * now / before)
        return now


def _listens(task: Task, scheduler: Scheduler) -> bool:
    """Whether a plateau() needs the metric of a task."""
    listens = any(track.curve.controls for track in scheduler.writer.tracks)
    if listens and task.metric is None:
        need = "the name of a number that evaluate gives, for plateau() to listen to"
        raise refuse("metric", None, need=need, mend="rh.Task(..., evaluate=..., metric='loss')")
    return listens


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def _interruptible(trainer: _Trainer) -> Iterator[None]:
    """Ctrl-C ends training after the present update, with a checkpoint; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        trainer.stop = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
