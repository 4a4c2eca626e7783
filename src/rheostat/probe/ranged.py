"""A range test that finds its own range: first where training is lost, then slowly over the decades below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rheostat.probe.range_test import Watcher, range_test
from rheostat.probe.result import RangeResult

SCOUT = 20  # updates of the first ramp; a third of them, or fewer, to each decade
_RATIO = 1e3  # between the ends of the second
_SHIFT = 100.0  # by which its range is moved down where it began too high
_ABOVE = 10.0  # times where the loss began to rise
_SLOWER = 3  # where no fall stands out: more updates at each learning rate, to learn more and to hear more


@dataclass(frozen=True, eq=False)
class Ranged:
    """The slow ramp, and what all of it cost in updates."""

    ramp: RangeResult
    updates: int


def ranged(*where: Any, low: float, high: float, steps: int, watch: Watcher | None = None, **options: Any) -> Ranged:
    """Two range tests in place of one: the more updates a decade has, the less the minimum is put too high.

    Args:
        where: model, optimizer, batches and loss.
        low: where the first ramp begins.
        high: where it ends, if training is not lost before.
        steps: updates of the second.
        watch: as for `range_test`; updates are counted on.
        options: passed on to `range_test`.
    """
    done = 0

    def test(low: float, high: float, steps: int) -> RangeResult:
        nonlocal done
        before = done
        told = None if watch is None else lambda count, lr, loss: watch(before + count, lr, loss)
        result = range_test(*where, min=low, max=high, steps=steps, watch=told, **options)
        done += result.updates
        return result

    top = _lost(test(low, high, SCOUT))
    ramp = test(top / _RATIO, top, steps)
    if _below(ramp):
        top /= _SHIFT
        ramp = test(top / _RATIO, top, steps)
    if unheard(ramp):
        ramp = test(top / _RATIO, top, _SLOWER * steps)
    return Ranged(ramp, done)


def unheard(ramp: RangeResult) -> bool:
    """Whether the noise was louder than what was learned."""
    return ramp.status in ("never fell", "too noisy")


def _lost(scout: RangeResult) -> float:
    """Where the first ramp diverged, else its end; not much above where the loss began to rise."""
    lost = np.flatnonzero(np.isinf(scout.curve.losses[0]))
    top = float(scout.lrs[lost[0]]) if lost.size else float(scout.lrs[-1])
    return top if scout.avoid is None else min(top, _ABOVE * scout.avoid)


def _below(ramp: RangeResult) -> bool:
    """Whether the loss rose from the beginning of the ramp on, or nearly so."""
    return ramp.status == "diverged at once" or (ramp.status == "minimum at the edge" and ramp.avoid is not None)
