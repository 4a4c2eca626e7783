"""Which learning rates short runs try, one after another, and whether the runs were long enough to tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from rheostat.probe.choice import APART, LATE, NOTHING, WITHIN, untold
from rheostat.probe.effort import Plan
from rheostat.probe.trials import Trial

LOWER = 2.0
"""How far below the best of the first search the second begins: longer trainings want a lower learning rate."""


class Runs(Protocol):
    """What makes short runs of one length: `Trials`."""

    untrained: float
    failure: Exception | None

    def all(self, lrs: Sequence[float], order: int = 0) -> list[Trial]:
        """Those of several learning rates."""
        ...


@dataclass(frozen=True)
class Searched:
    """What a search came to.

    Attributes:
        done: the runs that count.
        untrained: the score before training.
        before: runs that were too short, if there were any.
    """

    done: list[Trial]
    untrained: float
    before: list[Trial]


def searched(
    plan: Plan, start: float, runs_of: Callable[[int, int], AbstractContextManager[Runs]], *, guessed: bool
) -> Searched:
    """Search as planned, and once more with longer runs where the first were too short.

    Args:
        plan: how much is done.
        start: the learning rate to begin at.
        runs_of: given their length and how many updates were spent before, what makes the runs.
        guessed: whether the range test had no answer.

    Raises:
        Exception: what the runs met with, if each of them ended with an error.
    """
    twice = plan.longer > plan.updates
    with runs_of(plan.updates, 0) as runs:
        done = _through(runs, plan, start, plan.runs + (plan.guessed if guessed else 0), patient=not twice)
    if not twice or _told(done, runs.untrained):
        return Searched(done, runs.untrained, [])
    with runs_of(plan.longer, sum(t.updates for t in done)) as longer:
        found = _through(longer, plan, middle(done, runs.untrained) or start, plan.runs, patient=True)
    return Searched(found, longer.untrained, done)


def _through(runs: Runs, plan: Plan, start: float, most: int, *, patient: bool) -> list[Trial]:
    """One search, and the best of it over other batches if that is planned."""
    done = search(runs, [start * factor for factor in plan.begin], most, patient=patient, more=plan.more)
    done += _again(runs, done, plan.again)
    if runs.failure is not None and all(math.isinf(t.score) and t.note != "diverged" for t in done):
        raise runs.failure  # none came through: that is no matter of the learning rate
    return done


def search(trials: Runs, begin: Sequence[float], runs: int, *, patient: bool, more: int = 0) -> list[Trial]:
    """On from some runs to where it gets better, by factors of 4, then by 2 to both sides of the best.

    Where the lowest that was tried is as good as the best, or nearly, or another valley begins there, it goes on
    downwards too. It ends early where the runs are too short to tell, unless it is `patient`.

    Args:
        trials: what runs them.
        begin: the learning rates of the first ones.
        runs: how many there are at most.
        patient: whether runs that are too short are gone on with.
        more: how many more while the best lies at an end.
    """
    done = trials.all(begin)
    while patient or not _too_short(done, trials.untrained):
        most = runs + (more if best(done).lr in (min(t.lr for t in done), max(t.lr for t in done)) else 0)
        following = _following(done, trials.untrained)[: max(0, most - len(done))]
        if not following:
            break
        done += trials.all(following)
    return done


def _again(trials: Runs, done: Sequence[Trial], most: int) -> list[Trial]:
    """The best of those that came to something, once more, over other batches, in another order."""
    ranked = sorted((t for t in done if math.isfinite(t.score)), key=lambda t: (t.score, t.lr))
    return trials.all([t.lr for t in ranked[:most]], order=1)


def _told(done: Sequence[Trial], untrained: float) -> bool:
    """Whether the runs learned something, and were long enough to tell the learning rates apart."""
    return best(done).score < untrained and not _too_short(done, untrained)


def middle(done: Sequence[Trial], untrained: float) -> float | None:
    """Where a search with longer runs begins after one that could not tell; None where next to nothing was learned."""
    found = best(done)
    if _nothing(found, untrained):
        return None
    return untold(scores(done), untrained) or found.lr / LOWER


def best(done: Sequence[Trial]) -> Trial:
    """The one with the lowest score."""
    return min(done, key=lambda t: (t.score, t.lr))


def scores(done: Sequence[Trial]) -> list[tuple[float, float]]:
    """Learning rate and score of each."""
    return [(t.lr, t.score) for t in done]


def _too_short(done: Sequence[Trial], untrained: float) -> bool:
    """Whether the best run had hardly begun when it ended, or nobody learned more than anybody learns at once."""
    found = best(done)
    if not found.score < untrained:
        return False
    return found.late > LATE or _nothing(found, untrained) or untold(scores(done), untrained) is not None


def _nothing(found: Trial, untrained: float) -> bool:
    """Whether the best learned so little that what differs is chance."""
    return untrained - found.score < NOTHING * abs(untrained)


def _following(done: Sequence[Trial], untrained: float) -> list[float]:
    """The learning rates to try next; none where the neighbours of the best are a factor of 2 away."""
    lrs = sorted(t.lr for t in done)
    found = best(done)
    if not found.score < untrained:
        return [lrs[0] / APART]
    at, share = lrs.index(found.lr), WITHIN * (untrained - found.score)
    if at > 0 and _rising(done, untrained, share):
        return [lrs[0] / APART]
    if at == len(lrs) - 1:
        return [found.lr * APART]
    line = found.score + share
    if at == 0 or any(t.score <= line for t in done if t.lr == lrs[0]):  # as good, and safer: lower still may be too
        return [lrs[0] / APART]
    half = math.sqrt(APART)
    above, below = lrs[at + 1] / found.lr, found.lr / lrs[at - 1]
    sides = ((found.lr * half, above), (found.lr / half, below))
    return [lr for lr, gap in sides if gap > (half + APART) / 2]


def _rising(done: Sequence[Trial], untrained: float, share: float) -> bool:
    """Whether it gets better again below the lowest that was tried, away from the best: there is another valley.

    It does if the lowest is worse than no training at all, which is what the least learning rates come to, or clearly
    better than the next.
    """
    lowest, following = sorted(done, key=lambda t: t.lr)[:2]
    return lowest.score > untrained + share or lowest.score < following.score - share
