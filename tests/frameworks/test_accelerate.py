"""Accelerate: alone and with two processes, gradient accumulation, skipped updates, save_state and load_state."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

import rheostat as rh

pytest.importorskip("accelerate")
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.scheduler import AcceleratedScheduler
from accelerate.state import AcceleratorState, GradientState

pytestmark = pytest.mark.frameworks

UPDATES = 9  # 3 epochs of 5 batches, 2 batches an update: the short last window of an epoch is an update too


@pytest.fixture(autouse=True)
def fresh_accelerate():
    """Accelerate keeps its state for the whole process; another test may have left some."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


class Training:
    """A model, optimizer, scheduler and loader as Accelerate prepares them."""

    def __init__(self, optimizer_class, text, *, prepared_first=False):
        self.accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
        net = torch.nn.Linear(1, 1)
        self.plain = optimizer_class(net.parameters())
        self.loader, self.net, self.optimizer = self.accelerator.prepare(DataLoader(torch.ones(5, 1)), net, self.plain)
        target = self.optimizer if prepared_first else self.plain
        self.scheduler = self.accelerator.prepare(rh.Scheduler(target, text, rh.Run(steps=UPDATES)))

    def epochs(self, count):
        for _ in range(count):
            for batch in self.loader:
                with self.accelerator.accumulate(self.net):
                    self.accelerator.backward(self.net(batch).sum())
                    self.optimizer.step()
                    self.scheduler.step()
                    self.optimizer.zero_grad()
        return self.plain.used


@pytest.mark.parametrize("prepared_first", [False, True])
def test_every_update_uses_its_value(recorder, text, wanted, prepared_first):
    training = Training(recorder, text, prepared_first=prepared_first)
    assert isinstance(training.scheduler, AcceleratedScheduler)
    assert training.epochs(3) == wanted(UPDATES)


def test_prepared_together(recorder, text, wanted):
    accelerator, net = Accelerator(cpu=True), torch.nn.Linear(1, 1)
    plain = recorder(net.parameters())
    scheduler = rh.Scheduler(plain, text, rh.Run(steps=5))
    net, optimizer, scheduler = accelerator.prepare(net, plain, scheduler)  # reloads the optimizer: new groups
    for _ in range(5):
        accelerator.backward(net(torch.ones(1, 1)).sum())
        optimizer.step()
        scheduler.step()
    assert plain.used == wanted(5)


def test_save_state_and_load_state_go_on_exactly(recorder, text, wanted, tmp_path):
    first = Training(recorder, text)
    first.epochs(1)
    first.accelerator.save_state(tmp_path)
    second = Training(recorder, text)
    second.accelerator.load_state(tmp_path)
    assert first.plain.used + second.epochs(2) == wanted(UPDATES)


def test_a_skipped_update_moves_nothing(recorder, text, wanted):
    Accelerator(cpu=True)
    weight = torch.nn.Parameter(torch.ones(1))
    plain, scaler = recorder([weight]), torch.amp.GradScaler("cpu", init_scale=2.0)
    optimizer = AcceleratedOptimizer(plain, scaler=scaler)  # as Accelerator does on a GPU
    scheduler = AcceleratedScheduler(rh.Scheduler(plain, text, rh.Run(steps=5)), optimizer)
    for factor in (1, 1, float("inf"), 1, float("inf"), 1, 1):
        scaler.scale(weight.sum() * factor).backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    assert plain.used == wanted(5)


def test_two_processes(text, wanted, tmp_path):
    script = Path(__file__).with_name("two_processes.py")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*launch, script, tmp_path, text], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for rank in (0, 1):
        report = json.loads((tmp_path / f"rank{rank}.json").read_text())
        assert report["used"] == wanted(UPDATES)
        assert report["resumed"] == wanted(UPDATES)[3:]
        assert report["plateau"] == [0.1, 0.1, 0.05]  # each report counts once, not once a process
