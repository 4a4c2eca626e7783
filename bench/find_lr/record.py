"""Short runs and range tests over whole sweeps of the learning rate, from which fit.py chooses the finders' constants.

    python bench/find_lr/record.py [--tasks digits_mlp ...] [--processes 2]

Only the tasks that constants are chosen on. Results are appended to data/trials.jsonl and data/ramps.jsonl.
"""

from __future__ import annotations

import argparse
import math

import running
import tasks

import rheostat as rh
from rheostat.probe.trials import Trials

LENGTHS = ((30, 0), (50, 0), (50, 1), (80, 0))
RAMPS = ((50, 1e-6, 10.0), (80, 1e-6, 10.0), (120, 1e-6, 10.0))


def record(job: tuple[str, str, int]) -> None:
    """All short runs and range tests of one training."""
    name, optimizer, seed = job
    known = {"task": name, "optimizer": optimizer, "seed": seed}
    if any({k: row[k] for k in known} == known for row in running.rows("trials.jsonl")):
        return
    lrs = sorted(r["lr"] for r in running.rows("oracle.jsonl") if {k: r[k] for k in known} == known)
    for steps, low, high in RAMPS:
        t = tasks.TASKS[name].training(optimizer, seed)
        found = rh.range_test(t.model, t.optimizer, t.batches, t.loss, min=low, max=high, steps=steps)
        losses = [value if math.isfinite(value) else None for value in found.curve.losses[0].tolist()]
        running.append("ramps.jsonl", known | {"steps": steps, "lrs": found.lrs.tolist(), "losses": losses})
    for updates, order in LENGTHS:
        t = tasks.TASKS[name].training(optimizer, seed)
        options = {"schedule": running.SCHEDULE, "run": rh.Run(steps=t.steps), "updates": updates, "score": None}
        options |= {"accumulate": 1, "scaler": None, "clip": None, "also": (), "store": "memory", "watch": None}
        with Trials(t.model, t.optimizer, t.batches, t.loss, **options) as trials:
            for lr in lrs:
                trial = trials.trial(lr, order)
                score = trial.score if math.isfinite(trial.score) else None
                row = {"updates": updates, "order": order, "lr": lr, "score": score, "done": trial.updates}
                running.append("trials.jsonl", known | row | {"untrained": trials.untrained})


def main() -> None:
    """Record what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tasks", nargs="*", choices=list(tasks.ON), default=list(tasks.ON))
    parser.add_argument("--seeds", nargs="*", type=int, default=running.SEEDS)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    running.side_by_side(record, running.which(chosen.tasks, chosen.seeds), chosen.processes)


if __name__ == "__main__":
    main()
