"""Run by test_accelerate.py in each of two processes: train, save, resume; write what each update used.

Run as: python -m torch.distributed.run --nproc-per-node=2 two_processes.py FOLDER SCHEDULE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

import rheostat as rh

BATCHES = 5  # a process and epoch


def prepare(accelerator, schedule, updates):
    """A fresh model, loader, optimizer and scheduler, prepared; and the list of the rates that updates find."""
    net, data = torch.nn.Linear(1, 1), torch.ones(BATCHES * accelerator.num_processes, 1)
    plain = torch.optim.SGD(net.parameters(), lr=0.1)
    scheduler = rh.Scheduler(plain, schedule, rh.Run(steps=updates))
    used = []
    plain.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    return (*accelerator.prepare(net, DataLoader(data), plain, scheduler), used)


def train(accelerator, net, loader, optimizer, scheduler):
    """One epoch, as Accelerate's guide writes it."""
    for batch in loader:
        with accelerator.accumulate(net):
            accelerator.backward(net(batch).sum())
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()


def main(folder, schedule):
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    assert accelerator.num_processes == 2

    *parts, used = prepare(accelerator, schedule, 9)
    train(accelerator, *parts)
    accelerator.save_state(folder / "state")
    accelerator.wait_for_everyone()
    train(accelerator, *parts)
    train(accelerator, *parts)

    accelerator.free_memory()
    *parts, resumed = prepare(accelerator, schedule, 9)
    accelerator.load_state(folder / "state")
    train(accelerator, *parts)
    train(accelerator, *parts)

    accelerator.free_memory()
    net, _, optimizer, scheduler, plateau = prepare(accelerator, "plateau(factor=0.5, patience=0)", 3)
    for _ in range(3):
        accelerator.backward(net(torch.ones(1, 1)).sum())
        optimizer.step()
        scheduler.step(1.0)  # arrives once a process

    report = {"used": used, "resumed": resumed, "plateau": plateau}
    (folder / f"rank{accelerator.process_index}.json").write_text(json.dumps(report))
    accelerator.end_training()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
