"""A checkpoint is as good after the journey: as text, in a file, by torch.distributed.checkpoint, in another process."""

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict

from resume import orders, runs, same
from resume.cases import CASES
from resume.runs import Training

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")  # as is meant here: one process

STOP = 5
CARRIED = [
    case
    for case in CASES
    if case.name
    in (
        "warmup_then_cosine",
        "plateau_then_linear",
        "several_keys",
        "named_groups",
        "two_optimizers",
        "late_joins",
        "late_keys",
        "by_the_clock_plateau",
        "adamw_tensor",
        "adamw_tensor_bfloat16",
        "from_function",
        "epochs_plateau",
        "never_stepped_plateau",
    )
]


def stopped(case):
    """A run that is at STOP, to be saved, and the same one at its end."""
    whole = Training(case).begin().train(case.updates)
    return Training(case).begin().train(STOP), whole


def in_a_file(training, folder):
    torch.save(training.checkpoint(), folder / "file.pt")
    return torch.load(folder / "file.pt", weights_only=True)


def in_two_files_and_text(training, folder):
    (folder / "state.json").write_text(json.dumps(training.scheduler.state_dict(), allow_nan=False), encoding="utf-8")
    saved = in_a_file(training, folder)
    return {**saved, "scheduler": json.loads((folder / "state.json").read_text(encoding="utf-8"))}


def pickled(training, folder):
    return pickle.loads(pickle.dumps(training.checkpoint()))


def memory_mapped(training, folder):
    torch.save(training.checkpoint(), folder / "file.pt")
    return copy.deepcopy(torch.load(folder / "file.pt", weights_only=True, mmap=True))


@pytest.mark.parametrize("carrier", [in_a_file, in_two_files_and_text, pickled, memory_mapped])
@pytest.mark.parametrize("case", CARRIED, ids=str)
def test_a_checkpoint_in_a_file(case, carrier, tmp_path):
    training, whole = stopped(case)
    saved = carrier(training, tmp_path)
    assert saved["scheduler"] == training.scheduler.state_dict()
    same.assert_goes_on(whole, orders.built_then_optimizer_then_scheduler(case, saved), STOP)


def fresh(case):
    """A new Training with the groups that had joined by STOP."""
    resumed = Training(case, origin=1024.0, weights=runs.WEIGHTS[1]).begin()
    if case.late and case.late[0] < STOP:
        resumed.join()
    return resumed


class App:
    """Everything in one Stateful object, as PyTorch's guide to distributed checkpoints writes it."""

    def __init__(self, training):
        self.training = training

    def state_dict(self):
        model, optimizers = get_state_dict(self.training.net, self.training.optimizers)
        scheduler = self.training.scheduler.state_dict()
        return {"model": model, "optimizers": optimizers, "scheduler": scheduler, "done": self.training.done}

    def load_state_dict(self, state):
        training = self.training
        set_state_dict(
            training.net, training.optimizers, model_state_dict=state["model"], optim_state_dict=state["optimizers"]
        )
        training.scheduler.load_state_dict(state["scheduler"])
        training.done = state["done"]


@pytest.mark.parametrize("case", CARRIED, ids=str)
def test_distributed_checkpoint_of_one_stateful_object(case, tmp_path):
    training, whole = stopped(case)
    dcp.save({"app": App(training)}, checkpoint_id=tmp_path, no_dist=True)
    resumed = fresh(case)
    dcp.load({"app": App(resumed)}, checkpoint_id=tmp_path, no_dist=True)
    same.assert_goes_on(whole, resumed, STOP)
    training.train(case.updates - STOP)  # saving moved nothing
    assert training.used == whole.used
    assert training.weights() == whole.weights()


@pytest.mark.parametrize("scheduler_first", [True, False])
@pytest.mark.parametrize("case", CARRIED, ids=str)
def test_distributed_checkpoint_of_the_parts(case, scheduler_first, tmp_path):
    """The Scheduler is Stateful itself: it can be handed over as it is, before or after the others."""
    training, whole = stopped(case)
    model, optimizers = get_state_dict(training.net, training.optimizers)
    parts = {"model": model, "optimizers": optimizers, "scheduler": training.scheduler}
    dcp.save(parts, checkpoint_id=tmp_path, no_dist=True)
    resumed = fresh(case)
    if scheduler_first:
        dcp.load({"scheduler": resumed.scheduler}, checkpoint_id=tmp_path, no_dist=True)
    model, optimizers = get_state_dict(resumed.net, resumed.optimizers)
    dcp.load({"model": model, "optimizers": optimizers}, checkpoint_id=tmp_path, no_dist=True)
    set_state_dict(resumed.net, resumed.optimizers, model_state_dict=model, optim_state_dict=optimizers)
    if not scheduler_first:
        dcp.load({"scheduler": resumed.scheduler}, checkpoint_id=tmp_path, no_dist=True)
    resumed.done = STOP
    same.assert_goes_on(whole, resumed, STOP)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda parts: pickle.loads(pickle.dumps(parts))])
@pytest.mark.parametrize("case", CARRIED, ids=str)
def test_the_whole_training_as_a_copy(case, copied):
    """Model, optimizers and scheduler copied together; the first goes on undisturbed."""
    training, whole = stopped(case)
    twin = Training(case)
    twin.net, twin.optimizers, twin.scheduler, twin.timer = copied(
        (training.net, training.optimizers, training.scheduler, training.timer)
    )
    twin.done = STOP
    twin.watch()
    same.assert_goes_on(whole, twin, STOP)
    training.train(case.updates - STOP)
    assert training.used == whole.used


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """All cases stopped in the middle, and what a new interpreter made of them."""
    folder, whole = tmp_path_factory.mktemp("fresh"), {}
    for case in CASES:
        training = Training(case).begin().train(6)
        in_two_files_and_text(training, folder)
        for name in ("file.pt", "state.json"):
            (folder / name).rename(folder / f"{case.name}{Path(name).suffix}")
        whole[case.name] = training.train(case.updates - 6)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent.parent)])}
    script = Path(__file__).with_name("fresh.py")
    subprocess.run([sys.executable, "-W", "error", script, folder], check=True, env=environment, timeout=200)
    return whole, json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_new_interpreter_goes_on_where_the_old_one_stopped(case, elsewhere):
    whole, report = elsewhere[0][case.name], elsewhere[1][case.name]
    each = len(whole.optimizers)
    assert "error" not in report
    assert report["used"] == json.loads(json.dumps(whole.used[6 * each :]))
    assert report["losses"] == whole.losses[6:]
    assert report["weights"] == whole.weights()
