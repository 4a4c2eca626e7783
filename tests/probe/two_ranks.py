"""Run in each of two processes: different data, one rank's loss is not finite at once, one has fewer batches.

Run as: python -m torch.distributed.run --nproc-per-node=2 two_ranks.py FOLDER
"""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist

import rheostat as rh


def main(folder):
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(rank)
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [torch.randn(8, 3) + rank for _ in range(3 + 4 * rank)]
    before = [p.clone() for p in model.parameters()]
    calls = []

    def loss(model, batch):
        calls.append(1)
        value = (model(batch) - batch.sum(1, keepdim=True)).pow(2).mean()
        return value * float("nan") if rank == 1 and len(calls) == 61 else value

    whole = rh.range_test(model, optimizer, batches, loss, max=0.01, steps=50)
    broken = rh.range_test(model, optimizer, batches, loss, steps=50)
    same = all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    report = {"whole": whole.losses.tolist(), "broken": broken.updates, "calls": len(calls), "same": same}
    (folder / f"rank{rank}.json").write_text(json.dumps(report))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
