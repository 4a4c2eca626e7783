"""Whole trainings, and files to which each result is appended as soon as it is there."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import tasks
import torch

import rheostat as rh

DATA = Path(os.environ.get("FIND_LR_DATA", Path(__file__).parent / "data"))
SCHEDULE = "warmup('5%') >> cosine(end=0.1)"
SEEDS = (0, 1, 2)


def train(name: str, optimizer: str, seed: int, lr: float) -> float:
    """The score on unseen data after a whole training; inf where it diverged."""
    training = tasks.TASKS[name].training(optimizer, seed)
    several = training.optimizer if isinstance(training.optimizer, list) else [training.optimizer]
    factor = lr / several[0].param_groups[0]["lr"]
    for group in (group for o in several for group in o.param_groups):
        group["lr"] *= factor
    scheduler = rh.Scheduler(several, SCHEDULE, rh.Run(steps=training.steps))
    done, epoch = 0, 0
    while done < training.steps:
        for batch in training.batches(epoch)[: training.steps - done]:
            loss = training.loss(training.model, batch)
            if not math.isfinite(float(loss.detach())):
                scheduler.close()
                return math.inf
            loss.backward()
            for o in several:
                o.step()
                o.zero_grad()
            scheduler.step()
            done += 1
        epoch += 1
    score = training.score()
    return score if math.isfinite(score) else math.inf


def rows(file: str) -> list[dict[str, Any]]:
    """What a file holds."""
    path = DATA / file
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def append(file: str, row: dict[str, Any]) -> None:
    """One more line, whole."""
    DATA.mkdir(exist_ok=True)
    with (DATA / file).open("a") as out:
        out.write(json.dumps(row) + "\n")


def side_by_side(work: Callable[[Any], None], jobs: Iterable[Any], processes: int) -> None:
    """Do all jobs, so many at once, each on one core."""
    listed = list(jobs)
    begin = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(processes, initializer=_alone) as pool:
        for i, _ in enumerate(pool.imap_unordered(work, listed), 1):
            print(f"\r{i}/{len(listed)} after {time.perf_counter() - begin:.0f} s", end="", flush=True)
    print()


def _alone() -> None:
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"


def which(names: list[str] | None, seeds: Iterable[int] = SEEDS) -> Iterator[tuple[str, str, int]]:
    """All of task, optimizer and seed."""
    for seed in seeds:
        for name, optimizer in tasks.pairs(names):
            yield name, optimizer, seed
