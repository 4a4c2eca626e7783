"""skorch: LRScheduler(policy=rh.Scheduler), its history and simulation, clones and pickles, going on with a net."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

import rheostat as rh

pytest.importorskip("skorch")
from sklearn.base import clone
from skorch import NeuralNetRegressor
from skorch.callbacks import Checkpoint, LoadInitState, LRScheduler

pytestmark = pytest.mark.frameworks

UPDATES = 12  # 3 epochs of 4 batches
X = np.ones((8, 1), dtype=np.float32)


@pytest.fixture
def net(recorder, text):
    """net(): three epochs of four updates on a linear model, scheduled by a callback."""

    def make(*callbacks, optimizer=recorder, max_epochs=3, **policy):
        settings = {"schedule": text, "run": rh.Run(steps=UPDATES), "step_every": "batch"}
        callback = LRScheduler(policy=rh.Scheduler, **(settings | policy))
        fixed = {"batch_size": 2, "lr": 0.1, "train_split": None, "verbose": 0, "max_epochs": max_epochs}
        layer = {"module": torch.nn.Linear, "module__in_features": 1, "module__out_features": 1}
        return NeuralNetRegressor(**layer, **fixed, optimizer=optimizer, callbacks=[*callbacks, callback])

    return make


@pytest.mark.parametrize("step_every", ["batch", "epoch"])
def test_every_update_uses_its_value(net, wanted, step_every):
    trained = net(step_every=step_every).fit(X, X)
    assert trained.optimizer_.used == wanted(UPDATES)


def test_its_history_holds_what_was_used(net, wanted):
    history = net().fit(X, X).history
    assert [rate for epoch in history[:, "batches", :, "event_lr"] for rate in epoch] == wanted(UPDATES)


def test_its_simulation_is_the_curve(text, wanted):
    callback = LRScheduler(policy=rh.Scheduler, schedule=text, run=rh.Run(steps=UPDATES))
    assert callback.simulate(UPDATES, initial_lr=0.1).tolist() == wanted(UPDATES)


def test_a_clone_and_a_pickled_net_train_alike(net, wanted):
    made = net(schedule=rh.parse("warmup('4 steps') >> cosine(end=0.1)"))  # a value, not text: deep-copied by sklearn
    assert clone(made).fit(X, X).optimizer_.used == wanted(UPDATES)
    sent = pickle.loads(pickle.dumps(net(optimizer=torch.optim.SGD)))
    assert sent.fit(X, X).history[-1, "batches", -1, "event_lr"] == wanted(UPDATES)[-1]


def test_a_trained_net_can_be_pickled(net):
    back = pickle.loads(pickle.dumps(net(optimizer=torch.optim.SGD).fit(X, X)))
    scheduler = dict(back.callbacks_)["LRScheduler"].lr_scheduler_
    assert scheduler.last_epoch == UPDATES


def test_its_checkpoint_resumes_exactly(net, tmp_path):
    # skorch saves no scheduler; it passes the epochs done as last_epoch, which clock="epochs" understands.
    schedule = rh.linear(end=0.1)
    epochs = {"schedule": schedule, "run": rh.Run(epochs=3), "clock": "epochs", "step_every": "epoch"}
    keep = Checkpoint(dirname=tmp_path, monitor=None)
    first = net(keep, max_epochs=1, **epochs).fit(X, X)
    second = net(LoadInitState(keep), max_epochs=2, **epochs).fit(X, X)
    by_epoch = schedule.over(rh.Run(steps=3), base=0.1).values().tolist()
    assert first.optimizer_.used + second.optimizer_.used == [rate for rate in by_epoch for _ in range(4)]


def test_going_on_with_a_net_replaces_the_scheduler(net, wanted):
    made = net(max_epochs=1, last_epoch=-1).fit(X, X)
    dict(made.callbacks_)["LRScheduler"].last_epoch = len(made.optimizer_.used) - 1  # in updates, as our clock
    with pytest.warns(rh.SecondSchedulerWarning):
        made.partial_fit(X, X)
    assert made.optimizer_.used == wanted(UPDATES)[:8]
