"""One metric for all processes, so that all decide alike."""

from __future__ import annotations

from typing import Literal

import torch
import torch.distributed as dist

from rheostat.errors import refuse

Reduce = Literal["mean", "none"]


def as_number(metric: object) -> float:
    """A metric as a float: a number, or a tensor or array with one element."""
    if isinstance(metric, (str, bytes, bool)):
        raise refuse("metric", metric, need="a number")
    try:
        return float(metric)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError, OverflowError):
        mend = "scheduler.step(), or lambda _: scheduler.step() where a framework passes its own argument"
        raise refuse("metric", metric, need="a number", mend=mend) from None


def agree(metric: float, how: Reduce) -> float:
    """The mean of the metric over all processes, or the metric itself where there is one process or how is "none".

    A rank whose metric is not finite makes the mean not finite, on every rank: then none of them acts on it.
    """
    if alone(how):
        return metric
    total = _shared(metric)
    dist.all_reduce(total)
    return float(total.item()) / dist.get_world_size()


def first_ones(number: float, how: Reduce) -> float:
    """The first process's number, for all."""
    if alone(how):
        return number
    shared = _shared(number)
    dist.broadcast(shared, src=0)
    return float(shared.item())


def alone(how: Reduce = "mean") -> bool:
    """Whether there is nobody to agree with."""
    return how == "none" or not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1


def _shared(number: float) -> torch.Tensor:
    cuda = dist.get_backend() == "nccl"
    device = torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")
    return torch.tensor(number, dtype=torch.float64, device=device)
