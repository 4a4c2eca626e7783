"""What a Task and train() refuse: by name, before training where that can be known, and with the optimizer as it was."""

import copy
import warnings

import numpy as np
import pytest
import torch

import rheostat as rh
from rheostat.training import load_task

pytestmark = pytest.mark.usefixtures("no_pictures")
BATCH = torch.ones(4, 2)


def task(**options):
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    given = {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "batches": [BATCH] * 4,
        "loss": lambda model, batch: model(batch).square().mean(),
        "steps": 8,
        "name": "small",
    }
    return rh.Task(**{**given, **options})


def groups(made):
    return copy.deepcopy(
        [{k: v for k, v in g.items() if k != "params"} for o in made.optimizers for g in o.param_groups]
    )


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("name", None, "name=None: need letters, digits"),
        ("name", 3, "name=3: need letters, digits"),
        ("name", b"x", "name=b'x': need letters, digits"),
        ("metric", 3, "metric=3: need the name of a number that evaluate gives. Try metric='loss'."),
        ("metric", ["loss"], "metric=['loss']: need the name"),
        ("batches", "train.csv", "batches='train.csv': need a DataLoader, a list, or a function of the epoch"),
        ("batches", lambda: [BATCH], "need a function of (epoch)"),
        ("loss", lambda batch: batch, "need a function of (model, batch)"),
        ("loss", "mse", "loss='mse': need a function of (model, batch)"),
        ("evaluate", lambda a, b: {}, "need a function of (model)"),
        ("evaluate", 3, "evaluate=3: need a function of (model)"),
    ],
)
def test_a_task_refuses_what_it_could_not_use(argument, value, message):
    with pytest.raises(rh.ScheduleError) as caught:
        task(**{argument: value})
    assert str(caught.value).startswith(argument)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("out", 3, "out=3: need a path, as text or a Path. Try 'runs/mine'."),
        ("out", "", "out='': need a path"),
        ("out", "a\0b", "need a path"),
        ("out", np.array([1, 2]), "out=array([1, 2]): need a path"),
        ("resume", "yes", "resume='yes': need True or False."),
        ("resume", None, "resume=None: need True or False."),
        ("progress", "no", "progress='no': need True or False."),
    ],
)
def test_train_refuses_what_it_could_not_use(tmp_path, monkeypatch, argument, value, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(rh.ScheduleError) as caught:
        rh.train(task(), **{"progress": False, argument: value})
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize(
    "options", [{"schedule": "cosin()"}, {"schedule": "plateau()"}, {"on_change": "no"}, {"resume": True}]
)
def test_a_refused_training_leaves_the_optimizer_as_it_was(tmp_path, options, tensor):
    model = torch.nn.Linear(2, 1)
    lr = torch.tensor(0.1) if tensor else 0.1
    made = task(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=lr))
    before, held = groups(made), made.optimizer.param_groups[0]["lr"]
    with pytest.raises((rh.ScheduleError, rh.SchedulerError)):
        rh.train(made, lr=5.0, out=tmp_path / "a", progress=False, **options)
    assert groups(made) == before
    assert made.optimizer.param_groups[0]["lr"] is held


def test_after_a_refusal_or_a_divergence_the_task_is_trained_as_if_it_had_not_been(tmp_path):
    made = task(schedule="constant()")
    rh.train(task(), out=tmp_path / "taken", progress=False)
    with pytest.raises(rh.SchedulerError, match="holds a run already"):
        rh.train(made, lr=5.0, out=tmp_path / "taken", progress=False)
    usual, made.loss = made.loss, lambda model, batch: model(batch).sum() * float("nan")
    with pytest.raises(rh.SchedulerError, match="training diverged"):
        rh.train(made, out=tmp_path / "diverged", progress=False)
    made.loss = usual
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that a scheduler is on the optimizer still
        rh.train(made, out=tmp_path / "b", progress=False)
    assert {row["used"]["lr"]["0"] for row in rh.Ledger.read(tmp_path / "b" / "ledger.jsonl")} == {0.1}


@pytest.mark.parametrize(
    "given",
    [None, 3.0, {"loss": 1.0}, torch.ones(1), torch.ones(3, requires_grad=True), [torch.ones(1, requires_grad=True)]],
    ids=range(6),
)
def test_a_loss_that_cannot_be_trained_on_is_refused(tmp_path, given):
    with pytest.raises(rh.ScheduleError) as caught:
        rh.train(task(loss=lambda model, batch: given), out=tmp_path / "r", progress=False)
    assert str(caught.value).startswith("loss()=")
    assert "need a tensor of one number that depends on the model" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "evaluate()=None: need named numbers. Try {'accuracy': 0.9}."),
        (3.0, "evaluate()=3.0: need named numbers"),
        ({3: 1.0}, "evaluate()={3: 1.0}: need named numbers"),
        ({"a": "high"}, "evaluate()['a']='high': need a number."),
        ({"a": torch.ones(2)}, "evaluate()['a']=tensor([1., 1.]): need a number."),
        ({"a": 10**400}, "need a number."),
    ],
)
def test_an_evaluation_without_named_numbers_is_refused(tmp_path, given, message):
    with pytest.raises(rh.ScheduleError) as caught:
        rh.train(task(evaluate=lambda model: given), out=tmp_path / "r", progress=False)
    assert message in str(caught.value)


class Loader:
    """Says one length, and gives another."""

    def __init__(self, says, gives):
        self.says, self.gives = says, gives

    def __len__(self):
        return self.says

    def __iter__(self):
        return iter([BATCH] * self.gives)


@pytest.mark.parametrize(("says", "gives", "found"), [(4, 3, "3"), (4, 0, "0"), (4, 5, "more")])
def test_an_epoch_of_another_length_than_it_says_is_told_and_does_not_go_on_for_ever(tmp_path, says, gives, found):
    with pytest.raises(rh.SchedulerError, match=rf"^batches: epoch 0 has {found} batches, and its length is 4\."):
        rh.train(task(batches=Loader(says, gives)), out=tmp_path / "r", progress=False)


def test_an_epoch_that_is_empty_later_is_told_and_does_not_go_on_for_ever(tmp_path):
    with pytest.raises(rh.ScheduleError, match="need at least one batch"):
        rh.train(task(batches=lambda epoch: [] if epoch else [BATCH]), out=tmp_path / "r", progress=False)


def test_what_is_named_in_place_of_what_is_no_function_is_one(tmp_path):
    (tmp_path / "a.py").write_text("tasks = 3\ndef task_small(): pass\n")
    with pytest.raises(rh.SchedulerError, match=r"has no function 'tasks'\. Try '.*a\.py:task_small'"):
        load_task(f"{tmp_path / 'a.py'}:tasks")
