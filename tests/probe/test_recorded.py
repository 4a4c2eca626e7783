"""Curves that other libraries recorded, in the form in which each of them holds them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import rheostat as rh
from probe.test_reading import noisy, ramp, valley

LRS, LOSSES = ramp(), noisy(valley(ramp(), 1e-2), 0.02)
HISTORY = {"lr": LRS.tolist(), "loss": LOSSES.tolist()}


class Learner:
    """fastai's: learn.recorder.lrs and .losses, the latter tensors."""

    def __init__(self):
        self.recorder = SimpleNamespace(lrs=LRS.tolist(), losses=[torch.tensor(value) for value in LOSSES])


class Finder:
    """ignite's: get_results(); several groups give a list of rates for each update."""

    def get_results(self):
        return {"lr": [[lr, 10 * lr] for lr in LRS.tolist()], "loss": LOSSES.tolist()}


@pytest.mark.parametrize(
    "source",
    [
        HISTORY,
        SimpleNamespace(history=HISTORY),  # torch-lr-finder
        SimpleNamespace(results=HISTORY, lr_min=1e-8, lr_max=1, num_training=100),  # Lightning
        Learner(),
        Learner().recorder,
        Finder(),
        {"lrs": torch.tensor(LRS), "losses": np.array(LOSSES)},
        {"lr": LRS[::-1].tolist(), "loss": LOSSES[::-1].tolist()},
    ],
)
def test_each_form_reads_the_same(source):
    wanted, found = rh.read_range(LRS, LOSSES), rh.read_range(source, base=1e-3)
    assert found.status == "ok"
    assert found.suggestion == pytest.approx(wanted.suggestion, rel=1e-6)
    assert found.factor == pytest.approx(found.suggestion / 1e-3)


@pytest.mark.parametrize("header", ["lr,loss", "Learning_Rate,time,Loss", "\ufefflr,loss"])
def test_a_table_in_a_file(tmp_path, header):
    time = ["0"] if "time" in header else []
    rows = [",".join([str(lr), *time, str(value)]) for lr, value in zip(LRS, LOSSES, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    assert rh.read_range(tmp_path / "a.csv").suggestion == pytest.approx(rh.read_range(LRS, LOSSES).suggestion)


def test_an_exponential_average_is_undone():
    lagging = [LOSSES[0]]
    for value in LOSSES[1:]:
        lagging.append(0.95 * lagging[-1] + 0.05 * value)
    wanted = rh.read_range(LRS, LOSSES)
    undone = rh.read_range(LRS, lagging, smoothed=0.95)
    assert undone.suggestion == pytest.approx(wanted.suggestion, rel=1e-6)
    assert rh.read_range(LRS, lagging).minimum > 2 * wanted.minimum  # what an average that lags does


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"loss": [1.0] * 9}, r"source=\['loss'\]: need a mapping or CSV file with 'lr' and 'loss'"),
        (3, "source='int': need a mapping"),
        ("none.csv", "source='none.csv': need a CSV file that can be read"),
        ({"lr": [1e-3], "loss": [1.0]}, "need at least 5 different learning rates"),
        ({"lr": ["a"] * 9, "loss": [1.0] * 9}, "need a sequence of numbers"),
    ],
)
def test_what_is_none_is_refused(source, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(rh.ScheduleError, match=message):
        rh.read_range(source)


def test_a_file_without_the_columns_is_refused(tmp_path):
    for text in ("", "a,b\n1,2\n"):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(rh.ScheduleError, match="need columns 'lr' and 'loss' in its first line"):
            rh.read_range(tmp_path / "a.csv")


@pytest.mark.frameworks
def test_ignites_own_finder():
    ignite = pytest.importorskip("ignite.handlers")
    from ignite.engine import create_supervised_trainer

    from probe.test_range_test import data, linear, sgd

    model = linear()
    optimizer, finder = sgd(model), ignite.FastaiLRFinder()
    trainer = create_supervised_trainer(model, optimizer, torch.nn.functional.mse_loss)
    settings = {"optimizer": optimizer, "model": model}
    with finder.attach(trainer, settings, num_iter=100, end_lr=10.0, start_lr=1e-6, diverge_th=1e9) as finding:
        finding.run([(batch.x, batch.y) for batch in data(100)])
    result = rh.read_range(finder)
    assert result.lrs.size > 50
    assert result.status == "ok"
