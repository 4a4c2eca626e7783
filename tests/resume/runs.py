"""One small training, written as a user writes it: what it used, what a checkpoint of it holds, how it is restored."""

import copy
import io
import json
import os
import zlib
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

EVERYTHING = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


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


# The orders in which people restore. Each makes a Training that goes on from a checkpoint.


def built_then_optimizer_then_scheduler(case, saved):
    training = _model(case, saved)
    _build(training, saved)
    _load_optimizers(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


def optimizer_then_built_then_scheduler(case, saved):
    training = _model(case, saved)
    if _joined(case, saved):
        training.join(by_scheduler=False)
    _load_optimizers(training, saved)
    training.begin(schedule=_with_late(case) if _joined(case, saved) else case.schedule)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


def scheduler_then_optimizer(case, saved):
    training = _model(case, saved)
    _build(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    _load_optimizers(training, saved)
    return training


def scheduler_only(case, saved):
    training = _model(case, saved)
    _build(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


def scheduler_and_optimizer_twice(case, saved):
    """As a framework does that restores once by itself and once more for the user."""
    training = scheduler_then_optimizer(case, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    _load_optimizers(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


def back_to_an_earlier_state(case, saved):
    """In the same process, without building anything anew: after a divergence, say."""
    training = _model(case, saved)
    _build(training, saved)
    ahead = case.updates if case.late is None or _joined(case, saved) else case.late[0]
    if not case.timed:
        training.train(min(3, ahead - training.done))
    training.used.clear(), training.losses.clear()
    training.net.load_state_dict(saved["model"])
    training.done = saved["done"]
    _load_optimizers(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


ORDERS = [
    built_then_optimizer_then_scheduler,
    optimizer_then_built_then_scheduler,
    scheduler_then_optimizer,
    scheduler_and_optimizer_twice,
    back_to_an_earlier_state,
]


def _model(case, saved):
    training = Training(
        case, origin=1024.0, weights=WEIGHTS[1]
    )  # another process: another timer, other initial weights
    training.net.load_state_dict(saved["model"])
    training.done = saved["done"]
    return training


def _joined(case, saved):
    return case.late is not None and saved["done"] > case.late[0]


def _build(training, saved):
    training.begin()
    if _joined(training.case, saved):
        training.join()


def _with_late(case):
    """The schedule as one mapping, for a scheduler built over all groups at once."""
    own = case.late[1]
    if own is None:
        return case.schedule
    schedules = case.schedule if isinstance(case.schedule, dict) else {"lr": case.schedule}
    owned = own if isinstance(own, dict) else {"lr": own}
    return {key: {"late": owned.get(key, s), "*": s} for key, s in schedules.items()} | {
        key: {"late": s} for key, s in owned.items() if key not in schedules
    }


def _load_optimizers(training, saved):
    for optimizer, state in zip(training.optimizers, saved["optimizers"], strict=True):
        optimizer.load_state_dict(state)


def uninterrupted(case):
    """The whole run, and a checkpoint as it was before each update and at the end, alternating the carrier."""
    training, checkpoints = Training(case).begin(), []
    for stop in range(case.updates):
        checkpoints.append((through_torch if stop % 2 else through_json)(training.checkpoint()))
        training.train(1)
    checkpoints.append(through_torch(training.checkpoint()))
    return training, checkpoints


def assert_resumes(whole, checkpoints, order):
    """From checkpoints on the next two updates are the same, and from some, and the last, all to the end.

    Each checkpoint is restored in two of the five orders, which ones depends on the case; the nightly run does all.
    """
    shift, last = ORDERS.index(order) + zlib.crc32(whole.case.name.encode()), len(checkpoints) - 1
    for stop, saved in enumerate(checkpoints):
        if (stop + shift) % 5 not in (0, 2) and not EVERYTHING:
            continue
        resumed = order(whole.case, copy.deepcopy(saved))  # a loaded optimizer goes on in the tensors it was given
        if (stop + shift) % 5 == 0 or stop == last or EVERYTHING:
            assert_goes_on(whole, resumed, stop)
        else:
            assert_same_from(whole, resumed, stop, min(stop + 2, whole.case.updates))


def assert_goes_on(whole, resumed, stop):
    """From update `stop` on the resumed run is the uninterrupted one, to the last bit."""
    assert_same_from(whole, resumed, stop, whole.case.updates)
    assert resumed.weights() == whole.weights()
    assert by_place(resumed.scheduler.state_dict()) == by_place(whole.scheduler.state_dict())


def assert_same_from(whole, resumed, stop, end):
    """The updates from `stop` to `end` are those of the uninterrupted run: all values read, and the losses."""
    resumed.train(end - stop)
    each = len(whole.optimizers)
    assert resumed.used == whole.used[each * stop : each * end]
    assert resumed.losses == whole.losses[stop:end]


def by_place(state):
    """A state in which the order of the entries, which depends on how groups came in, plays no part."""
    placed = {(e["group"], e["key"]): {**e, "drive": state["drives"][e["drive"]]} for e in state["entries"]}
    return {**state, "entries": placed, "drives": None}
