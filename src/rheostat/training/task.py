"""What is trained: a Task, and how to read one from a user's file."""

from __future__ import annotations

import importlib.util
import inspect
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rheostat.errors import SchedulerError, nearest, refuse
from rheostat.schedule import Run, Schedule
from rheostat.schedule.levels import count, number

Batches = Iterable[Any] | Callable[[int], Iterable[Any]]


@dataclass
class Task:
    """What `rheostat train` trains.

    Args:
        model: the model; moved to the GPU where there is one.
        optimizer: its optimizer, or several that step together.
        batches: a DataLoader or list that gives the batches of an epoch, or a function of the epoch's number that does.
            It may use PyTorch's, NumPy's and Python's random numbers: they are seeded anew for each epoch.
        loss: a function of (model, batch) that returns a scalar tensor.
        evaluate: a function of the model that returns named numbers, called after each epoch.
        metric: which of those numbers a plateau() in the schedule listens to.
        schedule: a Schedule, its text, or what rh.Scheduler takes for several keys.
        epochs: how many epochs to train (> 0); or
        steps: how many updates.
        accumulate: batches for each update (≥ 1).
        name: names the folder of the run.
        seed: where random numbers begin (≥ 0).

    Raises:
        ScheduleError: for an argument of the wrong kind.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer]
    batches: Batches
    loss: Callable[[torch.nn.Module, Any], torch.Tensor]
    evaluate: Callable[[torch.nn.Module], dict[str, float]] | None = None
    metric: str | None = None
    schedule: Schedule | str | dict[str, Any] = "warmup('5%') >> cosine(end=0.1)"
    epochs: float | None = None
    steps: int | None = None
    accumulate: int = 1
    name: str = "run"
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.model, torch.nn.Module):
            raise refuse("model", self.model, need="a torch.nn.Module")
        several = self.optimizer if isinstance(self.optimizer, (list, tuple)) else [self.optimizer]
        if not several or not all(isinstance(o, torch.optim.Optimizer) for o in several):
            raise refuse("optimizer", self.optimizer, need="a torch.optim.Optimizer, or a list of them")
        _check_function("loss", self.loss, "model", "batch")
        if self.evaluate is not None:
            _check_function("evaluate", self.evaluate, "model")
        if callable(self.batches):
            _check_function("batches", self.batches, "epoch")
        elif not isinstance(self.batches, Iterable) or isinstance(self.batches, (str, bytes)):
            raise refuse("batches", self.batches, need="a DataLoader, a list, or a function of the epoch")
        if self.metric is not None and not isinstance(self.metric, str):
            raise refuse("metric", self.metric, need="the name of a number that evaluate gives", mend="metric='loss'")
        count("accumulate", self.accumulate, least=1)
        count("seed", self.seed)
        if not isinstance(self.name, str) or not re.fullmatch(r"[\w.-]+", self.name):
            raise refuse("name", self.name, need="letters, digits, '-', '_' and '.'", mend="'digits'")

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        """The optimizers as a list."""
        return [self.optimizer] if isinstance(self.optimizer, torch.optim.Optimizer) else list(self.optimizer)

    def epoch(self, number: int) -> Iterable[Any]:
        """The batches of one epoch."""
        return self.batches(number) if callable(self.batches) else self.batches

    def run(self, steps: int | None = None, epochs: float | None = None) -> Run:
        """How long training is; the arguments win over the task's own."""
        if steps is None and epochs is None:
            steps, epochs = self.steps, self.epochs
        if (steps is None) == (epochs is None):
            raise SchedulerError(f"steps={steps}, epochs={epochs}: need one of the two. Try epochs=10.")
        return Run(steps=steps, epochs=epochs, steps_per_epoch=self._steps_per_epoch())

    def scale_lr(self, lr: float) -> None:
        """Set the first group's learning rate; the others keep their ratio to it."""
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        # An optimizer that was scheduled before holds its base values in initial_lr: those are what factors multiply.
        bases = [group.get("initial_lr", group["lr"]) for group in groups]
        first = float(bases[0])
        if first <= 0:
            raise refuse("lr", lr, need="a first group with an lr above 0, to scale the others by")
        ratio = number("lr", lr, above=0.0) / first
        for group, base in zip(groups, bases, strict=True):
            # Exact where it can be, so that a run is resumed with what it used.
            scaled = lr if isinstance(base, float) and base == first else base * ratio
            group["lr"] = scaled
            if "initial_lr" in group:
                group["initial_lr"] = scaled

    def _steps_per_epoch(self) -> int:
        return math.ceil(length_of(self.epoch(0)) / self.accumulate)


def length_of(batches: Any) -> int:
    """How many batches an epoch has.

    Raises:
        ScheduleError: if that is unknown, or none.
    """
    if not hasattr(batches, "__len__"):
        raise refuse("batches", batches, need="a length, to know how long an epoch is", mend="a list or DataLoader")
    if not len(batches):
        raise refuse("batches", batches, need="at least one batch")
    return len(batches)


def _check_function(name: str, function: object, *of: str) -> None:
    """Refuse what cannot be called with such arguments."""
    need = f"a function of ({', '.join(of)})"
    if not callable(function):
        raise refuse(name, function, need=need)
    try:
        inspect.signature(function).bind(*of)
    except TypeError:
        raise refuse(name, function, need=need) from None
    except ValueError:  # some that are written in C do not say what they take
        return


def load_task(spec: str) -> Task:
    """The Task that a file's function returns.

    Args:
        spec: "FILE.py", whose function `task` is called, or "FILE.py:NAME" for another.

    Returns:
        The Task. Importing the file runs it; nothing else is imported that it does not import itself.

    Raises:
        SchedulerError: if there is no such file or function, or it returns something else.
    """
    if not isinstance(spec, str):
        raise refuse("task", spec, need="a path, or path:function, as text", mend="'examples/digits.py'")
    path, name = (spec, "task") if spec.endswith(".py") else spec.rpartition(":")[::2]
    file = Path(path)
    if not file.is_file():
        raise SchedulerError(f"task={spec!r}: no such file. Try a path such as examples/digits.py or FILE.py:function.")
    if file.suffix != ".py":
        raise SchedulerError(f"task={spec!r}: {path} is no Python file. Try a file whose name ends in .py.")
    module_spec = importlib.util.spec_from_file_location(f"rheostat_task_{file.stem}", file)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_spec.name] = module  # data classes and pickling in the file look it up
    sys.path.insert(0, str(file.parent.resolve()))
    module_spec.loader.exec_module(module)
    make = getattr(module, name, None)
    if not name:
        raise SchedulerError(f"task={spec!r}: names no function behind the colon. Try {path!r} or '{path}:task'.")
    if not callable(make):
        close = nearest(name, [n for n, value in vars(module).items() if callable(value) and not n.startswith("_")])
        mend = f"'{path}:{close}'" if close else f"a function `{name}` that returns rh.Task(...)"
        raise SchedulerError(f"task={spec!r}: {path} has no function {name!r}. Try {mend}.")
    task = make()
    if not isinstance(task, Task):
        raise SchedulerError(
            f"task={spec!r}: {name}() returns {type(task).__name__}, and needs to return rh.Task(...)."
        )
    return task
