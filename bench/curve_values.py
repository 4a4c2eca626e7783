"""All values of a schedule: `curve.values()` of a million updates beside a million calls of PyTorch's scheduler.step().

    python bench/curve_values.py [--quick]

The last column is how far the two are apart, relative to the base value: PyTorch's recursion drifts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.optim import lr_scheduler as pt

import rheostat as rh

if TYPE_CHECKING:
    from collections.abc import Callable


def sequential(optimizer: torch.optim.Optimizer, n: int) -> pt.SequentialLR:
    """Warmup over a twentieth, then cosine."""
    warm = n // 20
    parts = [pt.LinearLR(optimizer, 0.1, total_iters=warm), pt.CosineAnnealingLR(optimizer, n - warm, eta_min=1e-3)]
    return pt.SequentialLR(optimizer, parts, [warm])


PAIRS = {
    "StepLR": (lambda o, n: pt.StepLR(o, n // 10, 0.5), rh.step(every="10%", factor=0.5)),
    "CosineAnnealingLR": (lambda o, n: pt.CosineAnnealingLR(o, n, eta_min=1e-3), rh.cosine(end=0.01)),
    "SequentialLR": (sequential, rh.warmup("5%", start=0.1) >> rh.cosine(end=0.01)),
}


def theirs(make: Callable[[torch.optim.Optimizer, int], Any], n: int) -> tuple[float, list[float]]:
    """Seconds and values of n calls."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = make(optimizer, n)
    optimizer.step()  # or PyTorch warns of the order of calls
    group, values = optimizer.param_groups[0], []
    begin = time.perf_counter()
    for _ in range(n):
        values.append(group["lr"])
        scheduler.step()
    return time.perf_counter() - begin, values


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="a hundred thousand updates instead of a million")
    n = 10**5 if parser.parse_args().quick else 10**6
    print(f"PyTorch {torch.__version__}; {n} updates")
    print(f"{'schedule':<18}{'ours, ms':>10}{'PyTorch, ms':>13}{'ratio':>8}{'largest difference / base':>27}")
    for name, (make, schedule) in PAIRS.items():
        curve, times = schedule.over(rh.Run(steps=n), base=0.1), []
        for _ in range(5):
            begin = time.perf_counter()
            mine = curve.values()
            times.append(time.perf_counter() - begin)
        took, values = theirs(make, n)
        ours = statistics.median(times)
        apart = float(np.abs(mine - np.array(values)).max()) / 0.1
        print(f"{name:<18}{ours * 1e3:10.2f}{took * 1e3:13.1f}{took / ours:8.0f}{apart:27.1e}")


if __name__ == "__main__":
    main()
