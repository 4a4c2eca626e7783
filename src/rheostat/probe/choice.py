"""What a handful of short runs says: the best, the band of those as good, a rate from its lower part. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

WITHIN = 0.05
"""Scores within this share of what was learned count as good as the best."""
LOWER = 1 / 3
"""Where in the band the suggestion lies: too high is a cliff, too low is a slope."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The suggestion, the band it lies in, and at which end, if any, the runs stopped short of the band's own end."""

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
    middle = low + LOWER * (high - low)
    return Choice(math.exp(middle), (math.exp(low), math.exp(high)), lrs[best], open_below, open_above)


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
