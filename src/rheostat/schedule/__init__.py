"""Schedules as values. Pure; NumPy only.

span      lengths of training with their units          run       how long training is; converts units
base      Schedule and Shape, their text                 place     where one is bound, and what it becomes
shapes/   one vectorised formula each                    combine   >> and *
wrap      clip, scale, repeat                            rebase    from whatever factor is in force
named     wsd, one_cycle, … as compositions              metric    plateau: pure state in, state out
notation  text to schedule                               curve     a schedule over a run
lint      what a tired person misses                     explain   where a value comes from
precise   quotients and powers to their last digits      periods   cycles on whole updates
"""

from rheostat.schedule.base import Schedule
from rheostat.schedule.curve import Curve, Difference
from rheostat.schedule.levels import absolute
from rheostat.schedule.lint import Finding, lint
from rheostat.schedule.metric import plateau
from rheostat.schedule.named import one_cycle, one_cycle_momentum, trapezoid, wsd
from rheostat.schedule.notation import parse
from rheostat.schedule.run import Run
from rheostat.schedule.shapes import (
    constant,
    cosine,
    cosine_restarts,
    cyclic,
    exponential,
    from_function,
    inverse_sqrt,
    linear,
    multistep,
    one_minus_sqrt,
    piecewise,
    polynomial,
    rex,
    step,
    warmup,
)
from rheostat.schedule.span import Span

__all__ = [
    "Curve",
    "Difference",
    "Finding",
    "Run",
    "Schedule",
    "Span",
    "absolute",
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
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
    "trapezoid",
    "warmup",
    "wsd",
]
