"""Whether a process takes part in an exchange must not depend on what it alone sees: the others would wait for ever."""

import pytest
import torch

import rheostat as rh
from rheostat.driver import scheduler as driver


@pytest.fixture
def exchanges(monkeypatch):
    """A list that grows with every metric that is handed to the other processes."""
    exchanged = []
    monkeypatch.setattr(driver, "agree", lambda metric, how: exchanged.append(metric) or metric)
    return exchanged


def exchanged_by(exchanges, metrics):
    """How many exchanges a process begins that reports these metrics after one update."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = rh.Scheduler(optimizer, "plateau(factor=0.5, patience=0)", rh.Run(steps=4))
    optimizer.step()
    before = len(exchanges)
    for metric in metrics:
        scheduler.step(metric)
    return len(exchanges) - before


@pytest.mark.parametrize("metrics", [[1.0], [float("nan")], [float("inf")], [-1.0]])
def test_every_report_is_exchanged_whatever_it_is(exchanges, metrics):
    assert exchanged_by(exchanges, metrics) == 1


def test_two_reports_at_one_update_are_exchanged_alike_by_all(exchanges):
    """Two evaluations in a row: rank 0 happens to see 0.5 twice, rank 1 does not, and waits for rank 0."""
    assert exchanged_by(exchanges, [0.5, 0.5]) == exchanged_by(exchanges, [0.5, 0.6])
