"""The finders' constants, chosen on the first of the tasks: each value played through on what was recorded.

    python bench/find_lr/fit.py [--what ramp|short|limit]

The search itself is Rheostat's own; only the short runs are looked up instead of trained. `limit` is what all short
runs of one length say, over the whole sweep.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import report
import running
from record import LENGTHS

from rheostat.probe import choice, effort, found, reading, search, smooth
from rheostat.probe.curve import RangeCurve
from rheostat.probe.trials import Trial

Key = tuple[str, str, int]
Tables = dict[str, dict[str, Any]]


def ramps() -> dict[Key, dict[int, tuple[RangeCurve, int]]]:
    """The recorded range tests by their length, each with what it cost."""
    found: dict[Key, dict[int, tuple[RangeCurve, int]]] = defaultdict(dict)
    for row in running.rows("ramps.jsonl"):
        losses = [[math.inf if value is None else value for value in one] for one in row["losses"]]
        curve = RangeCurve.of(row["lrs"], losses)
        found[row["task"], row["optimizer"], row["seed"]][row["steps"]] = curve, row["updates"]
    return found


def tables() -> dict[Key, Tables]:
    """The recorded short runs by their length."""
    found: dict[Key, Tables] = defaultdict(dict)
    for row in running.rows("trials.jsonl"):
        one = found[row["task"], row["optimizer"], row["seed"]]
        table = one.setdefault(row["length"], {"untrained": row["untrained"], "rows": {}, "updates": row["updates"]})
        table["rows"][row["lr"]] = (math.inf if row["score"] is None else row["score"], row["done"], row["late"])
    return found


class Played:
    """Short runs that are looked up: between two learning rates that were recorded, they are interpolated."""

    failure: Exception | None = None

    def __init__(self, one: Tables, length: str) -> None:
        self.rows, self.updates, self.untrained = (one[length][name] for name in ("rows", "updates", "untrained"))

    def all(self, lrs: Sequence[float], order: int = 0) -> list[Trial]:
        """Several of them, in whichever order: there is one record."""
        return [self.trial(lr) for lr in lrs]

    def trial(self, lr: float) -> Trial:
        """One of them."""
        x = np.log2(sorted(self.rows))
        at = math.log2(lr)
        if at > x[-1] + 1:
            return Trial(lr, math.inf, self.updates // 4, "diverged")
        if at < x[0]:
            return Trial(lr, self.untrained, self.updates, late=1.0)
        columns = np.array([self.rows[lr] for lr in sorted(self.rows)]).T
        with np.errstate(invalid="ignore"):
            score, done, late = (float(np.interp(at, x, column)) for column in columns)
        return Trial(lr, math.inf if math.isnan(score) else score, round(done), late=late)


def judge(answers: dict[Key, tuple[float | None, float]]) -> str:
    """Mean regret, worst pair, fails, factor and cost."""
    known = report.oracles()
    rows = [
        {"task": k[0], "optimizer": k[1], "seed": k[2], "finder": "x", "lr": lr, "updates": updates}
        for k, (lr, updates) in answers.items()
    ]
    names = {k[0] for k in answers}
    return report.line("", report.judged(rows, known, names)["x"])


def fit_ramps() -> None:
    """Widths of the kernel and distances below the minimum, for each length of the range test."""
    recorded = ramps()
    for steps, width, below in itertools.product((40, 60, 90), (0.15, 0.2, 0.3), (2.0, 3.0, 4.0, 6.0)):
        smooth.WIDTH, reading.BELOW_MINIMUM = width, below
        said: dict[Key, tuple[float | None, float]] = {}
        for key, curves in recorded.items():
            said[key] = reading.read(curves[steps][0]).suggestion, curves[steps][1]
        print(f"{steps:4d} width {width:.2f} below {below:.1f}  {judge(said)}")


def fit_short() -> None:
    """Runs of a balanced search: how long, how many, and when they were too short; then of a thorough one."""
    recorded, known = tables(), ramps()
    for length, runs, drift, late in itertools.product(
        ("root", "double"), (3, 4, 5), (0.2, 0.32, 0.4), (0.6, 0.7, 0.8, 1.0)
    ):
        choice.DRIFT, search.LATE = drift, late
        said = {key: _said("balanced", one, known[key][40], length, runs) for key, one in recorded.items()}
        print(f"K {length} runs {runs} drift {drift:.2f} late {late:.1f}  {judge(said)}")
    for length, runs, drift, nearly in itertools.product(
        ("quarter", "half"), (5, 6), (0.0, 0.2, 0.32, 0.4), (0.01, 0.03, 0.05, 0.1)
    ):
        choice.DRIFT, choice.NEARLY = drift, nearly
        said = {key: _said("thorough", one, known[key][40], length, runs) for key, one in recorded.items()}
        print(f"K {length} runs {runs} drift {drift:.2f} nearly {nearly:.2f}  {judge(said)}")


def fit_limit() -> None:
    """All short runs of one length, and the best power of the length for them."""
    recorded = tables()
    for length, drift in itertools.product(LENGTHS, (0.0, 0.2, 0.32, 0.4)):
        choice.DRIFT = drift
        said: dict[Key, tuple[float | None, float]] = {}
        for key, one in recorded.items():
            played = Played(one, length)
            done = played.all(list(played.rows))
            said[key] = _settled(done, played, one), sum(t.updates for t in done)
        print(f"all of {length} drift {drift:.2f}  {judge(said)}")


def _said(
    how: effort.Effort, one: Tables, seen: tuple[RangeCurve, int], length: str, runs: int
) -> tuple[float | None, float]:
    """The suggestion of a search whose runs are as long as was recorded, and what it costs."""
    ramp, short, long = reading.read(seen[0]), Played(one, length), Played(one, "quarter")
    plan = effort.planned(how, 2 * one["half"]["updates"])
    assert plan is not None
    plan = replace(plan, updates=short.updates, runs=runs, again=0, longer=long.updates if plan.longer else 0)
    answer, of = found.answered(ramp), {long.updates: long, short.updates: short}
    begin = answer or found.guessed(ramp) or 1.0
    came = search.searched(plan, begin, lambda n, _: nullcontext(of[n]), guessed=not answer)
    stuck = bool(came.before)
    suggestion = _settled(came.done, long if stuck else short, one, stuck=stuck)
    return suggestion or answer, seen[1] + sum(t.updates for t in came.before + came.done)


def _settled(done: list[Trial], played: Played, one: Tables, *, stuck: bool = False) -> float | None:
    """The suggestion that short runs lead to; a half is half of the training."""
    chosen = choice.choose(search.scores(done), played.untrained)
    share = played.updates / (2 * one["half"]["updates"])
    return None if chosen is None else choice.settle(chosen, share, stuck=stuck)[0]


def main() -> None:
    """Print what each value would have come to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--what", choices=["ramp", "short", "limit"], default="short")
    {"ramp": fit_ramps, "short": fit_short, "limit": fit_limit}[parser.parse_args().what]()


if __name__ == "__main__":
    main()
