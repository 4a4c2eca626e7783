"""Run by test_gloo.py: starts pairs of processes one after the other, and writes down how each ended and what it saw.

Run as: python launch.py FOLDER. The processes are forked from this one, which has imported PyTorch and done nothing else:
a start costs no second, so that every kill can have a group of its own.
"""

import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

EVERY = 4
MOMENTS = ("before", "between", "saving")


def save(training, path, *, die):
    """Rank 0 writes for all, aside and then in place."""
    if training.rank == 0:
        saved = {
            "done": training.done,
            "model": training.net.state_dict(),
            "optimizer": training.optimizer.state_dict(),
            "scheduler": training.scheduler.state_dict(),
        }
        torch.save(saved, path.with_suffix(".new"))
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        path.with_suffix(".new").replace(path)
    dist.barrier()


def resume(training, path):
    saved = torch.load(path, weights_only=True)
    training.net.load_state_dict(saved["model"])
    training.optimizer.load_state_dict(saved["optimizer"])
    training.scheduler.load_state_dict(saved["scheduler"])
    training.done = saved["done"]


def train(rank, folder, moment=None):
    """Train to the end, saving every few updates; in the middle one rank is killed at the given moment."""
    import ranks

    training, path = ranks.Training(rank, ranks.CUTTING), folder / "checkpoint.pt"
    if path.exists():
        resume(training, path)
    begun = training.done
    while training.done < ranks.UPDATES:
        dying = moment if training.done == 6 and rank == 1 else None
        training.backward()
        if dying == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        training.optimize()
        if dying == "between":
            os.kill(os.getpid(), signal.SIGKILL)
        training.scheduler.step(ranks.METRICS[rank][training.done - 1])
        if training.done % EVERY == 0:
            save(training, path, die=moment == "saving" and training.done == 2 * EVERY)
    return {"begun": begun, **training.report()}


def work(rank, folder, name, task):
    """What a process does, from its start to its end."""
    dist.init_process_group(
        "gloo", f"file://{folder / name}.meet", rank=rank, world_size=2, timeout=timedelta(seconds=100)
    )
    report = task(rank, folder)
    (folder / f"{name}.{rank}.json").write_text(json.dumps(report), encoding="utf-8")
    dist.barrier()
    dist.destroy_process_group()


def launch(folder, name, task):
    """Start two processes; when one fails, end the other, as a launcher does. Returns the first exit code not 0."""
    folder.mkdir(exist_ok=True)
    ranks = {}
    for rank in (0, 1):
        ranks[pid := os.fork()] = rank
        if not pid:
            try:
                work(rank, folder, name, task)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
    failed = 0
    while ranks:
        pid, status = os.wait()
        del ranks[pid]
        code = os.waitstatus_to_exitcode(status)
        if code and not failed:
            failed = code
            for other in ranks:
                os.kill(other, signal.SIGKILL)
    return failed


def main(folder):
    import ranks
    import torch._dynamo  # noqa: F401 - what building an optimizer would otherwise import in every process

    codes = {"together": launch(folder, "together", ranks.together), "whole": launch(folder, "whole", train)}
    for moment in MOMENTS:
        codes[moment] = launch(folder / moment, "killed", lambda rank, f, moment=moment: train(rank, f, moment))
        codes[f"{moment}-restarted"] = launch(folder / moment, "restarted", train)
    (folder / "codes.json").write_text(json.dumps(codes), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
