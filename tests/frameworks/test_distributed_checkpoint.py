"""torch.distributed.checkpoint, as FSDP2 uses it: it steps the optimizer to make it build its state."""

from __future__ import annotations

import pytest
import torch
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict

import rheostat as rh

pytestmark = pytest.mark.frameworks

UPDATES = 8


@pytest.fixture
def parts(text):
    """parts(): a model, AdamW whose weight decay would move it even with zero gradients, and a scheduler."""

    def make():
        torch.manual_seed(0)
        net = torch.nn.Linear(2, 2)
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.5)
        return net, optimizer, rh.Scheduler(optimizer, text, rh.Run(steps=UPDATES))

    return make


def train(net, optimizer, scheduler, updates):
    """The rate that each update used."""
    used = []
    for _ in range(updates):
        net(torch.ones(1, 2)).sum().backward()
        before = scheduler.last_epoch
        optimizer.step()
        used.append(optimizer.param_groups[0]["lr"])
        assert scheduler.last_epoch == before + 1
        optimizer.zero_grad()
    return used


def test_making_the_state_is_no_update(parts, wanted):
    net, optimizer, scheduler = parts()
    before = [p.clone() for p in net.parameters()]
    get_optimizer_state_dict(net, optimizer)  # runs optimizer.step() with every rate at 0
    assert scheduler.last_epoch == 0
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert train(net, optimizer, scheduler, UPDATES) == wanted(UPDATES)


@pytest.mark.parametrize("scheduler_first", [False, True])
def test_a_resumed_run_goes_on_exactly(parts, wanted, scheduler_first):
    net, optimizer, scheduler = parts()
    used = train(net, optimizer, scheduler, 3)
    saved, position = get_optimizer_state_dict(net, optimizer), scheduler.state_dict()

    net, optimizer, scheduler = parts()
    if scheduler_first:
        scheduler.load_state_dict(position)
    set_optimizer_state_dict(net, optimizer, saved)
    if not scheduler_first:
        scheduler.load_state_dict(position)
    assert used + train(net, optimizer, scheduler, UPDATES - 3) == wanted(UPDATES)
