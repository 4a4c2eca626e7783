"""The ramp of a range test, for whatever loop the user has: set a learning rate, hand out a batch, take the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import torch

from rheostat.driver.arguments import optimizers_of
from rheostat.driver.ranks import agree
from rheostat.errors import SchedulerError, refuse
from rheostat.probe.arguments import checked_scaler, listed
from rheostat.probe.batches import Batches, Source
from rheostat.probe.curve import RangeCurve
from rheostat.probe.ramp import Bases, modules_of, ramp
from rheostat.probe.reading import read
from rheostat.probe.result import RangeResult
from rheostat.probe.snapshot import Snapshot
from rheostat.probe.stop import Stop
from rheostat.probe.store import Where
from rheostat.schedule.levels import choice, count, number


class Sweep:
    """An exponential ramp of the learning rate through one's own training loop, which leaves no trace.

    Each pass of `for lr, batch in sweep` goes through the ramp once, and ends early when the loss is not finite or has
    risen far above its lowest. When the `with` block is left, in whatever way, model, optimizer, random numbers and all
    the rest are as they were, bit for bit. In a distributed run the losses are averaged, and all ranks stop together.

    Args:
        model: the module that is trained, or several. If it is in eval mode it is trained in train mode; modules within
            it keep the mode they have.
        optimizer: its optimizer, or several. Ratios between the learning rates of groups stay as they are.
        batches: a loader, a list, a function of the epoch's number, or an iterator; what ends is started again.
        min: the first learning rate of the ramp, of the first group (> 0).
        max: the last one.
        steps: updates from min to max (≥ 10).
        accumulate: batches for each update (≥ 1): the learning rate stays for as many batches, and what is recorded
            for them is averaged.
        rise: ends a pass when the loss lies above its lowest by this many times what it had fallen by (> 0).
        scaler: a GradScaler that the loop uses.
        also: what else training changes: modules (a loss with parameters, an average of weights), or objects with
            state_dict() and load_state_dict() (PyTorch's schedulers). Rheostat's own schedulers rest by themselves.
        store: where copies of weights lie meanwhile: "memory", "disk" (a temporary file without a name), or "auto",
            which takes the disk if they would fill half of the free memory.

    Raises:
        ScheduleError: if an argument is not accepted.
        SchedulerError: if there is no room for the copies, or a loop forgets to record.

    Example:
        >>> import rheostat as rh, torch
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with rh.Sweep(model, optimizer, [torch.ones(4, 2)], min=1e-4, max=10, steps=50) as sweep:
        ...     for lr, batch in sweep:
        ...         loss = (model(batch) - 1).pow(2).mean()
        ...         loss.backward()
        ...         optimizer.step()
        ...         optimizer.zero_grad()
        ...         sweep.record(loss)
        >>> sweep.result().status
        'ok'
    """

    def __init__(
        self,
        model: torch.nn.Module | Sequence[torch.nn.Module],
        optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
        batches: Source | Batches,
        *,
        min: float = 1e-6,  # noqa: A002 - the word for it
        max: float = 10.0,  # noqa: A002 - the word for it
        steps: int = 100,
        accumulate: int = 1,
        rise: float = 2.0,
        scaler: Any = None,
        also: Sequence[Any] = (),
        store: Where = "auto",
    ) -> None:
        self.lrs = ramp(min, max, steps)
        self.accumulate = count("accumulate", accumulate, least=1)
        self.rise = number("rise", rise, above=0.0)
        self.models, self.optimizers = modules_of(model), optimizers_of(optimizer)
        self.bases = Bases(self.optimizers)
        self.batches, self.scaler, self.also = Batches.of(batches), checked_scaler(scaler), listed(also)
        choice("store", store, ("auto", "memory", "disk"))
        self.store: Where = store
        self.passes: list[list[float]] = []
        self.snapshot: Snapshot | None = None
        self.held = False  # by a with statement, which restores at its end
        self._recorded: list[float] = []
        self._losses: list[float] = []

    def __enter__(self) -> Self:
        self.held = True
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.held = False
        self.close()

    def __iter__(self) -> Iterator[tuple[float, Any]]:
        """Learning rates, each written into the groups, with the batch to train on."""
        for lr, batches in self.updates():
            for batch in batches:
                yield lr, batch

    def updates(self) -> Iterator[tuple[float, Iterator[Any]]]:
        """The same by updates: each learning rate with its batches."""
        try:
            self._begin()
            stop = Stop(self.rise)
            losses: list[float] = []
            self.passes.append(losses)
            for lr in self.lrs.tolist():
                self.bases.write(lr)
                self._recorded = []
                yield lr, (self.batches.draw() for _ in range(self.accumulate))
                losses.append(self._agreed(lr))
                if stop.diverged(losses[-1]):
                    losses[-1] = math.inf
                    losses += [math.inf] * (self.lrs.size - len(losses))
                    break
        finally:
            if not self.held:
                self.close()

    def record(self, loss: float | torch.Tensor) -> None:
        """The loss of the batch in hand (of each, with accumulation); not finite is an answer too.

        Args:
            loss: a number, or a tensor of one element.

        Raises:
            ScheduleError: if it is neither.
        """
        try:
            if isinstance(loss, (str, bytes, bool)):
                raise TypeError  # noqa: TRY301 - the same answer
            self._recorded.append(float(loss.detach() if isinstance(loss, torch.Tensor) else loss))
        except (TypeError, ValueError, RuntimeError):
            raise refuse("loss", loss, need="a number, or a tensor of one element", mend="loss.mean()") from None

    def result(self) -> RangeResult:
        """What the passes so far say.

        Raises:
            SchedulerError: if there is none.
        """
        if not any(self.passes):
            raise SchedulerError("nothing was recorded. Try `for lr, batch in sweep:` … `sweep.record(loss)`.")
        return read(RangeCurve.of(self.lrs, [losses for losses in self.passes if losses]), base=self.bases.first)

    def close(self) -> None:
        """Put everything back; done at the end of a with block, or of a loop that stands alone."""
        self.batches.close()
        if self.snapshot is not None:
            self.snapshot.restore()
            self.snapshot = None

    def _begin(self) -> None:
        """Remember everything before the first pass; go back to it, but for random numbers, before the next."""
        if self.snapshot is None:
            self.snapshot = Snapshot(
                self.models,
                self.optimizers,
                scaler=self.scaler,
                loader=self.batches.source,
                also=self.also,
                where=self.store,
            )
            self.snapshot.pause()
            self.batches.start()
        else:
            self.snapshot.rewind()
        for model in self.models:
            if not model.training:
                model.train()
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for p in [p for model in self.models for p in model.parameters()] + [p for g in groups for p in g["params"]]:
            p.grad = None

    def _agreed(self, lr: float) -> float:
        """The loss of one update: the mean over its batches, and over all ranks."""
        if not self._recorded:
            raise SchedulerError(f"no loss was recorded at lr={lr:.3g}. Try sweep.record(loss) in the loop.")
        return agree(sum(self._recorded) / len(self._recorded), "mean")
