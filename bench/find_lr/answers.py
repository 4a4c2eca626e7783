"""What every finder says: ours with each effort, and the other libraries'.

    python bench/find_lr/answers.py [--only ours|peers] [--tasks digits_mlp ...] [--processes 2] [--own]

With --own, what ours would say if each update had a batch of its own, however often the training sees it.
Appended to data/answers.jsonl; what is there already is not asked again (delete its lines to ask anew).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import Any

import running
import tasks

import rheostat as rh
from rheostat.probe import trials

FILE = "answers.jsonl"
EFFORTS = ("fast", "balanced", "thorough")
OWN = ", own batches"


def ours(name: str, optimizer: str, seed: int, effort: str) -> dict[str, Any]:
    """The answer of rh.find_lr."""
    if effort.endswith(OWN):
        trials.few = lambda *_: None  # type: ignore[assignment]
        effort = effort.removesuffix(OWN)
    t, begin = tasks.TASKS[name].training(optimizer, seed), time.perf_counter()
    found = rh.find_lr(
        t.model, t.optimizer, t.batches, t.loss, run=rh.Run(steps=t.steps), schedule=running.SCHEDULE, effort=effort
    )
    return {
        "lr": found.suggestion,
        "band": found.band,
        "status": found.status,
        "updates": found.updates,
        "seconds": round(time.perf_counter() - begin, 2),
    }


def ask(job: tuple[str, str, int, str]) -> None:
    """One finder's, or all peers', for one training."""
    name, optimizer, seed, finder = job
    known = {"task": name, "optimizer": optimizer, "seed": seed}
    if finder != "peers":
        running.append(FILE, known | {"finder": finder} | ours(name, optimizer, seed, finder))
        return
    import peers

    os.chdir(tempfile.mkdtemp())  # some leave files behind
    for peer, said in peers.answers(name, optimizer, seed).items():
        rules = {peer: None} if isinstance(said, str) else said
        error = {"error": said} if isinstance(said, str) else {}
        for rule, lr in rules.items():
            running.append(FILE, known | {"finder": rule, "lr": lr, "updates": peers.STEPS} | error)


def main() -> None:
    """Ask what was not asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", choices=["ours", "peers"])
    parser.add_argument("--efforts", nargs="*", choices=EFFORTS, default=EFFORTS)
    parser.add_argument("--tasks", nargs="*", choices=list(tasks.TASKS))
    parser.add_argument("--seeds", nargs="*", type=int, default=running.SEEDS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--own", action="store_true")
    chosen = parser.parse_args()
    efforts = [effort + OWN * chosen.own for effort in chosen.efforts]
    done = {(r["task"], r["optimizer"], r["seed"], r["finder"]) for r in running.rows(FILE)}
    jobs = []
    for job in running.which(chosen.tasks, chosen.seeds):
        if chosen.only != "peers":
            jobs += [(*job, effort) for effort in efforts if (*job, effort) not in done]
        if chosen.only != "ours" and job[1] != "muon" and (*job, "torch-lr-finder") not in done:
            jobs.append((*job, "peers"))  # they take one optimizer; Muon's training has two
    running.side_by_side(ask, jobs, chosen.processes)


if __name__ == "__main__":
    main()
