"""Rheostat: the learning rate that was asked for is the one that is used.

`import rheostat as rh` is quick: it imports neither torch nor a plotting library. What needs torch (`rh.Scheduler`,
`rh.Task`, `rh.train`) is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from rheostat import errors
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

if TYPE_CHECKING:
    from rheostat.driver import Scheduler
    from rheostat.ledger import Ledger
    from rheostat.training import Task, train

__version__ = "0.1.0"

_LAZY = {
    "Ledger": "rheostat.ledger",
    "Scheduler": "rheostat.driver",
    "Task": "rheostat.training",
    "train": "rheostat.training",
}

__all__ = [
    "Curve",
    "Difference",
    "Finding",
    "Ledger",
    "NotationError",
    "OverwrittenWarning",
    "PastEndWarning",
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
    "Task",
    "absolute",
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "errors",
    "exponential",
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
    "rex",
    "step",
    "train",
    "trapezoid",
    "warmup",
    "wsd",
]


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'rheostat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
