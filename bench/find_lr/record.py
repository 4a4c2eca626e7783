"""Short runs and range tests over whole sweeps of the learning rate, from which fit.py chooses the finders' constants.

    python bench/find_lr/record.py [--tasks digits_mlp ...] [--processes 2]

Only the tasks that constants are chosen on, over as few batches as a search would take. Results are appended to
data/trials.jsonl and data/ramps.jsonl.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import running
import tasks

import rheostat as rh
from rheostat.probe.ranged import ranged
from rheostat.probe.trials import Trials

LENGTHS = {
    "root": lambda steps: max(30, int(1.4 * math.sqrt(steps))),
    "double": lambda steps: max(60, int(2.8 * math.sqrt(steps))),
    "quarter": lambda steps: steps // 4,
    "half": lambda steps: steps // 2,
}
RAMPS = (40, 60, 90)


def record(job: tuple[str, str, int]) -> None:
    """All range tests and short runs of one training, but for those that are there."""
    known = dict(zip(("task", "optimizer", "seed"), job, strict=True))
    if not _there("ramps.jsonl", known):
        _ramps(known)
    if not _there("trials.jsonl", known):
        lrs = sorted(row["lr"] for row in running.rows("oracle.jsonl") if {k: row[k] for k in known} == known)
        for length, updates in LENGTHS.items():
            _short_runs(known | {"length": length}, updates(_training(known).steps), [*lrs, 2 * lrs[-1]])


def _there(file: str, known: dict[str, Any]) -> bool:
    return any({k: row[k] for k in known} == known for row in running.rows(file))


def _training(known: dict[str, Any]) -> tasks.Training:
    return tasks.TASKS[known["task"]].training(known["optimizer"], known["seed"])


def _ramps(known: dict[str, Any]) -> None:
    for steps in RAMPS:
        t = _training(known)
        first = _trials(t, steps).first()
        seen = ranged(t.model, t.optimizer, first, t.loss, low=1e-6, high=100.0, steps=steps)
        losses = [[_short(v) for v in row] for row in seen.ramp.curve.losses.tolist()]
        row = {
            "steps": steps,
            "updates": seen.updates,
            "lrs": list(map(_short, seen.ramp.lrs.tolist())),
            "losses": losses,
        }
        running.append("ramps.jsonl", known | row)


def _short_runs(known: dict[str, Any], updates: int, lrs: list[float]) -> None:
    with _trials(_training(known), updates) as trials:
        for lr in lrs:
            trial = trials.trial(lr)
            row = {"updates": updates, "lr": lr, "score": _short(trial.score), "done": trial.updates}
            row |= {"late": round(trial.late, 3), "untrained": _short(trials.untrained)}
            running.append("trials.jsonl", known | row)


def _trials(t: tasks.Training, updates: int) -> Trials:
    options = {"schedule": running.SCHEDULE, "run": rh.Run(steps=t.steps), "updates": updates, "score": None}
    options |= {"accumulate": 1, "scaler": None, "clip": None, "also": (), "store": "memory", "watch": None}
    return Trials(t.model, t.optimizer, t.batches, t.loss, **options)


def _short(value: float) -> float | None:
    """As many digits as matter; none for what is not finite."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def main() -> None:
    """Record what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tasks", nargs="*", choices=list(tasks.ON), default=list(tasks.ON))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    running.side_by_side(record, running.which(chosen.tasks, chosen.seeds), chosen.processes)


if __name__ == "__main__":
    main()
