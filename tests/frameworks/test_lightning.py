"""Lightning's Trainer: both intervals, accumulation, skipped updates, metrics, checkpoints, its own rate writers."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

import rheostat as rh

pytest.importorskip("lightning")
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, StochasticWeightAveraging
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.tuner import Tuner

pytestmark = [
    pytest.mark.frameworks,
    # Lightning 2.6 asks isinstance(…, LeafSpec), which torch 2.13 deprecates: between the two of them.
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated:FutureWarning"),
]

BATCHES = 5  # per epoch


class Net(LightningModule):
    """One weight; `interval` None leaves Lightning's default ("epoch")."""

    def __init__(self, optimizer_class, schedule, run, interval=None, **config):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.optimizer_class, self.schedule, self.run = optimizer_class, schedule, run
        self.config = config | ({"interval": interval} if interval else {})
        self.bad_batches = ()

    def training_step(self, batch, index):
        self.log("loss", 1.0)
        return self.layer(batch).sum() * (float("inf") if index in self.bad_batches else 1.0)

    def configure_optimizers(self):
        self.optimizer = self.optimizer_class(self.parameters())
        self.scheduler = rh.Scheduler(self.optimizer, self.schedule, self.run)
        return {"optimizer": self.optimizer, "lr_scheduler": {"scheduler": self.scheduler, **self.config}}


@pytest.fixture
def fit(tmp_path):
    """fit(net, **trainer settings): train on the CPU, quietly; returns the Trainer."""

    def run(net, ckpt_path=None, **settings):
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        quiet |= {"enable_checkpointing": False, "accelerator": "cpu", "devices": 1, "default_root_dir": tmp_path}
        trainer = Trainer(**(quiet | settings))
        trainer.fit(net, DataLoader(torch.ones(BATCHES, 1), batch_size=1), ckpt_path=ckpt_path)
        return trainer

    return run


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("interval", [None, "step", "epoch"])
def test_every_update_uses_its_value(fit, recorder, text, wanted, interval, accumulate):
    updates = 3 * -(-BATCHES // accumulate)  # the last, short window of an epoch is an update too
    net = Net(recorder, text, rh.Run(steps=updates), interval)
    fit(net, max_epochs=3, accumulate_grad_batches=accumulate)
    assert net.optimizer.used == wanted(updates)


def test_a_skipped_update_moves_nothing(fit, recorder, text, wanted):
    net = Net(recorder, text, rh.Run(steps=8), "step")
    net.bad_batches = (2,)  # overflows: the scaler leaves this update out, in both epochs
    fit(net, max_epochs=2, plugins=MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=2.0)))
    assert net.scheduler.last_epoch == 8
    assert net.optimizer.used == wanted(8)


# Lightning says that a plain DataLoader starts its epoch again, and that the folder is that of the first run: as meant.
@pytest.mark.filterwarnings("ignore:.*your dataloader is not resumable:UserWarning")
@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty:UserWarning")
@pytest.mark.parametrize("interval", ["step", "epoch"])
def test_a_checkpoint_within_an_epoch_resumes_exactly(fit, recorder, text, wanted, tmp_path, interval):
    keep = ModelCheckpoint(tmp_path, filename="at7", every_n_train_steps=7)
    settings = {"max_epochs": 2, "enable_checkpointing": True, "callbacks": [keep]}
    whole, rest = (Net(recorder, text, rh.Run(steps=10), interval) for _ in range(2))
    fit(whole, **settings)
    fit(rest, **settings, ckpt_path=tmp_path / "at7.ckpt")
    assert whole.optimizer.used == wanted(10)
    assert rest.optimizer.used == wanted(10)[7:]


def test_a_monitored_metric_reaches_the_schedule(fit, recorder):
    config = {"reduce_on_plateau": True, "monitor": "loss"}
    net = Net(recorder, "plateau(factor=0.5, patience=0)", rh.Run(steps=15), **config)
    fit(net, max_epochs=3)
    assert net.optimizer.used == [0.1] * 2 * BATCHES + [0.05] * BATCHES  # the second, equal report is the first cut


def test_the_logged_rate_is_the_one_used(fit, recorder, text, wanted, tmp_path):
    net, monitor = Net(recorder, text, rh.Run(steps=10), "step"), LearningRateMonitor()
    fit(net, max_epochs=2, logger=CSVLogger(tmp_path), log_every_n_steps=1, callbacks=[monitor])
    assert monitor.lrs["lr-Recorder"] == net.optimizer.used == wanted(10)


def test_weight_averaging_that_swaps_the_scheduler_is_noticed(fit, recorder, text):
    net = Net(recorder, text, rh.Run(steps=20))
    with pytest.warns(rh.OverwrittenWarning):
        fit(net, max_epochs=4, callbacks=[StochasticWeightAveraging(swa_lrs=0.5, swa_epoch_start=2)])


def test_the_range_test_that_borrows_the_optimizer_is_noticed(recorder, text, tmp_path):
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(**quiet, max_epochs=1, accelerator="cpu", devices=1, default_root_dir=tmp_path)
    net = Net(recorder, text, rh.Run(steps=20), "step")
    with pytest.warns(rh.OverwrittenWarning):
        Tuner(trainer).lr_find(net, DataLoader(torch.ones(20, 1)), num_training=10, update_attr=False)
