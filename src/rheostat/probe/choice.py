"""What a handful of short runs says: the best, the band of those as good, a rate among the best. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

WITHIN = 0.05
"""Scores within this share of what was learned count as good as the best."""
NEARLY = 0.03
"""Scores further from the best than this have no say in the suggestion; nearer, the more the nearer."""
SAME = 0.01
"""Where the highest that was tried comes as near as this, something better may lie above it."""

DRIFT = 0.32
"""The power of its length by which a longer training wants a lower learning rate (Bjorck et al., Scaling Optimal LR
Across Token Horizons, 2024, for AdamW; in bench/find_lr, with SGD and Muon too, 0.2 loses more and 0.4 fails more)."""

LATE = 0.7
"""Runs that learned more than this share of all they learned in their second half are too short to tell: they had
hardly begun."""

LITTLE, TELLS, APART = 0.25, 0.15, 4.0
"""And so are runs whose score fell by less than `LITTLE` of what it was, if learning rates a factor of `APART` apart
differ by no more than `TELLS` of that: what was learned is what any of them learns at once."""
NOTHING = 0.05
"""And so are those whose score fell by less than this share: what differs then is chance."""

STUCK = 1.3
"""The further margin below the runs of a second search: what stands still at first often ends at a cliff."""

WIDE, WIDER = 0.6, 0.4
"""Decades by which the best rate of a whole training may lie off the suggestion, in nine of ten cases; and how many
more for each decade by which it is longer than the short runs."""
LOOSE = 1.1
"""The same where there is a range test alone."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The suggestion, the band within 5 %, and whether something better may lie below or above what was tried."""

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
    low, high = (_crossing(x, y, best, line, way) for way in (-1, 1))
    weights = np.clip(1 - (y - y[best]) / (NEARLY * (untrained - y[best])), 0, 1) ** 2
    centre = float(np.average(x, weights=weights))
    above = bool(y[-1] <= y[best] + SAME * (untrained - y[best]))
    return Choice(math.exp(centre), (math.exp(low), math.exp(high)), lrs[best], best == 0, above)


def settle(choice: Choice, share: float, *, stuck: bool = False) -> tuple[float, tuple[float, float]]:
    """The suggestion for the whole training, and the band in which its best learning rate probably lies.

    Args:
        choice: what the short runs say.
        share: their length as a share of the training's.
        stuck: whether shorter ones before them had been too short to tell.
    """
    suggestion = choice.suggestion * share**DRIFT / (STUCK if stuck else 1.0)
    return suggestion, around(suggestion, choice.band, WIDE - WIDER * math.log10(share))


def around(suggestion: float, seen: tuple[float, float], decades: float) -> tuple[float, float]:
    """The band in which the best learning rate probably lies: what was seen, and as far as experience says."""
    return min(seen[0], suggestion / 10**decades), max(seen[1], suggestion * 10**decades)


def late(losses: Sequence[float]) -> float:
    """The share of what a run learned that it learned in its second half, by the means of its quarters; 1 for nothing.

    A run that had learned all it could by half of its length has 0, one whose loss stood still until then has 1.
    """
    if len(losses) < 4:
        return 1.0
    first, second, _, last = (float(part.mean()) for part in np.array_split(np.asarray(losses, dtype=np.float64), 4))
    top = max(first, second)
    return max(0.0, (second - last) / (top - last)) if top > last else 1.0


def untold(scores: Iterable[tuple[float, float]], untrained: float) -> float | None:
    """The middle of a wide range of learning rates that all learned nearly the same, and little; None if there is none.

    The one answer that depends on where the scores' zero is; it decides how much is done, and nothing else.
    """
    known = list(scores)
    best = min((score for _, score in known), default=math.inf)
    if not 0 < untrained - best < LITTLE * abs(untrained):
        return None
    near = [lr for lr, score in known if score <= best + TELLS * (untrained - best)]
    wide = max(near) >= min(near) * APART * (1 - 1e-9)
    return math.sqrt(min(near) * max(near)) if wide else None


def _crossing(x: np.ndarray, y: np.ndarray, best: int, line: float, way: int) -> float:
    """Going one way from the best, where the score passes the line; the last that was tried if it does not."""
    i = best
    while 0 <= i + way < len(x):
        here, following = y[i], y[i + way]
        if following > line:
            if not math.isfinite(following):  # somewhere on the way lies a cliff: not a step further
                return float(x[i])
            return float(x[i] + (x[i + way] - x[i]) * (line - here) / (following - here))
        i += way
    return float(x[i])
