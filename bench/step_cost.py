"""What one step of a schedule costs: its hook, its sums and its writes, per update, beside PyTorch's.

    python bench/step_cost.py [--quick]

The optimizer's own step does nothing, so that the difference to a loop without a scheduler is the scheduler. All
contenders, the loop without a scheduler among them, take turns in one process, in another order each time, and what is
counted is the time of this thread and not that of others beside it. The differences of the medians are shown, in
microseconds per update, and how far the middle half of the ratios to PyTorch's is spread. The floor is a loop that
writes a constant into each group. "hook" is ours where scheduler.step() is left out.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch.optim import lr_scheduler as pt

import rheostat as rh

if TYPE_CHECKING:
    from collections.abc import Callable

FAR = 10**7  # updates: further than any contender gets
warnings.filterwarnings("ignore", category=rh.errors.EndedEarlyWarning)  # they are timed, and go no further


class Idle(torch.optim.Optimizer):
    """An optimizer whose step does nothing."""

    def __init__(self, groups: int, *, tensor: bool) -> None:
        params = [torch.nn.Parameter(torch.zeros(1)) for _ in range(groups)]
        lrs = [0.1 / (1 + i) for i in range(groups)]
        given = [{"params": [p], "lr": torch.tensor(lr) if tensor else lr} for p, lr in zip(params, lrs, strict=True)]
        super().__init__(given, {})

    def step(self, closure: Any = None) -> None:
        """Nothing."""


def bare(optimizer: Idle) -> Callable[[int], None]:
    """The loop without a scheduler."""

    def loop(n: int) -> None:
        step = optimizer.step
        for _ in range(n):
            step()

    return loop


def floor(optimizer: Idle) -> Callable[[int], None]:
    """The least that any scheduler must do: write a number into each group."""

    def loop(n: int) -> None:
        step, groups = optimizer.step, optimizer.param_groups
        for _ in range(n):
            step()
            for group in groups:
                group["lr"] = 0.05

    def fill(n: int) -> None:
        step, tensors = optimizer.step, [group["lr"] for group in optimizer.param_groups]
        for _ in range(n):
            step()
            for tensor in tensors:
                tensor.fill_(0.05)

    return fill if isinstance(optimizer.param_groups[0]["lr"], torch.Tensor) else loop


def stepped(make: Callable[[Idle], Any]) -> Callable[[Idle], Callable[[int], None]]:
    """The usual loop: optimizer.step(), scheduler.step()."""

    def contender(optimizer: Idle) -> Callable[[int], None]:
        scheduler = make(optimizer)

        def loop(n: int) -> None:
            step, advance = optimizer.step, scheduler.step
            for _ in range(n):
                step()
                advance()

        return loop

    return contender


def hooked(schedule: rh.Schedule) -> Callable[[Idle], Callable[[int], None]]:
    """Ours without scheduler.step()."""

    def contender(optimizer: Idle) -> Callable[[int], None]:
        scheduler = rh.Scheduler(optimizer, schedule, rh.Run(steps=FAR))
        plain = bare(optimizer)

        def loop(n: int, _alive: Any = scheduler) -> None:
            plain(n)

        return loop

    return contender


def ours(schedule: rh.Schedule) -> Callable[[Idle], Callable[[int], None]]:
    """Ours in the usual loop."""
    return stepped(lambda optimizer: rh.Scheduler(optimizer, schedule, rh.Run(steps=FAR)))


def sequential(optimizer: Idle) -> pt.SequentialLR:
    """Warmup, then cosine."""
    parts = [pt.LinearLR(optimizer, 0.1, total_iters=FAR // 2), pt.CosineAnnealingLR(optimizer, FAR // 2)]
    return pt.SequentialLR(optimizer, parts, [FAR // 2])


STAIRS, COSINE = rh.step(every="1000 steps", factor=0.9), rh.cosine()
SEQUENCE = rh.warmup("50%", start=0.1) >> rh.cosine()
PAIRS = {
    "StepLR": (stepped(lambda o: pt.StepLR(o, 1000, 0.9)), STAIRS),
    "CosineAnnealingLR": (stepped(lambda o: pt.CosineAnnealingLR(o, FAR)), COSINE),
    "SequentialLR": (stepped(sequential), SEQUENCE),
}


def times(groups: int, *, tensor: bool, repeats: int) -> dict[str, list[float]]:
    """Microseconds per update of each contender, in each round."""
    contenders = {"bare": bare, "floor": floor}
    for name, (theirs, schedule) in PAIRS.items():
        contenders |= {name: theirs, f"{name}, ours": ours(schedule), f"{name}, hook": hooked(schedule)}
    loops = {name: make(Idle(groups, tensor=tensor)) for name, make in contenders.items()}
    n = max(330, min(4096, 80_000 // groups))  # ours computes in blocks: each round holds its share of that too
    for loop in loops.values():
        loop(n)
    found: dict[str, list[float]] = {name: [] for name in loops}
    order = list(loops)
    for _ in range(repeats):
        random.shuffle(order)  # whatever comes and goes with time meets all alike
        for name in order:
            found[name].append(seconds(loops[name], n) / n * 1e6)
    return found


def spread(theirs: list[float], mine: list[float], bare: float) -> tuple[float, float]:
    """The quartiles of the ratio of two contenders, round by round."""
    ratios = [(a - bare) / (b - bare) for a, b in zip(theirs, mine, strict=True) if b > bare]
    low, _, high = statistics.quantiles(ratios, n=4)
    return low, high


def seconds(loop: Callable[[int], None], n: int) -> float:
    """How long n updates take."""
    gc.disable()
    begin = time.thread_time()
    loop(n)
    took = time.thread_time() - begin
    gc.enable()
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats, and not the largest sizes")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}; microseconds per update, medians")
    columns = f"{'floor':>8}{'hook':>8}{'ours':>8}{'PyTorch':>9}{'ratio':>7}  quartiles"
    print(f"{'groups':>7} {'lr':>6}  {'schedule':<18}{columns}")
    for tensor, sizes in ((False, (1, 10, 100, 1000)), (True, (1, 10, 100))):
        for groups in sizes[:-1] if quick else sizes:
            found = times(groups, tensor=tensor, repeats=15 if quick else 31 if tensor else 61)
            alone = statistics.median(found["bare"])
            cost = {name: statistics.median(took) - alone for name, took in found.items()}
            for name in PAIRS:
                mine, theirs, hook = cost[f"{name}, ours"], cost[name], cost[f"{name}, hook"]
                low, high = spread(found[name], found[f"{name}, ours"], alone)
                kind = "tensor" if tensor else "float"
                numbers = f"{cost['floor']:8.2f}{hook:8.2f}{mine:8.2f}{theirs:9.2f}{theirs / mine:7.1f}"
                print(f"{groups:7d} {kind:>6}  {name:<18}{numbers}  {low:.1f} to {high:.1f}")


if __name__ == "__main__":
    main()
