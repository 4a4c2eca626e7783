"""One metric for all processes, so that all decide alike."""

from __future__ import annotations

from typing import Any, Literal

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
    except (TypeError, ValueError, RuntimeError):
        mend = "scheduler.step(), or lambda _: scheduler.step() where a framework passes its own argument"
        raise refuse("metric", metric, need="a number", mend=mend) from None


def agree(metric: float, how: Reduce) -> float:
    """The mean of the metric over all processes, or the metric itself where there is one process or how is "none".

    A rank whose metric is not finite makes the mean not finite, on every rank: then none of them acts on it.
    """
    if how == "none" or not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return metric
    device = torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")
    total: Any = torch.tensor(metric, dtype=torch.float64, device=device)
    dist.all_reduce(total)
    return float(total.item()) / dist.get_world_size()
