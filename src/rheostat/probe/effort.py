"""How much a search does: how long its short runs are, and how many, by the length of the training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from rheostat.probe.ranged import SCOUT
from rheostat.schedule.levels import choice, count

Effort = Literal["fast", "balanced", "thorough"] | int

_LEAST_RAMP, _MOST_RAMP = 40, 100  # updates of the slow range test
_FEWEST, _MOST = 30, 200  # updates of a short run
_ROOT = 1.4  # times the root of the training's updates: a short run of a balanced search; a tenth of a thorough one's
_RUNS, _LONG_RUNS = 4, 6  # how many there are in a search of short ones, and of long ones
_NEAR, _FAR = (1.0, 4.0), (1 / 8, 1.0, 8.0)  # where these begin, as factors of the range test's answer
_AGAIN = 3  # the best of the long ones, over other batches too: chance counts more below half a training
_MORE = 2  # more of them while the best lies at an end, and of short ones where the range test has no answer
_SHARE, _ENOUGH = 0.25, 400  # updates of a run of the second search: this share of the training, or so many


@dataclass(frozen=True)
class Plan:
    """How much is done after the range test.

    Attributes:
        updates: of a short run.
        runs: how many there are at most.
        begin: the first of them, as factors of where the search begins.
        more: how many more while the best lies at an end of what was tried.
        guessed: how many more where the range test has no answer to begin with.
        longer: updates of a run of the second search, made where those of the first were too short; 0 for none.
        again: how many of the best are made again over other batches.
    """

    updates: int
    runs: int
    begin: tuple[float, ...] = _NEAR
    more: int = 0
    guessed: int = 0
    longer: int = 0
    again: int = 0


def planned(effort: Effort, updates: int) -> Plan | None:
    """How much to do for a training of so many updates; None for the range test alone."""
    if isinstance(effort, str):
        choice("effort", effort, ("fast", "balanced", "thorough"))
        if effort == "fast":
            return None
        root = _ROOT * math.sqrt(updates)
        if effort == "balanced":
            longer = min(int(_SHARE * updates), _ENOUGH)
            return Plan(_within(root, _MOST, updates), _RUNS, more=_MORE, guessed=_MORE, longer=longer)
        long = _within(10 * root, updates // 2, updates)
        again = _AGAIN if long < updates // 2 else 0
        return Plan(long, _LONG_RUNS, _FAR, more=_MORE, again=again)
    ramp = SCOUT + ramp_steps(updates)
    left = count("effort", effort, least=ramp) - ramp
    if left < 3 * _FEWEST:
        return None
    runs = min(_RUNS, left // _FEWEST)
    return Plan(min(left // runs, updates), runs)


def ramp_steps(updates: int) -> int:
    """How long the slow range test is."""
    return int(max(_LEAST_RAMP, min(_MOST_RAMP, 0.075 * updates)))


def usual_updates(effort: Effort, updates: int) -> int:
    """How many updates a search takes at most, but for what a range test without an answer or short runs add to it."""
    plan = planned(effort, updates)
    ramp = SCOUT + ramp_steps(updates)
    return 2 * ramp if plan is None else ramp + (plan.runs + plan.again) * plan.updates


def _within(wanted: float, most: int, updates: int) -> int:
    """How long a short run is, at most the training."""
    return min(int(max(_FEWEST, min(most, wanted))), updates)
