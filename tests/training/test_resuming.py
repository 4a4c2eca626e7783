"""Where a run may be taken up, how often it is saved, and what does not belong to it."""

import time

import pytest
import torch
from torch import nn

import rheostat as rh
from rheostat.training import checkpoint
from rheostat.training.interval import Interval
from training import small

pytestmark = pytest.mark.usefixtures("no_pictures")

RUN = rh.Run(epochs=4, steps_per_epoch=7)


@pytest.mark.parametrize(
    ("every", "saved"),
    [
        (5, [5, 10, 15, 20, 25]),
        ("10 steps", [10, 20]),
        (rh.Span(10, "steps"), [10, 20]),
        ("1 epochs", [7, 14, 21]),
        ("0.5 epochs", [4, 8, 12, 16, 20, 24]),  # 3.5 updates, and a whole one is the least
        ("25%", [7, 14, 21]),
        ("0.1 steps", list(range(1, 28))),
        ("0.000001 s", list(range(1, 28))),
        ("10 min", []),
        (None, []),
    ],
)
def test_an_interval_is_due_at(every, saved):
    interval = Interval(every, RUN)
    due = []
    for position in range(1, 28):
        time.sleep(1e-5)
        due += [position] if interval.due(position) else []
    assert due == saved


@pytest.mark.parametrize(
    ("every", "message"),
    [
        (0, "save_every=0: need a whole number ≥ 1"),
        (-5, "save_every=-5"),
        (2.5, "save_every=2.5"),
        (True, "save_every=True"),
        ("50", r"save_every='50': need a length with a unit\. Try '50 steps' or '10 min'\."),
        ("often", "save_every='often'"),
        ("0 steps", "save_every='0 steps': need a length above 0"),
        ("2e6 samples", "save_every='2e6 samples': need samples_per_step"),
    ],
)
def test_another_interval_is_refused_before_anything_is_written(tmp_path, every, message):
    with pytest.raises(rh.ScheduleError, match=message):
        rh.train(small.task(), out=tmp_path / "run", save_every=every, progress=False)
    assert not (tmp_path / "run").exists()


def crash_at(batch):
    left = [None] * batch
    return small.task(on_batch=left.pop)


@pytest.mark.parametrize("left", [["config.json"], ["ledger.jsonl"], ["config.json.tmp"], ["config.json", "state.tmp"]])
def test_a_run_killed_before_its_first_save_begins_anew(tmp_path, capsys, left):
    with pytest.raises(IndexError):
        rh.train(crash_at(3), out=tmp_path / "run", progress=False)
    assert checkpoint.never_saved(tmp_path / "run")
    (tmp_path / "run" / "state.tmp").write_bytes(b"rheostat checkpoint 1\ntorn")
    (tmp_path / "run" / "config.json.tmp").write_bytes(b"{")
    for path in (tmp_path / "run").iterdir():
        if path.name not in left:
            path.unlink()
    rh.train(small.task(), out=tmp_path / "run", resume=True, progress=False)
    assert capsys.readouterr().out == f"{tmp_path / 'run'}: nothing was saved yet. It starts from the beginning.\n"
    rh.train(small.task(), out=tmp_path / "whole", progress=False)
    assert small.outcome(tmp_path / "run") == small.outcome(tmp_path / "whole")
    assert {p.name for p in (tmp_path / "run").iterdir()} == {p.name for p in (tmp_path / "whole").iterdir()}


def test_a_run_killed_between_the_renames_of_its_last_save_is_whole_after_a_resume(tmp_path):
    rh.train(small.task(), steps=5, out=tmp_path, progress=False)
    state = (tmp_path / "state.pt").read_bytes()
    (tmp_path / "state.pt").rename(tmp_path / "state.tmp")
    rh.train(small.task(), steps=5, out=tmp_path, resume=True, progress=False)
    assert (tmp_path / "state.pt").read_bytes() == state
    assert not (tmp_path / "state.tmp").exists()


@pytest.mark.parametrize("steps", [10, 14, 17])
def test_a_run_that_ends_within_an_epoch_knows_where_it_ended(tmp_path, steps):
    """A longer run of the same schedule per update may be taken up there: batches and random numbers go on."""
    rh.train(small.task(schedule="constant()"), steps=steps, out=tmp_path / "r", progress=False)
    state = checkpoint.read(tmp_path / "r" / "state.pt")
    assert (state["epoch"], state["batch"]) == divmod(steps, 7)


def other(**changes):
    layers = {"hidden": 8, "bias": True, **changes}
    task = small.task()
    torch.manual_seed(0)
    task.model = nn.Sequential(
        nn.Linear(4, layers["hidden"]), nn.Dropout(0.5), nn.Linear(layers["hidden"], 1, bias=layers["bias"])
    )
    task.optimizer = torch.optim.AdamW(task.model.parameters(), lr=0.01)
    return task


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.raises(IndexError):
        rh.train(crash_at(12), out=folder, save_every=5, progress=False)
    return folder


@pytest.mark.parametrize(
    ("task", "difference"),
    [
        (lambda: other(hidden=9), r"0\.weight: saved \(8, 4\), now \(9, 4\)"),
        (lambda: other(bias=False), r"2\.bias: only in the checkpoint"),
        (lambda: small.task(model=nn.Linear(4, 1)), r"0\.weight: only in the checkpoint"),
        (
            lambda: small.task(
                optimizer=[torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1) for _ in range(2)]
            ),
            "optimizers: saved 1, now 2",
        ),
    ],
)
def test_what_belongs_to_another_model_is_refused_and_nothing_is_changed(stopped, task, difference):
    made = task()
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    files = {path.name: path.read_bytes() for path in stopped.iterdir()}
    with pytest.raises(rh.ResumeMismatch, match=difference) as caught:
        rh.train(made, out=stopped, resume=True, progress=False)
    assert "Try the task as it was, or another --out" in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in made.model.state_dict().items())
    assert {path.name: path.read_bytes() for path in stopped.iterdir()} == files


def test_a_task_that_was_refused_may_be_trained_elsewhere(stopped, tmp_path):
    made = other(hidden=9)
    with pytest.raises(rh.ResumeMismatch):
        rh.train(made, out=stopped, resume=True, progress=False)
    rh.train(made, out=tmp_path / "new", progress=False)  # a second scheduler on the optimizer would be a warning


def test_an_optimizer_of_other_groups_is_refused(stopped):
    made = small.task()
    made.optimizer = torch.optim.AdamW(list(made.model.parameters())[:2], lr=0.01)
    with pytest.raises(rh.ResumeMismatch, match="optimizer 0 is another than the one that was saved"):
        rh.train(made, out=stopped, resume=True, progress=False)


def test_a_model_whose_state_cannot_be_read_again_is_refused_at_the_first_save(tmp_path):
    class Odd(nn.Linear):
        def get_extra_state(self):
            return pytest

        def set_extra_state(self, state):
            pass

    with pytest.raises(
        rh.StateError, match=r"training stopped after 5 updates, which could not be saved\.\n.*is no data"
    ):
        rh.train(
            small.task(model=Odd(4, 1), optimizer=torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)),
            out=tmp_path / "run",
            save_every=5,
            progress=False,
        )
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"config.json", "ledger.jsonl"}
