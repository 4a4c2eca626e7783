"""The finders' constants, chosen on the first half of the tasks: each value played through on what was recorded.

    python bench/find_lr/fit.py [--what ramp|short]

The search itself is rheostat's own; only the short runs are looked up instead of trained.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import report
import running

from rheostat.probe import choice, find, found, reading, smooth
from rheostat.probe.curve import RangeCurve
from rheostat.probe.trials import Trial

Key = tuple[str, str, int]
Tables = dict[int, dict[str, Any]]


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
        table = one.setdefault(row["updates"], {"untrained": row["untrained"], "rows": {}})
        table["rows"][row["lr"]] = (math.inf if row["score"] is None else row["score"], row["done"])
    return found


class Played:
    """Short runs that are looked up: between two learning rates that were recorded, their scores are interpolated."""

    def __init__(self, one: Tables, updates: int) -> None:
        self.one, self.updates = one, updates
        self.untrained = one[updates]["untrained"]
        self.bases = SimpleNamespace(first=1.0)

    def all(self, lrs: Sequence[float]) -> list[Trial]:
        """Several of them."""
        return [self.trial(lr) for lr in lrs]

    def trial(self, lr: float) -> Trial:
        """One of them."""
        rows = self.one[self.updates]["rows"]
        x = np.log2(sorted(rows))
        at = math.log2(lr)
        scores, done = (np.array([rows[lr][i] for lr in sorted(rows)]) for i in (0, 1))
        if at > x[-1] + 1:
            return Trial(lr, math.inf, self.updates // 4, "diverged")
        if at < x[0]:
            return Trial(lr, self.untrained, self.updates)
        return Trial(lr, float(np.interp(at, x, scores)), round(float(np.interp(at, x, done))))


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
    """Lengths of short runs, how good is good enough, where in the band, and what becomes of the range test."""
    recorded, known = tables(), ramps()
    plans = {runs: find._Plan(0, runs) for runs in (3, 4, 6)}
    rules = {
        "lower": min,
        "short runs": lambda short, _: short,
        "middle": lambda short, ramp: math.sqrt(short * ramp),
        "half-way": lambda short, ramp: min(ramp, math.sqrt(short * ramp)),
    }
    grid = itertools.product((30, 50, 80), plans, (0.03, 0.05, 0.1), (1 / 3, 0.5), rules)
    for updates, runs, within, middle, rule in grid:
        choice.WITHIN, choice.MIDDLE = within, middle
        said: dict[Key, tuple[float | None, float]] = {}
        for key, one in recorded.items():
            curve, cost = known[key][40]
            ramp, played = reading.read(curve), Played(one, updates)
            done = find._search(played, find._centre(ramp, 1.0), plans[runs])  # type: ignore[arg-type]
            chosen = find._chosen(done, played.untrained)
            read = found.answered(ramp)
            lr = read if chosen is None else chosen.suggestion
            if chosen is not None and read is not None:
                lr = rules[rule](chosen.suggestion, read)
            said[key] = lr, cost + sum(t.updates for t in done)
        print(f"K {updates} runs {runs} within {within:.2f} at {middle:.2f} {rule:<10}  {judge(said)}")


def main() -> None:
    """Print what each value would have come to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--what", choices=["ramp", "short"], default="short")
    {"ramp": fit_ramps, "short": fit_short}[parser.parse_args().what]()


if __name__ == "__main__":
    main()
