"""What the framework tests share: one schedule, its values, an optimizer that notes the rate each update used."""

from __future__ import annotations

import pytest
import torch

import rheostat as rh

BASE = 0.1
SCHEDULE = "warmup('4 steps') >> cosine(end=0.1)"


class Recorder(torch.optim.Optimizer):
    """Plain SGD; `used` holds the learning rate that each step() found when it began."""

    def __init__(self, params, lr=BASE):
        super().__init__(params, {"lr": lr})
        self.used = []

    def step(self, closure=None):
        self.used.append(self.param_groups[0]["lr"])
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.add_(p.grad, alpha=-group["lr"])
        return loss


@pytest.fixture
def recorder():
    """The class, for frameworks that build the optimizer themselves."""
    return Recorder


@pytest.fixture
def text():
    """The schedule that every test here follows."""
    return SCHEDULE


@pytest.fixture
def wanted():
    """wanted(n): the values that the n updates of a run must use, from the pure schedule."""
    return lambda updates: rh.parse(SCHEDULE).over(rh.Run(steps=updates), base=BASE).values().tolist()
