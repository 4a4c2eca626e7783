"""What a Scheduler is given, checked before anything is touched."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rheostat.driver.clock import unwrapped
from rheostat.errors import SchedulerError, refuse
from rheostat.ledger import Ledger
from rheostat.schedule import Run

if TYPE_CHECKING:
    from torch.optim import Optimizer


def run_of(run: object) -> Run:
    """The run; of unknown length where there is none."""
    if run is None:
        return Run()
    if not isinstance(run, Run):
        mend = f"rh.Run(steps={run})" if isinstance(run, int) and not isinstance(run, bool) else "rh.Run(steps=1000)"
        raise refuse("run", run, need="a Run", mend=mend)
    return run


def optimizers_of(given: object) -> list[Optimizer]:
    """One optimizer, or several, as a list, each out of its wrapper."""
    several = list(given) if isinstance(given, (list, tuple)) else [given]
    if not several:
        raise SchedulerError("optimizer=[]: need at least one optimizer. Try torch.optim.AdamW(model.parameters()).")
    found = [unwrapped(o) for o in several]
    if len({id(o) for o in found}) < len(found):
        raise SchedulerError("optimizer: the same optimizer is given twice. Try each once.")
    return found


def ledger_of(ledger: object) -> Ledger | None:
    """The ledger, or None."""
    if ledger is not None and not isinstance(ledger, Ledger):
        raise refuse("ledger", ledger, need="a Ledger", mend="rh.Ledger('ledger.jsonl')")
    return ledger


def first_reading(timer: Callable[[], float]) -> float:
    """What a timer says now."""
    need = "a function without arguments that returns seconds"
    if not callable(timer):
        raise refuse("timer", timer, need=need, mend="time.monotonic")
    reading: Any = timer()
    try:
        now = float(reading)
    except (TypeError, ValueError, OverflowError):
        now = math.nan
    if not math.isfinite(now):
        raise refuse("timer()", reading, need="a finite number of seconds", mend="timer=time.monotonic")
    return now


def add_group(optimizer: Optimizer, group: dict[str, Any]) -> None:
    """Add a param group; what PyTorch refuses is refused in our words, and changes nothing."""
    try:
        optimizer.add_param_group(group)
    except (TypeError, ValueError, KeyError) as error:
        need = f"what optimizer.add_param_group takes ({error})"
        raise refuse("group", group, need=need, mend="{'params': layer.parameters(), 'lr': 1e-3}") from error


def check_group(group: object) -> None:
    """Refuse what cannot be a param group."""
    if not isinstance(group, Mapping) or "params" not in group:
        mend = "{'params': layer.parameters(), 'lr': 1e-3}"
        raise refuse("group", group, need="a param group: a dict with 'params'", mend=mend)
