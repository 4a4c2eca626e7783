"""Rheostat: the learning rate that was asked for is the one that is used.

`import rheostat as rh` is quick: every name is imported when it is first used, and only `rh.Scheduler`, `rh.Task`,
`rh.train` and what finds learning rates need torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from rheostat import errors

if TYPE_CHECKING:
    from rheostat.driver import Scheduler
    from rheostat.errors import (
        NotationError,
        OverwrittenWarning,
        PastEndWarning,
        ResumeMismatch,
        RheostatWarning,
        ScheduleError,
        SchedulerError,
        SecondSchedulerWarning,
        StateError,
    )
    from rheostat.ledger import Ledger
    from rheostat.ledger.audit import Audit, audit
    from rheostat.probe import FindResult, RangeResult, Sweep, find_lr, range_test, read_range
    from rheostat.schedule import (
        Curve,
        Difference,
        Finding,
        Run,
        Schedule,
        Span,
        absolute,
        constant,
        cosine,
        cosine_restarts,
        cyclic,
        exponential,
        from_function,
        inverse_sqrt,
        linear,
        lint,
        multistep,
        one_cycle,
        one_cycle_momentum,
        one_minus_sqrt,
        parse,
        piecewise,
        plateau,
        polynomial,
        rex,
        step,
        trapezoid,
        warmup,
        wsd,
    )
    from rheostat.training import Task, train

__version__ = "0.1.0"

__all__ = [
    "Audit",
    "Curve",
    "Difference",
    "FindResult",
    "Finding",
    "Ledger",
    "NotationError",
    "OverwrittenWarning",
    "PastEndWarning",
    "RangeResult",
    "ResumeMismatch",
    "RheostatWarning",
    "Run",
    "Schedule",
    "ScheduleError",
    "Scheduler",
    "SchedulerError",
    "SecondSchedulerWarning",
    "Span",
    "StateError",
    "Sweep",
    "Task",
    "absolute",
    "audit",
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "errors",
    "exponential",
    "find_lr",
    "from_function",
    "inverse_sqrt",
    "linear",
    "lint",
    "multistep",
    "one_cycle",
    "one_cycle_momentum",
    "one_minus_sqrt",
    "parse",
    "piecewise",
    "plateau",
    "polynomial",
    "range_test",
    "read_range",
    "rex",
    "step",
    "train",
    "trapezoid",
    "warmup",
    "wsd",
]

_ROOMS = {
    "Audit": "rheostat.ledger.audit",
    "FindResult": "rheostat.probe",
    "Ledger": "rheostat.ledger",
    "RangeResult": "rheostat.probe",
    "Scheduler": "rheostat.driver",
    "Sweep": "rheostat.probe",
    "Task": "rheostat.training",
    "audit": "rheostat.ledger.audit",
    "find_lr": "rheostat.probe",
    "range_test": "rheostat.probe",
    "read_range": "rheostat.probe",
    "train": "rheostat.training",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'rheostat' has no attribute {name!r}")
    room = _ROOMS.get(name, "rheostat.errors" if hasattr(errors, name) else "rheostat.schedule")
    value = getattr(importlib.import_module(room), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
