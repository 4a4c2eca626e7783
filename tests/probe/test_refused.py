"""Bad arguments of the searches: an error of ours that names them, and nothing is changed."""

import copy

import numpy as np
import pytest
import torch

import rheostat as rh


def parts():
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    return {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "batches": [torch.randn(8, 2) for _ in range(6)],
        "loss": lambda model, x: (model(x) - x.sum(1, keepdim=True)).pow(2).mean(),
    }


def refused(search, message, **wrong):
    given = parts()
    before = copy.deepcopy((given["model"].state_dict(), given["optimizer"].state_dict()))
    with pytest.raises(rh.ScheduleError) as caught:
        search(**{**given, **wrong})
    assert message in str(caught.value)
    assert str((given["model"].state_dict(), given["optimizer"].state_dict())) == str(before)


SHARED = [
    ("scaler", True, "scaler=True: need a GradScaler. Try torch.amp.GradScaler()."),
    ("scaler", print, "need a GradScaler"),
    ("also", None, "also=None: need a list of modules, or of objects with state_dict. Try also=[ema]."),
    ("also", 3, "also=3: need a list"),
    ("also", "", "also='': need a list"),
    ("batches", "train.csv", "batches='train.csv': need a DataLoader, a list"),
    ("batches", lambda epoch: None, "batches()=None: need the batches of an epoch"),
    ("watch", "yes", "watch='yes': need a function"),
]


@pytest.mark.parametrize(("name", "value", "message"), SHARED)
@pytest.mark.parametrize("effort", ["fast", "balanced"])
def test_find_lr_refuses(name, value, message, effort):
    refused(rh.find_lr, message, run=rh.Run(steps=60), effort=effort, **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [*SHARED, ("closure", "yes", "closure='yes': need True or False"), ("closure", np.array([1, 2]), "need True or")],
)
def test_range_test_refuses(name, value, message):
    refused(rh.range_test, message, steps=12, **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("schedule", 3, "schedule=3: need a schedule"), ("schedule", "cosin()", "unknown"), ("jobs", 0, "jobs=0: need")],
)
def test_what_a_fast_search_does_not_use_is_checked_too(name, value, message):
    refused(rh.find_lr, message, run=rh.Run(steps=60), effort="fast", **{name: value})


@pytest.mark.parametrize("base", ["0.1", -1, float("nan"), True])
def test_reading_a_recorded_test_refuses_a_base_value_that_is_none(base):
    with pytest.raises(rh.ScheduleError, match=r"^base="):
        rh.read_range({"lr": np.geomspace(1e-6, 10, 100), "loss": np.ones(100)}, base=base)
