"""The shapes: each one vectorised formula, written by a lower-case maker.

decay     from one level to another: linear, cosine, polynomial, one_minus_sqrt, rex
rise      warmup
stairs    constant, step, multistep, exponential, inverse_sqrt
cycles    cyclic, cosine_restarts
custom    piecewise, from_function
"""

from rheostat.schedule.shapes.custom import from_function, piecewise
from rheostat.schedule.shapes.cycles import cosine_restarts, cyclic
from rheostat.schedule.shapes.decay import cosine, linear, one_minus_sqrt, polynomial, rex
from rheostat.schedule.shapes.rise import warmup
from rheostat.schedule.shapes.stairs import constant, exponential, inverse_sqrt, multistep, step

__all__ = [
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "exponential",
    "from_function",
    "inverse_sqrt",
    "linear",
    "multistep",
    "one_minus_sqrt",
    "piecewise",
    "polynomial",
    "rex",
    "step",
    "warmup",
]
