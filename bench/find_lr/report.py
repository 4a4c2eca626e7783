"""The table: how far each finder's learning rate is from the best, what it costs, and whether the difference is chance.

    python bench/find_lr/report.py [--tasks on|unseen|later|fresh|last|all] [--answers FILE]

regret      (L(suggested) − L*) / (L untrained − L*), on unseen data after a whole training, between 0 and 1
worst       the mean regret of the worst pair of task and optimizer
fails       how many regrets are above 0.05
factor      10^mean |log10(suggested / best)|
band        how often the best learning rate of the sweep lies in the band that was given
cost        updates of the finder, in whole trainings
none        how often it gave no number: then the learning rate stays what it was

Below: by how much a peer's regret is higher than ours at no more cost than its own, with an interval of 95 % from a
bootstrap over pairs of task and optimizer.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import running
import tasks

FAIL = 0.05
OURS = ("fast", "balanced", "thorough")
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Oracle:
    """One sweep: what a training with each learning rate came to."""

    lrs: np.ndarray
    scores: np.ndarray
    untrained: float
    steps: int

    @property
    def best(self) -> float:
        """The learning rate with the lowest score."""
        return float(self.lrs[self.scores.argmin()])

    def regret(self, lr: float) -> float:
        """Interpolated between neighbours, extrapolated beyond the ends, at least 0 and at most 1."""
        gained = self.untrained - self.scores.min()
        lost = np.minimum((self.scores - self.scores.min()) / gained, 1.0)
        x, at = np.log2(self.lrs), math.log2(lr)
        if x[0] <= at <= x[-1]:
            return float(np.interp(at, x, lost))
        a, b = (0, 1) if at < x[0] else (-1, -2)
        slope = (lost[a] - lost[b]) / (x[a] - x[b])
        return float(np.clip(lost[a] + slope * (at - x[a]), lost[a], 1.0))


def oracles() -> dict[Key, Oracle]:
    """All sweeps."""
    found: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in running.rows("oracle.jsonl"):
        found[row["task"], row["optimizer"], row["seed"]].append(row)
    made = {}
    for key, rows in found.items():
        by_lr = {row["lr"]: math.inf if row["score"] is None else row["score"] for row in rows}
        lrs = sorted(by_lr)
        scores = np.array([by_lr[lr] for lr in lrs])
        made[key] = Oracle(np.array(lrs), scores, rows[0]["untrained"], rows[0]["steps"])
    return made


def judged(rows: list[dict[str, Any]], known: dict[Key, Oracle], names: set[str]) -> dict[str, dict[Key, Any]]:
    """Each finder's answers with what they are worth."""
    found: dict[str, dict[Key, Any]] = defaultdict(dict)
    for row in rows:
        key = row["task"], row["optimizer"], row["seed"]
        if key in known and row["task"] in names:
            oracle = known[key]
            lr = row["lr"] or tasks.BASES[row["optimizer"]]
            band = row.get("band")
            found[row["finder"]][key] = {
                "regret": oracle.regret(lr),
                "off": abs(math.log10(lr / oracle.best)),
                "cost": row["updates"] / oracle.steps,
                "none": row["lr"] is None,
                "inside": None if band is None else band[0] <= oracle.best <= band[1],
            }
    return found


def of_pairs(by_key: dict[Key, Any], name: str) -> dict[tuple[str, str], float]:
    """The mean over seeds for each pair of task and optimizer."""
    pairs: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (task, optimizer, _), answer in by_key.items():
        pairs[task, optimizer].append(answer[name])
    return {pair: float(np.mean(values)) for pair, values in pairs.items()}


def line(finder: str, by_key: dict[Key, Any]) -> str:
    """One row of the table."""
    answers = list(by_key.values())
    regrets = np.array([a["regret"] for a in answers])
    bands = [a["inside"] for a in answers if a["inside"] is not None]
    band = f"{np.mean(bands):6.0%}" if bands else "     -"
    off, cost = 10 ** np.mean([a["off"] for a in answers]), np.mean([a["cost"] for a in answers])
    none, worst = np.mean([a["none"] for a in answers]), max(of_pairs(by_key, "regret").values())
    numbers = f"{regrets.mean():7.3f} {worst:6.2f} {np.mean(regrets > FAIL):6.0%} {off:7.2f} {band} {cost:6.2f}"
    return f"{finder:<18}{numbers} {none:5.0%} {len(answers):4d}"


def interval(ours: dict[Key, Any], theirs: dict[Key, Any], draws: int = 10_000) -> tuple[float, float, float]:
    """Their regret minus ours: the mean, and 95 % of what a bootstrap over pairs gives."""
    common = ours.keys() & theirs.keys()
    a, b = (of_pairs({k: v for k, v in who.items() if k in common}, "regret") for who in (ours, theirs))
    difference = np.array([b[pair] - a[pair] for pair in sorted(a)])
    drawn = np.random.default_rng(0).choice(difference, (draws, difference.size)).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)


def floor(known: dict[Key, Oracle], names: set[str]) -> list[dict[str, Any]]:
    """What another seed's whole sweep would say."""
    rows = []
    for task, optimizer, seed in known:
        others = [s for t, o, s in known if (t, o) == (task, optimizer) and s != seed]
        if others and task in names:
            lr, cost = known[task, optimizer, min(others)].best, known[task, optimizer, min(others)]
            updates = cost.lrs.size * cost.steps
            row = {"task": task, "optimizer": optimizer, "seed": seed, "finder": "(another seed's sweep)", "lr": lr}
            rows.append(row | {"updates": updates})
    return rows


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tasks", choices=list(tasks.SETS), default="last")
    parser.add_argument("--answers", default="answers.jsonl")
    parser.add_argument("--by-pair", action="store_true", help="our regrets for each pair too")
    chosen = parser.parse_args()
    names = set(tasks.SETS[chosen.tasks])
    known = oracles()
    found = judged(running.rows(chosen.answers) + floor(known, names), known, names)
    print(f"{'finder':<18} regret  worst  fails  factor   band   cost  none    n")
    for finder in sorted(found, key=lambda f: (f not in OURS, f)):
        print(line(finder, found[finder]))
    for mine in (m for m in OURS if m in found):
        for peer in (p for p in found if p not in OURS and not p.startswith("(")):
            mean, low, high = interval(found[mine], found[peer])
            print(f"{peer:>18} − {mine:<9} {mean:+.3f}  [{low:+.3f}, {high:+.3f}]")
    if chosen.by_pair:
        for mine in (m for m in OURS if m in found):
            for (task, optimizer), regret in sorted(of_pairs(found[mine], "regret").items()):
                print(f"{mine:<9} {task:<18}{optimizer:<6} {regret:.3f}")


if __name__ == "__main__":
    main()
