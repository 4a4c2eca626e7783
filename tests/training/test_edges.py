"""Ends of epochs, second trainings, names that begin alike, and what the loop refuses."""

import importlib.util
import os
import signal
from pathlib import Path

import pytest
import torch

import rheostat as rh
from rheostat.errors import ScheduleError, SchedulerError
from rheostat.ledger import columns
from rheostat.training import checkpoint, load_task

pytestmark = pytest.mark.usefixtures("no_pictures")

spec = importlib.util.spec_from_file_location("rheostat_small_task", Path(__file__).with_name("small.py"))
small = importlib.util.module_from_spec(spec)
spec.loader.exec_module(small)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    rh.train(small.task(), out=folder, progress=False)
    return small.outcome(folder)


@pytest.mark.parametrize("save_every", [1, 7, 14])
def test_a_checkpoint_may_fall_on_the_end_of_an_epoch(whole, tmp_path, save_every):
    rh.train(small.task(), out=tmp_path / "r", save_every=save_every, progress=False)
    assert small.outcome(tmp_path / "r") == whole


@pytest.mark.parametrize("batch", [7, 14])
def test_ctrl_c_at_the_last_batch_of_an_epoch_and_resume(whole, tmp_path, batch):
    count = iter(range(1, 1000))
    press = lambda: os.kill(os.getpid(), signal.SIGINT) if next(count) == batch else None
    assert rh.train(small.task(on_batch=press), out=tmp_path / "r", progress=False).stopped
    rh.train(small.task(), out=tmp_path / "r", resume=True, progress=False)
    assert small.outcome(tmp_path / "r") == whole


def test_lr_is_heard_also_when_the_optimizer_was_scheduled_before(tmp_path):
    task = small.task(schedule="constant()")
    rh.train(task, out=tmp_path / "a", progress=False)
    rh.train(task, lr=0.5, out=tmp_path / "b", progress=False)
    assert {row["used"]["lr"]["0"] for row in rh.Ledger.read(tmp_path / "b" / "ledger.jsonl")} == {0.5}


def test_a_run_is_not_taken_for_one_whose_name_begins_alike(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "small-cnn-7").mkdir(parents=True)
    assert rh.train(small.task(), progress=False).out == Path("runs/small-1")
    assert rh.train(small.task(), resume=True, progress=False).out == Path("runs/small-1")
    assert rh.train(small.task(), progress=False).out == Path("runs/small-2")


def test_a_damaged_checkpoint_never_takes_the_place_of_the_sound_one(tmp_path, monkeypatch):
    rh.train(small.task(), out=tmp_path, progress=False)
    (tmp_path / "state.pt").write_bytes(b"torn")
    state, _ = checkpoint.load(tmp_path)
    rename = Path.replace

    def killed(path, target):
        if path.name == "state.tmp":
            raise SystemExit
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(SystemExit), pytest.warns(rh.RheostatWarning, match="damaged; kept as state.damaged.pt"):
        checkpoint.save(tmp_path, state)
    assert checkpoint.load(tmp_path)[0]["batch"] == state["batch"]


@pytest.mark.parametrize("schedule", ["plateau()", "warmup('5%') >> cosine() * plateau(patience=2)"])
def test_a_schedule_that_listens_to_a_metric_needs_its_name(tmp_path, schedule):
    with pytest.raises(ScheduleError, match=r"metric=None: need the name of a number that evaluate gives"):
        rh.train(small.task(schedule=schedule), out=tmp_path / "r", progress=False)
    assert not (tmp_path / "r").exists()
    with pytest.raises(ScheduleError, match="metric='accuracy': need a number that evaluate gives: error"):
        rh.train(small.task(schedule=schedule, metric="accuracy"), out=tmp_path / "s", progress=False)


def test_a_plateau_listens_to_what_evaluate_gives(tmp_path):
    """The error is constant, so with no patience every epoch but the first ends in a cut."""
    made = small.task(schedule="plateau(factor=0.5, patience=0)", metric="error", evaluate=lambda model: {"error": 1.0})
    rh.train(made, out=tmp_path / "r", progress=False)
    used = columns(tmp_path / "r" / "ledger.jsonl")["lr"] / 0.01
    assert used.tolist() == [1.0] * 14 + [0.5] * 7 + [0.25] * 7


@pytest.mark.parametrize("optimizer", [None, [], "adam", [None]])
def test_an_optimizer_that_is_none_is_refused(optimizer):
    with pytest.raises(ScheduleError, match=r"need a torch\.optim\.Optimizer, or a list of them"):
        small.task(optimizer=optimizer)


def test_a_task_is_needed():
    with pytest.raises(ScheduleError, match="task=5: need a Task"):
        rh.train(5)


@pytest.mark.parametrize("spec", ["notes.txt:task", "a.py:", "a.py:tsk", "a.py:number", "none.py", "", "a"])
def test_task_specs_that_are_refused(tmp_path, monkeypatch, spec):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("def task(): pass")
    (tmp_path / "a.py").write_text("def task(): pass\ndef number(): return 3\n")
    with pytest.raises(SchedulerError, match=r"^task="):
        load_task(spec)


def test_fashion_mnist_is_looked_for_where_debian_puts_it():
    text = Path("examples/fashion_mnist.py").read_text()
    assert "/usr/share/datasets/fashion-mnist" in text


def test_ratios_of_groups_survive_another_lr(tmp_path):
    model = torch.nn.Linear(2, 1)
    groups = [{"params": [model.weight], "lr": 0.1}, {"params": [model.bias], "lr": 0.01}]
    task = small.task(
        model=model, optimizer=torch.optim.SGD(groups), loss=lambda m, b: m(b[:, :2]).mean(), evaluate=None
    )
    for lr in (1.0, 2.0):
        task.scale_lr(lr)
        assert [group["lr"] for group in task.optimizer.param_groups] == pytest.approx([lr, lr / 10])


@pytest.mark.parametrize("lr", [0.09024131830353688, 0.09397576711507255, 0.05008541189680322])
def test_the_learning_rate_that_is_given_is_used_to_the_last_digit(lr):
    assert 0.01 * (lr / 0.01) != lr
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    task = small.task(model=model, optimizer=optimizer, loss=lambda m, b: m(b[:, :2]).mean(), evaluate=None)
    task.scale_lr(lr)
    assert optimizer.param_groups[0]["lr"] == lr
