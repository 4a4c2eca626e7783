"""Short runs from one starting point, each with another learning rate and the user's schedule compressed."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch

from rheostat.driver.arguments import optimizers_of
from rheostat.driver.columns import Column, Member
from rheostat.driver.plan import Entry, curve_of, plan, rules
from rheostat.driver.ranks import agree
from rheostat.driver.tensors import separate
from rheostat.driver.writer import columns_of
from rheostat.errors import refuse
from rheostat.probe.batches import Batches, Source
from rheostat.probe.choice import late
from rheostat.probe.compress import shares, warmup
from rheostat.probe.jobs import Jobs
from rheostat.probe.norms import refresh
from rheostat.probe.passes import few
from rheostat.probe.ramp import Bases
from rheostat.probe.snapshot import Snapshot
from rheostat.probe.step import Step, wants_closure
from rheostat.probe.store import Where
from rheostat.schedule import Run
from rheostat.schedule.base import FloatArray

Watcher = Callable[[int, float, float], None]
MOST_HELD_OUT = 16
_REFRESHING = 8  # batches from which batch norm's statistics are made before a score


@dataclass(frozen=True, slots=True)
class Trial:
    """One short run.

    Attributes:
        lr: the first group's learning rate.
        score: on batches held out, lower is better; inf where it came to nothing.
        updates: how many it made.
        note: what happened, if something did.
        late: the share of what it learned that it learned in its second half.
        batches: how many it went through, over and over; 0 for a new one at each update.
    """

    lr: float
    score: float
    updates: int
    note: str = ""
    late: float = 0.0
    batches: int = 0


@dataclass(frozen=True)
class Parcel:
    """All that a trial needs, to be sent to another process as one piece."""

    given: dict[str, Any]
    training: list[Any]
    held_out: list[Any]
    few: int | None

    def unpacked(self) -> Trials:
        """What runs the trial there."""
        trials = Trials(batches=self.training, watch=None, **self.given)
        trials.training, trials.held_out, trials.few = self.training, self.held_out, self.few
        trials.snapshot.pause()
        return trials


class Trials:
    """Runs trials, each from the same weights, on the same batches, in the same order or in another.

    A share of the first batches is held out, and never trained on: its mean loss is the score, unless the user has one.
    Of the others as few are used as are seen as often as the training sees its own.

    Args:
        updates: how long a trial is.
        run: how long the real training is, whose schedule is compressed to that many updates.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Any,
        batches: Source | Batches,
        loss: Callable[[Any, Any], torch.Tensor],
        *,
        schedule: Any,
        run: Run,
        updates: int,
        score: Callable[[Any], float] | None,
        accumulate: int,
        scaler: Any,
        clip: float | None,
        also: Sequence[Any],
        store: Where,
        watch: Watcher | None,
        jobs: int | None = 1,
    ) -> None:
        self.given = {"model": model, "optimizer": optimizer, "loss": loss, "schedule": schedule, "run": run}
        self.given |= {"updates": updates, "score": score, "accumulate": accumulate, "scaler": scaler, "clip": clip}
        self.given |= {"also": also, "store": store}
        self.model, self.loss, self.score, self.watch = model, loss, score, watch
        self.updates, self.accumulate, self.jobs = updates, accumulate, Jobs(jobs)
        self.optimizers = optimizers_of(optimizer)
        self.bases = Bases(self.optimizers)
        several = list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
        self.step = Step(model, several, loss, accumulate, scaler, clip)
        self.entries, self.run = plan(self.optimizers, rules(schedule)), run
        self.batches = Batches.of(batches)
        # What does not fit is refused here, before anything begins.
        curves = [(e.key, curve_of(e, run, run.axis)) for e in self.entries]
        whole = run.updates or updates
        rise = warmup((curve for key, curve in curves if key == "lr"), whole)
        self.places = shares(rise, whole, updates)
        kept = {"scaler": scaler, "loader": self.batches.source, "also": also, "where": store}
        self.snapshot = Snapshot([model], self.optimizers, **kept)
        self.takes_closure = any(map(wants_closure, self.optimizers))
        if not self.jobs.alone:
            self.jobs.packed(Parcel(self.given, [], [], None))  # what cannot be sent is refused now
        self.done = 0
        self.training: list[Any] = []
        self.held_out: list[Any] = []
        self.few: int | None = None  # how many of the training's batches a trial goes through

    def __enter__(self) -> Self:
        try:
            self.snapshot.pause()
            self._draw()
            self._fresh()
            # Packed before anything is scored: some models remember what they have seen.
            parcel = Parcel(self.given, self.training, self.held_out, self.few)
            self.packed = None if self.jobs.alone else self.jobs.packed(parcel)
            self.untrained = self._scored()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Put everything back."""
        self.batches.close()
        self.snapshot.restore()

    def first(self) -> Any:
        """What a range test of as many updates goes through: as few batches as a trial would, or all."""
        try:
            if self.batches.seen is not None:  # an iterator's are gone when they are drawn
                return self.batches
            self.snapshot.pause()
            drawn = self._drawn(self.updates * self.accumulate)
            least = self._least(drawn)
            return drawn[:least] if least else self.batches
        finally:
            self.close()

    def all(self, lrs: Sequence[float], order: int = 0) -> list[Trial]:
        """The trials of several learning rates: one after another, or side by side."""
        if self.packed is None:
            return [self.trial(lr, order) for lr in lrs]
        done = []
        for trial, failure in self.jobs.run(self.packed, [(lr, order) for lr in lrs], self._told):
            self.failure = failure or self.failure
            done.append(trial)
        return done

    def _told(self, trial: Trial) -> None:
        """One trial has come back from another process."""
        self.done += trial.updates
        if self.watch is not None:
            self.watch(self.done, trial.lr, trial.score)

    def trial(self, lr: float, order: int = 0) -> Trial:
        """Train for a short run with a base learning rate of the first group; what goes wrong is a result.

        Args:
            lr: the learning rate.
            order: 0 for the batches as they came; others are each another order, with other random numbers.
        """
        losses: list[float] = []
        try:
            self._fresh(order)
            columns = self._columns(lr)
            batches = itertools.cycle(self._mixed(order))
            for k in range(self.updates):
                for column in columns:
                    column.write(k)
                drawn = (next(batches) for _ in range(self.accumulate))
                self.step.closed(drawn) if self.takes_closure else self.step.plain(drawn)
                losses.append(agree(self.step.value(), "mean"))
                self.done += 1
                if self.watch is not None:
                    self.watch(self.done, lr, losses[-1])
                if not math.isfinite(losses[-1]):
                    return Trial(lr, math.inf, len(losses), "diverged")
            score = self._scored()
        except Exception as error:  # noqa: BLE001 - a trial that crashes is a result too
            self.failure = error
            note = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:80]}"
            return Trial(lr, math.inf, len(losses), note)
        if not math.isfinite(score):
            return Trial(lr, math.inf, len(losses), "diverged")
        return Trial(lr, score, len(losses), late=late(losses), batches=self.few or 0)

    failure: Exception | None = None

    def _draw(self) -> None:
        """The batches of all trials, and those held out."""
        drawn = self._drawn(self.updates * self.accumulate + (MOST_HELD_OUT if self.score is None else 0))
        held = 0 if self.score is not None else max(1, min(MOST_HELD_OUT, len(drawn) // 5))
        if len(drawn) - held < 1:
            need_ = "at least two batches, to hold one out"
            raise refuse("batches", len(drawn), need=need_, mend="score=, a function of the model, lower is better")
        self.held_out, self.training = drawn[len(drawn) - held :], drawn[: len(drawn) - held]
        least = self._least(drawn)
        self.few = None if least is None else min(least, len(self.training))

    def _least(self, drawn: list[Any]) -> int | None:
        return few(self.batches, drawn, self.run, self.updates, self.accumulate)

    def _drawn(self, most: int) -> list[Any]:
        """The first batches, at most those of an epoch."""
        self.batches.start()
        drawn: list[Any] = []
        while len(drawn) < most and not self.batches.epoch:
            drawn.append(self.batches.draw())
        return drawn[:-1] if self.batches.epoch else drawn  # the first of the next epoch came with it

    def _mixed(self, order: int) -> list[Any]:
        """A trial's batches in one of their orders, which follows from the random numbers as `_fresh` left them."""
        batches = list(self.training)
        if order:
            random.shuffle(batches)
        return batches[: self.few]

    def _fresh(self, seed: int = 0) -> None:
        self.snapshot.rewind()
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        if not self.model.training:
            self.model.train()
        self.step.zero()

    def _columns(self, lr: float) -> list[Column]:
        """The compressed schedule, ready to be written."""
        factor = lr / self.bases.first
        entries = [replace(e, base=e.base * factor) if e.key == "lr" else e for e in self.entries]
        values = np.stack([self._values(e) for e in entries], axis=1)
        members: dict[str, list[Member]] = {}
        for i, e in enumerate(entries):
            members.setdefault(e.key, []).append((self.optimizers[e.optimizer].param_groups[e.group], i))
        for optimizer in self.optimizers:
            for key in members:
                separate(optimizer, key)
        columns = columns_of(members)
        for column in columns:
            column.load(values[:, column.entries])
        return columns

    def _values(self, e: Entry) -> FloatArray:
        curve = curve_of(e, self.run, self.run.axis)
        values: FloatArray = curve.factors(np.maximum(self.places * (curve.length or self.updates) - 0.5, 0.0)) * e.base
        return values

    def _scored(self) -> float:
        """The held-out score now, the same on every rank."""
        refresh(self.model, self.training[:_REFRESHING], self.step.look)
        modes = [(module, module.training) for module in self.model.modules()]
        self.model.eval()
        try:
            return agree(self._mean() if self.score is None else self._own(self.score), "mean")
        finally:
            for module, mode in modes:
                module.training = mode

    @torch.no_grad()
    def _own(self, score: Callable[[Any], float]) -> float:
        return float(score(self.model))

    def _mean(self) -> float:
        losses = [float(self.step.look(batch)) for batch in self.held_out]
        return sum(losses) / len(losses)
