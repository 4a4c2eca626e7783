"""The finders of other libraries, run as their own packages run them, each on the same model, optimizer and batches."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tasks
import torch
from torch import nn

LOW, HIGH, STEPS = 1e-7, 10.0, 100
Answers = dict[str, float | None]


class Joined(nn.Module):
    """A network and its loss as one module, whose output is the loss: what every library can drive."""

    def __init__(self, training: tasks.Training) -> None:
        super().__init__()
        self.inner, self.found = training.model, training.loss

    def forward(self, x: Any, y: Any = None) -> torch.Tensor:
        batch = x if y is None else [x, y]
        return self.found(self.inner, batch)


def _first(output: torch.Tensor, *_: Any) -> torch.Tensor:
    return output


class Loader:
    """The training's batches, epoch after epoch."""

    def __init__(self, training: tasks.Training, *, nested: bool = False) -> None:
        self.batches, self.epoch, self.nested = training.batches, -1, nested
        self.size = len(training.batches(0))

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Any:
        self.epoch += 1
        for x, y in self.batches(self.epoch):
            yield ([x, y], y) if self.nested else [x, y]


def torch_lr_finder(training: tasks.Training) -> Answers:
    """torch-lr-finder: the steepest point of its own smoothed curve, as plot(suggest_lr=True) finds it."""
    from torch_lr_finder import LRFinder, TrainDataLoaderIter

    class Iter(TrainDataLoaderIter):
        def inputs_labels_from_batch(self, batch: Any) -> Any:
            return batch[0], batch[1]

    import matplotlib as mpl

    mpl.use("Agg")
    finder = LRFinder(Joined(training), training.optimizer, _first, device="cpu")
    loader = torch.utils.data.DataLoader(_Stream(training), batch_size=None)
    finder.range_test(Iter(loader), start_lr=LOW, end_lr=HIGH, num_iter=STEPS)
    import matplotlib.pyplot as plt

    axes, lr = finder.plot(suggest_lr=True, ax=plt.figure().gca())
    plt.close(axes.figure)
    return {"torch-lr-finder": float(lr)}


class _Stream(torch.utils.data.IterableDataset):
    """Pairs of ((x, y), y): the network that is its own loss takes both."""

    def __init__(self, training: tasks.Training) -> None:
        self.loader = Loader(training, nested=True)

    def __iter__(self) -> Any:
        return iter(self.loader)


def lightning(training: tasks.Training) -> Answers:
    """Lightning's Tuner.lr_find, with its defaults."""
    import lightning as L
    from lightning.pytorch.tuner import Tuner

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.joined, self.lr = Joined(training), 1e-3

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return self.joined(*batch)

        def configure_optimizers(self) -> Any:
            training.optimizer.param_groups[0]["lr"] = self.lr
            return training.optimizer

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    trainer = L.Trainer(max_epochs=1000, accelerator="cpu", enable_checkpointing=True, **quiet)
    finder = Tuner(trainer).lr_find(Module(), Loader(training), num_training=STEPS)
    return {"Lightning": None if finder is None else finder.suggestion()}


def fastai(training: tasks.Training) -> Answers:
    """fastai's Learner.lr_find with its defaults and all four of its rules."""
    from fastai.callback.schedule import SuggestionMethod
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    rules = [getattr(SuggestionMethod, name) for name in ("Valley", "Slide", "Minimum", "Steep")]
    batches = [(*batch, batch[1]) for batch in training.batches(0)]
    loaders = DataLoaders(_Listed(batches), _Listed(batches[:1]), device=torch.device("cpu"))
    loaders.n_inp = 2
    learner = Learner(loaders, Joined(training), loss_func=_first, opt_func=lambda _, **__: None)
    learner.create_opt = lambda: setattr(learner, "opt", OptimWrapper(opt=training.optimizer))
    found = learner.lr_find(suggest_funcs=rules, show_plot=False, num_it=STEPS)
    return dict(zip(["fastai valley", "fastai slide", "fastai min/10", "fastai steep"], map(float, found), strict=True))


class _Listed(torch.utils.data.DataLoader):
    """Batches that are made already."""

    def __init__(self, batches: list[Any]) -> None:
        super().__init__(batches, batch_size=None, collate_fn=lambda batch: batch)  # type: ignore[arg-type]


def ignite(training: tasks.Training) -> Answers:
    """ignite's FastaiLRFinder and its suggestion."""
    from ignite.engine import Engine
    from ignite.handlers import FastaiLRFinder

    def update(_: Any, batch: Any) -> float:
        training.optimizer.zero_grad()
        loss = training.loss(training.model, batch)
        loss.backward()
        training.optimizer.step()
        return float(loss)

    trainer, finder = Engine(update), FastaiLRFinder()
    saved = {"model": training.model, "optimizer": training.optimizer}
    with finder.attach(trainer, saved, start_lr=LOW, end_lr=HIGH, num_iter=STEPS) as attached:
        attached.run(Loader(training), max_epochs=1000)
    return {"ignite": float(finder.lr_suggestion())}


PEERS: dict[str, Callable[[tasks.Training], Answers]] = {
    "torch-lr-finder": torch_lr_finder,
    "Lightning": lightning,
    "fastai": fastai,
    "ignite": ignite,
}


def answers(name: str, optimizer: str, seed: int) -> dict[str, Answers | str]:
    """What each says for one training; where one raises, its error is its answer."""
    found: dict[str, Answers | str] = {}
    for peer, ask in PEERS.items():
        training = tasks.TASKS[name].training(optimizer, seed)
        try:
            with _silence():
                found[peer] = {k: _usable(v) for k, v in ask(training).items()}
        except Exception as error:
            found[peer] = f"{type(error).__name__}: {error}"[:200]
    return found


def _usable(lr: float | None) -> float | None:
    return float(lr) if lr is not None and np.isfinite(lr) and lr > 0 else None


@contextlib.contextmanager
def _silence() -> Any:
    logging.disable(logging.CRITICAL)
    nowhere = io.StringIO()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
