"""The oracle: whole trainings over learning rates a factor of 2 apart, scored on data that no finder sees.

    python bench/find_lr/oracle.py [--tasks digits_mlp ...] [--processes 2]

Results are appended to data/oracle.jsonl; what is there already is not done again. From a first guess the sweep goes
down until what was learned is less by 40 %, and up until it is less by as much or training diverges.
"""

from __future__ import annotations

import argparse
import math
import time

import running
import tasks

FILE = "oracle.jsonl"
LOST = 0.4
MOST = 14


def sweep(job: tuple[str, str, int]) -> None:
    """One sweep: a pair of task and optimizer with one seed."""
    name, optimizer, seed = job
    torch_first(name, optimizer, seed)
    untrained = tasks.TASKS[name].training(optimizer, seed).score()
    done = {
        round(math.log2(row["lr"] / tasks.BASES[optimizer])): row["score"]
        for row in running.rows(FILE)
        if (row["task"], row["optimizer"], row["seed"]) == job
    }
    done = {k: math.inf if score is None else score for k, score in done.items()}
    while (k := following(done, untrained)) is not None:
        lr, begin = tasks.BASES[optimizer] * 2.0**k, time.perf_counter()
        done[k] = running.train(name, optimizer, seed, lr)
        running.append(
            FILE,
            {
                "task": name,
                "optimizer": optimizer,
                "seed": seed,
                "lr": lr,
                "score": done[k] if math.isfinite(done[k]) else None,
                "untrained": untrained,
                "steps": tasks.TASKS[name].steps,
                "seconds": round(time.perf_counter() - begin, 2),
            },
        )


def torch_first(name: str, optimizer: str, seed: int) -> None:
    """Make what is cached (pretrained weights, encoded texts) before anything is timed."""
    tasks.TASKS[name].training(optimizer, seed)


def following(done: dict[int, float], untrained: float) -> int | None:
    """The next power of 2 to try, or None when both ends are far enough out."""
    if not done:
        return 0
    best = min(done.values())
    if len(done) >= MOST:
        return None
    if best >= untrained:  # nothing has learned yet: look on both sides in turn
        low, high = min(done), max(done)
        return high + 2 if abs(high) <= abs(low) and math.isfinite(done[high]) else low - 2
    line = best + LOST * (untrained - best)
    gaps = [k for k in range(min(done), max(done)) if k not in done]
    if gaps:
        return gaps[0]
    if done[max(done)] < line:
        return max(done) + 1
    return min(done) - 1 if done[min(done)] < line else None


def main() -> None:
    """Sweep what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tasks", nargs="*", choices=list(tasks.TASKS))
    parser.add_argument("--seeds", nargs="*", type=int, default=running.SEEDS)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    running.side_by_side(sweep, running.which(chosen.tasks, chosen.seeds), chosen.processes)


if __name__ == "__main__":
    main()
