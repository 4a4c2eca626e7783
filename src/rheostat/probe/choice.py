"""What a handful of short runs says: the best, the band of those as good, a rate among the best. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

WITHIN = 0.05
"""Scores within this share of what was learned count as good as the best."""
NEARLY = 0.03
"""Scores further from the best than this have no say in the suggestion; nearer, the more the nearer."""

CLEAR = 1.3
"""The margin below what range test and short runs say together: too high is a cliff, too low is a slope."""
UNDER, OVER = 8.0, 2.0
"""As far below or above the short runs' answer the range test's counts; further, it is mistaken."""
ONLY = 2.0
"""The margin below the short runs' answer where there is no other."""

LITTLE, TELLS, WIDE = 0.25, 0.15, 4.0
"""Runs are too short to tell where the score fell by less than `LITTLE` of what it was, and learning rates a factor of
`WIDE` apart differ by no more than `TELLS` of that: what was learned is what any of them learns at once."""

SHARE, ENOUGH = 0.25, 400
"""Runs of this share of the training, or of so many updates, are short no longer: they decide alone."""

BELOW, ABOVE = 0.8, 1.1
"""Decades by which the best rate of a whole training lies under or over the suggestion, in nine of ten cases."""
CLOSE = 0.8
"""The same either way, where the runs were long enough to decide alone."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The suggestion, the band within 5 %, and at which end, if any, something better may lie beyond what was tried.

    Above that is where the band runs into the end; below, where the lowest was the best.
    """

    suggestion: float
    band: tuple[float, float]
    best: float
    open_below: bool
    open_above: bool


def choose(scores: Iterable[tuple[float, float]], untrained: float) -> Choice | None:
    """Choose from the scores of short runs; None if none was better than no training at all.

    Every answer stays the same if each score is replaced by a·score + b with a > 0.

    Args:
        scores: (learning rate, score) of each run, lower is better, inf for one that came to nothing. Several of one
            learning rate are averaged.
        untrained: the score before training.
    """
    by_lr: dict[float, list[float]] = {}
    for lr, score in scores:
        by_lr.setdefault(lr, []).append(score)
    lrs = sorted(by_lr)
    y = np.array([np.mean(by_lr[lr]) for lr in lrs])
    if not lrs or not y.min() < untrained:
        return None
    x, best = np.log(lrs), int(y.argmin())
    line = y[best] + WITHIN * (untrained - y[best])
    low, open_below = _crossing(x, y, best, line, -1)
    high, open_above = _crossing(x, y, best, line, 1)
    weights = np.clip(1 - (y - y[best]) / (NEARLY * (untrained - y[best])), 0, 1) ** 2
    centre = float(np.average(x, weights=weights))
    return Choice(math.exp(centre), (math.exp(low), math.exp(high)), lrs[best], open_below and best == 0, open_above)


def settle(choice: Choice, ramp: float | None, *, alone: bool) -> tuple[float, tuple[float, float]]:
    """The suggestion for the whole training, and the band in which its best learning rate probably lies.

    Short runs bear a higher learning rate than long ones, and a range test is noisy: the suggestion lies half-way
    between what they say, a little lower. Where the range test says nothing, it is half of what the short runs say.

    Args:
        choice: what the short runs say.
        ramp: what the range test suggests, if anything.
        alone: whether the runs were so long that they decide alone.
    """
    short = choice.suggestion
    if alone:
        suggestion = short
    elif ramp is None:
        suggestion = short / ONLY
    else:
        suggestion = math.sqrt(short * min(max(ramp, short / UNDER), short * OVER)) / CLEAR
    return suggestion, around(suggestion, choice.band, alone=alone)


def around(suggestion: float, seen: tuple[float, float], *, alone: bool = False) -> tuple[float, float]:
    """The band in which the best learning rate probably lies: what was seen, and as far as experience says."""
    below, above = (CLOSE, CLOSE) if alone else (BELOW, ABOVE)
    return min(seen[0], suggestion / 10**below), max(seen[1], suggestion * 10**above)


def untold(scores: Iterable[tuple[float, float]], untrained: float) -> float | None:
    """The middle of a wide range of learning rates that all learned nearly the same, and little; None if there is none.

    The one answer that depends on where the scores' zero is; it decides how much is done, and nothing else.
    """
    known = list(scores)
    best = min((score for _, score in known), default=math.inf)
    if not 0 < untrained - best < LITTLE * abs(untrained):
        return None
    near = [lr for lr, score in known if score <= best + TELLS * (untrained - best)]
    wide = max(near) >= min(near) * WIDE * (1 - 1e-9)
    return math.sqrt(min(near) * max(near)) if wide else None


def _crossing(x: np.ndarray, y: np.ndarray, best: int, line: float, way: int) -> tuple[float, bool]:
    """Going one way from the best, where the score passes the line; and whether the runs ended before it did."""
    i = best
    while 0 <= i + way < len(x):
        here, following = y[i], y[i + way]
        if following > line:
            if not math.isfinite(following):  # somewhere on the way lies a cliff: not a step further
                return float(x[i]), False
            return float(x[i] + (x[i + way] - x[i]) * (line - here) / (following - here)), False
        i += way
    return float(x[i]), True
