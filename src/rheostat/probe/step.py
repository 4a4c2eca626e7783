"""One update of a training: the lines that everybody writes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from rheostat.driver.ranks import alone
from rheostat.errors import refuse
from rheostat.probe.batches import device_of, to_device

Loss = Callable[[Any, Any], torch.Tensor]


@dataclass
class Step:
    """One update: the lines that everybody writes."""

    model: torch.nn.Module
    optimizers: list[Any]
    loss: Loss
    accumulate: int
    scaler: Any
    clip: float | None
    backward: Callable[[torch.Tensor], Any] = torch.autograd.backward

    def __post_init__(self) -> None:
        self.device = device_of(self.model)
        self.losses: list[torch.Tensor] = []

    def value(self) -> float:
        """The mean loss of the update's batches, before it."""
        return float(self.losses[0] if len(self.losses) == 1 else torch.stack(self.losses).mean())

    def plain(self, drawn: Iterator[Any]) -> None:
        """An update of optimizers whose step takes the gradients as they are."""
        self.losses = [self.one(batch) for batch in drawn]
        if self.scaler is not None and self.clip is not None:
            for optimizer in self.optimizers:
                self.scaler.unscale_(optimizer)
        self.clipped()
        for optimizer in self.optimizers:
            if self.scaler is not None:
                self.scaler.step(optimizer)
            else:
                optimizer.step()
        if self.scaler is not None:
            self.scaler.update()
        self.zero()

    def closed(self, drawn: Iterator[Any]) -> None:
        """An update of optimizers that compute the loss as often as they like, on the same batches."""
        batches = list(drawn)
        first: list[torch.Tensor] = []

        def again() -> torch.Tensor:
            self.zero()
            losses = [self.one(batch) for batch in batches]
            first.extend([] if first else losses)
            self.clipped()
            return torch.stack(losses).mean()

        for optimizer in self.optimizers:
            optimizer.step(again)
        self.losses = first
        self.zero()

    def one(self, batch: Any) -> torch.Tensor:
        """Forward and backward of one batch; the loss without its graph."""
        loss = self.loss(self.model, to_device(batch, self.device))
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or not loss.requires_grad:
            need = "a function of (model, batch) that returns a scalar tensor with a gradient"
            got = f"shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
            raise refuse("loss", got, need=need, mend="loss.mean() of what the model gave")
        part = loss / self.accumulate if self.accumulate > 1 else loss
        self.backward(part if self.scaler is None else self.scaler.scale(part))
        loss = loss.detach()
        return loss.reshape(()) if loss.ndim else loss

    def look(self, batch: Any) -> torch.Tensor:
        """The loss of one batch without an update; with gradients inside, of which some losses are made.

        Without them where several processes train together: what wraps the model there expects a backward after them.
        """
        with torch.set_grad_enabled(alone()):
            return self.loss(self.model, to_device(batch, self.device)).detach()

    def clipped(self) -> None:
        """Clip the gradients, if asked."""
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)

    def zero(self) -> None:
        """No gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()


def wants_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Whether step cannot be called without one."""
    parameter = inspect.signature(type(optimizer).step).parameters.get("closure")
    return parameter is not None and parameter.default is inspect.Parameter.empty
