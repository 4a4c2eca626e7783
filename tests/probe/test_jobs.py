"""Short runs side by side: that whatever runs them, they are the same, and that a process that dies is an answer."""

import os
import subprocess
import sys
import textwrap
import threading

import joblib
import pytest
import torch

import rheostat as rh
from probe.test_find import found
from probe.test_range_test import data, linear, loss, sgd
from probe.training import Training


def outcome(result):
    return result.suggestion, result.band, result.updates, result.trials


def noisy():
    """A model with dropout: its random numbers are the trial's own, wherever it runs."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Dropout(0.3), torch.nn.ReLU(), torch.nn.Linear(16, 1))


@pytest.mark.parametrize("effort", ["balanced", "thorough"])
def test_two_at_once_are_one_after_another_bit_for_bit(effort):
    run = rh.Run(steps=1000)  # long enough for a thorough search to try its best in another order too
    alone = found(model=noisy(), effort=effort, run=run)
    assert outcome(found(model=noisy(), effort=effort, run=run, jobs=2)) == outcome(alone)


@pytest.mark.parametrize("backend", ["threading", "sequential"])
def test_any_backend_of_joblib_does(backend):
    alone = found(model=noisy())
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert outcome(found(model=noisy(), jobs=None)) == outcome(alone)


@pytest.mark.parametrize("kind", ["adamw", "two", "tensor", "scaler", "ours"])
def test_nothing_is_left(kind):
    training = Training(kind)
    training.train(1)
    batches = list(training.loader)
    before = training.state()
    extra = {"scaler": training.scaler, "schedule": "warmup('10%') >> cosine()", "run": rh.Run(steps=200)}
    alone = rh.find_lr(training.model, training.optimizers, batches, training.loss, **extra)
    beside = rh.find_lr(training.model, training.optimizers, batches, training.loss, jobs=2, **extra)
    assert training.state() == before
    assert outcome(beside) == outcome(alone)


def test_functions_of_a_script_can_be_sent(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import torch, rheostat as rh
        scale = 2.0
        class Mine(torch.nn.Linear):
            pass
        if __name__ == "__main__":
            model = Mine(2, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            loss = lambda model, x: scale * (model(x) - 1).pow(2).mean()
            found = rh.find_lr(model, optimizer, [torch.randn(4, 2) for _ in range(60)], loss, run=rh.Run(steps=100), jobs=2)
            print(len([t for t in found.trials if not t.note]))
        """)
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 2


def test_what_cannot_be_sent_is_said_before_time_is_spent():
    lock, updates = threading.Lock(), []

    def locked(model, batch):
        with lock:
            updates.append(1)
            return loss(model, batch)

    with pytest.raises(rh.SchedulerError, match=r"jobs=2: .* cannot be \(TypeError: .*lock.*Try jobs=1"):
        found(loss_of=locked, jobs=2)
    assert not updates


def test_a_process_that_dies_is_a_result_and_the_others_are_kept():
    model = linear()
    optimizer = sgd(model)
    parent = os.getpid()

    def deadly(model, batch):
        if os.getpid() != parent and optimizer.param_groups[0]["lr"] > 0.5:
            os._exit(3)
        return loss(model, batch)

    result = rh.find_lr(model, optimizer, data(60), deadly, run=rh.Run(steps=500), schedule="constant()", jobs=2)
    notes = {t.lr: t.note for t in result.trials}
    assert "its process died" in notes.values()
    assert all((lr > 0.5) == (note == "its process died") for lr, note in notes.items())
    assert result.suggestion < 0.5


@pytest.mark.parametrize("jobs", [1, 2])
def test_where_every_run_crashes_the_error_is_the_users(jobs):
    calls, parent = [], os.getpid()

    def score(model):
        calls.append(1)
        if len(calls) > 1 or os.getpid() != parent:
            raise KeyError("mine")
        return 1.0

    with pytest.raises(KeyError, match="mine"):
        found(score=score, jobs=jobs)


@pytest.mark.parametrize("jobs", [0, -2, 1.5, True, "2"])
def test_a_number_that_makes_no_sense_is_refused(jobs):
    with pytest.raises(rh.ScheduleError, match="jobs=.*: need a whole number ≥ 1"):
        found(jobs=jobs)
