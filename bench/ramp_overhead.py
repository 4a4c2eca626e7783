"""What a range test costs beyond the loop that one would write by hand: per update, and in all.

    python bench/ramp_overhead.py [--quick]

The bare loop trains the same model on the same batches at as many learning rates, and reads the loss, as any
range test must. Both take turns in one process; the least CPU time of each is compared, which other work on the
machine disturbs least. "all" counts setting aside, putting back and reading.
"""

from __future__ import annotations

import argparse
import gc
import time
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

import rheostat as rh

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS, LOW, HIGH = 100, 1e-6, 1e-3  # below divergence: every pass has all its updates


def perceptron() -> tuple[nn.Module, list[list[torch.Tensor]]]:
    """Digits' size: 64 → 128 → 10, batches of 64."""
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    return model, [[torch.randn(64, 64), torch.randint(10, (64,))] for _ in range(20)]


def convolution() -> tuple[nn.Module, list[list[torch.Tensor]]]:
    """The CNN of the digits example, batches of 64."""
    first = [nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    model = nn.Sequential(*first, *second, nn.Linear(256, 10))
    return model, [[torch.randn(64, 1, 8, 8), torch.randint(10, (64,))] for _ in range(20)]


def wide() -> tuple[nn.Module, list[list[torch.Tensor]]]:
    """Ten million weights, batches of 256."""
    layers = [nn.Linear(1024, 1024) for _ in range(9)]
    model = nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())], nn.Linear(1024, 10))
    return model, [[torch.randn(256, 1024), torch.randint(10, (256,))] for _ in range(4)]


def loss_of(model: nn.Module, batch: list[torch.Tensor]) -> torch.Tensor:
    """Cross-entropy."""
    return F.cross_entropy(model(batch[0]), batch[1])


def bare(model: nn.Module, optimizer: torch.optim.Optimizer, batches: list[list[torch.Tensor]], steps: int) -> None:
    """The loop by hand."""
    losses, factor = [], (HIGH / LOW) ** (1 / (steps - 1))
    for i in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LOW * factor**i
        loss = loss_of(model, batches[i % len(batches)])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())


def seconds(run: Callable[[], object]) -> float:
    """CPU time of a call, on one thread: other processes play no part."""
    gc.collect()
    gc.disable()
    begin = time.process_time()
    run()
    took = time.process_time() - begin
    gc.enable()
    return took


def measure(make: Callable[[], tuple[nn.Module, list[list[torch.Tensor]]]], repeats: int, steps: int) -> None:
    """Take turns, and print a line."""
    torch.manual_seed(0)
    model, batches = make()

    def optimizer() -> torch.optim.Optimizer:
        return torch.optim.AdamW(model.parameters(), lr=1e-3)

    ramp = {"min": LOW, "max": HIGH, "steps": steps}
    within: list[float] = []

    def ours() -> None:
        marks: list[float] = []
        rh.range_test(model, optimizer(), batches, loss_of, **ramp, watch=lambda *_: marks.append(time.process_time()))
        within.append((marks[-1] - marks[0]) / (steps - 1) * steps)

    hand, whole = [], []
    for _ in range(repeats):
        hand.append(seconds(lambda: bare(model, optimizer(), batches, steps)))
        whole.append(seconds(ours))
    own, all_, theirs = min(within), min(whole), min(hand)
    size = sum(p.numel() for p in model.parameters())
    per = [1e3 * t / steps for t in (theirs, own)]
    shown = f"{per[0]:8.3f}{per[1]:8.3f}{100 * (own / theirs - 1):8.1f} %{100 * (all_ / theirs - 1):8.1f} %"
    print(f"{make.__name__:<12}{size:>10}{shown}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats and updates, and not the largest model")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}; ms of CPU time per update, least of several; what ours adds")
    print(f"{'model':<12}{'weights':>10}{'bare':>8}{'ours':>8}{'ramp':>10}{'all':>10}")
    for make in (perceptron, convolution) if quick else (perceptron, convolution, wide):
        steps = 12 if make is wide else STEPS
        measure(make, 15 if quick else 5 if make is wide else 41, steps)


if __name__ == "__main__":
    main()
