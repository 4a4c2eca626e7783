"""One small training, written as a user writes it: what it used, and what a checkpoint of it holds."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

import rheostat as rh

UPDATES = 12
RUN = rh.Run(steps=UPDATES, steps_per_epoch=4, samples_per_step=32, tokens_per_step=2.5)
METRICS = [3.0, 2.0, 2.5, 2.5, float("nan"), 1.0, 1.5, float("-inf"), 1.5, 0.5, 0.6, 0.6]

_data = torch.Generator().manual_seed(1)
INPUTS = torch.randn(256, 8, 4, generator=_data)
TARGETS = torch.randn(256, 8, 1, generator=_data)
WEIGHTS = torch.randn(2, 45, generator=_data) / 2


class Timer:
    """Seconds that pass only when somebody says so; dyadic, so that sums are exact from any origin."""

    def __init__(self, origin=0.0):
        self.now = origin

    def __call__(self):
        return self.now


def groups_of(net, *lrs):
    """One group a layer, with these learning rates; layers without one are left out (frozen)."""
    layers = [net[i] for i in (0, 2, 4)]
    return [{"params": list(layer.parameters()), "lr": lr} for layer, lr in zip(layers, lrs, strict=False)]


def sgd(net, timer=None):
    return [torch.optim.SGD(groups_of(net, 0.1, 0.03, 0.05), momentum=0.9, weight_decay=0.01)]


def adamw(net, timer=None):
    return [torch.optim.AdamW(groups_of(net, 0.1, 0.03, 0.05), weight_decay=0.01)]


@dataclass(frozen=True, eq=False)
class Case:
    """A schedule, what it drives, and how the loop calls it."""

    name: str
    schedule: Any
    run: rh.Run | None = RUN
    optimizers: Callable[..., list[torch.optim.Optimizer]] = sgd
    clock: str = "updates"
    metric_every: int = 0  # a report after so many updates; 0 for none
    late: tuple[int, Any] | None = None  # a group that joins at an update, with a schedule of its own or None
    calls_step: bool = True
    updates: int = UPDATES

    @property
    def timed(self):
        return self.run is not None and self.run.time is not None

    @property
    def rebuildable(self):
        """Whether a scheduler can be built at once over all groups, those that came later among them."""
        own = self.late[1] if self.late else None
        return not isinstance(own, dict) or (isinstance(self.schedule, dict) and own.keys() <= self.schedule.keys())

    def __str__(self):
        return self.name


class Training:
    """The model, its optimizers and the scheduler; `used` is what each update's kernel found in every group."""

    def __init__(self, case, *, origin=0.0, weights=WEIGHTS[0]):
        self.case, self.done, self.timer = case, 0, Timer(origin)
        self.updating = False  # torch.distributed.checkpoint steps an optimizer, too, to make it build its state
        layers = torch.nn.Linear(4, 4), torch.nn.Tanh(), torch.nn.Linear(4, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
        self.net = torch.nn.Sequential(*layers)
        with torch.no_grad():
            for p, initial in zip(self.net.parameters(), weights.split([16, 4, 16, 4, 4, 1]), strict=True):
                p.copy_(initial.view_as(p))
        self.optimizers = case.optimizers(self.net)
        self.scheduler = None
        self.used, self.losses = [], []

    def begin(self, **options):
        """Build the scheduler, and note from then on what each update reads."""
        several = self.optimizers if len(self.optimizers) > 1 else self.optimizers[0]
        schedule = options.pop("schedule", self.case.schedule)
        self.scheduler = rh.Scheduler(
            several, schedule, self.case.run, clock=self.case.clock, timer=self.timer, **options
        )
        self.watch()
        return self

    def watch(self):
        for optimizer in self.optimizers:
            optimizer.register_step_pre_hook(self._before)
            optimizer.register_step_post_hook(self._after)

    def join(self, *, by_scheduler=True):
        """Unfreeze the last layer: a group of its own, on the first optimizer."""
        group = {"params": list(self.net[4].parameters()), "lr": 0.2, "name": "late"}
        if by_scheduler:
            self.scheduler.add_param_group(group, schedule=self.case.late[1])
        else:
            self.optimizers[0].add_param_group(group)

    def train(self, updates):
        """So many updates of the user's loop."""
        for _ in range(updates):
            if self.case.late and self.done == self.case.late[0]:
                self.join()
            self.update()
        return self

    def update(self):
        t, case = self.done, self.case

        def closure():
            self.net.zero_grad()
            loss = torch.nn.functional.mse_loss(self.net(INPUTS[t % 256]), TARGETS[t % 256])
            loss.backward()
            return loss

        with_closure = isinstance(self.optimizers[0], torch.optim.LBFGS)
        loss = None if with_closure else closure()
        self.updating = True
        for optimizer in self.optimizers:
            given = optimizer.step(*([closure] if with_closure else []))
            loss = given if with_closure else loss
        self.updating = False
        self.losses.append(loss.item())
        self.done += 1
        self.timer.now += 1.25 if t % 3 else 0.75
        metric = METRICS[t % len(METRICS)] if case.metric_every and self.done % case.metric_every == 0 else None
        if case.clock != "epochs" and case.calls_step:
            self.scheduler.step(metric)
        elif case.clock == "epochs" and self.done % 4 == 0:
            self.scheduler.step(metric)
        elif metric is not None:
            self.scheduler.report(metric)

    def weights(self):
        return torch.nn.utils.parameters_to_vector(self.net.parameters()).tolist()

    def checkpoint(self):
        """What a user saves; live, so it has to go through a carrier at once."""
        return {
            "done": self.done,
            "model": self.net.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scheduler": self.scheduler.state_dict(),
        }

    def _before(self, optimizer, args, kwargs):
        self.reading = held(optimizer)

    def _after(self, optimizer, args, kwargs):
        assert held(optimizer) == self.reading  # nobody wrote while the kernel ran
        if self.updating:
            self.used.append((self.optimizers.index(optimizer), self.reading))


def held(optimizer):
    """Every number in every group, with its kind: a tensor stays a tensor, of its dtype."""
    return [{k: _plain(v) for k, v in group.items() if k != "params"} for group in optimizer.param_groups]


def _plain(value):
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.item()
    return tuple(map(_plain, value)) if isinstance(value, (tuple, list)) else value


def through_json(checkpoint):
    """The scheduler's state as JSON text; the tensors beside it by torch.save."""
    text = json.dumps(checkpoint["scheduler"], allow_nan=False)
    return {**through_torch({**checkpoint, "scheduler": None}), "scheduler": json.loads(text)}


def through_torch(checkpoint):
    file = io.BytesIO()
    torch.save(checkpoint, file)
    file.seek(0)
    return torch.load(file, weights_only=True)
