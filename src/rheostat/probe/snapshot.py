"""Everything that a trial of training changes, remembered, and put back bit for bit."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch.nn.parameter import UninitializedParameter
from torch.optim import Optimizer

from rheostat.driver.clock import Watch, watchers
from rheostat.driver.guards import Guards
from rheostat.errors import RheostatWarning, refuse
from rheostat.probe.keep import Back, Keeper
from rheostat.probe.store import Where

_INSIDE = frozenset(vars(torch.nn.Module()))  # what every module holds, and what is remembered one by one


class Snapshot:
    """The state of a training, to go back to as often as one likes.

    It holds weights and buffers (also those that no checkpoint holds), gradients, train and eval mode of every module,
    plain attributes of the user's modules, optimizer state and group values (tensors in place, a fresh optimizer as
    fresh as it was), scaler, schedulers and whatever else is named, random numbers, and the loader's position where it
    can be had. Rheostat's own schedulers on these optimizers rest from `pause` until `restore`.

    Args:
        models: the modules.
        optimizers: the optimizers themselves, without a framework's wrapper.
        scaler: a GradScaler.
        loader: what gives batches: its random generators, plain attributes and state_dict().
        also: modules, or objects with state_dict() and load_state_dict().
        where: where copies lie: "memory", "disk" (a temporary file without a name), or "auto".

    Raises:
        ScheduleError: if something cannot be remembered; nothing was changed.
        SchedulerError: if there is no room for the copies; nothing was changed.
    """

    def __init__(
        self,
        models: Sequence[torch.nn.Module],
        optimizers: Sequence[Optimizer],
        *,
        scaler: Any = None,
        loader: Any = None,
        also: Sequence[Any] = (),
        where: Where = "auto",
    ) -> None:
        self.optimizers = list(optimizers)
        self.schedulers = list({id(w.scheduler): w.scheduler for o in optimizers for w in watchers(o)}.values())
        self.outer = [_random(), _sleep(self.optimizers)]  # undone once, at the end
        self.inner: list[Back] = []  # undone between two trials too
        keeper = Keeper()
        modules = [*models, *(thing for thing in also if isinstance(thing, torch.nn.Module))]
        self.inner += [_module(keeper, part) for whole in modules for part in whole.modules()]
        self.inner += [_gradients(keeper, modules, optimizers)]
        self.inner += [_optimizer(keeper, optimizer) for optimizer in optimizers]
        self.inner += [keeper.attributes(scaler)] if scaler is not None else []
        others = [thing for thing in also if not isinstance(thing, torch.nn.Module) and thing not in self.schedulers]
        self.inner += [_stateful("also", thing) for thing in others]
        self.inner += [_scheduler(scheduler) for scheduler in self.schedulers]
        self.outer = [*_loader(keeper, loader), *self.outer]
        keeper.fill(where)
        self.keeper = keeper
        self.done = False

    def pause(self) -> None:
        """Let schedulers of ours rest: they neither count nor write nor warn until `restore`."""
        for scheduler in self.schedulers:
            scheduler.guards, scheduler.ledger = _Quiet(), None
        for optimizer in self.optimizers:
            for hooks in _hooks(optimizer):
                for name in [n for n, hook in hooks.items() if isinstance(getattr(hook, "__self__", None), Watch)]:
                    del hooks[name]

    def rewind(self) -> None:
        """Weights, optimizer, scaler and schedulers as they were; random numbers and loader go on."""
        with undisturbed():
            _all(self.inner)

    def drop(self) -> None:
        """Let go of what was remembered; schedulers go on resting."""
        self.done = True
        assert self.keeper.store is not None
        self.keeper.store.close()

    def restore(self) -> None:
        """Everything as it was; a second call does nothing."""
        with undisturbed():
            if not self.done:
                self.done = True
                try:
                    _all([*self.inner, *self.outer])
                finally:
                    assert self.keeper.store is not None
                    self.keeper.store.close()


class _Quiet(Guards):
    """Warns of nothing."""

    def say(self, category: type[RheostatWarning], message: str) -> None:
        pass


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits until the block is through."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])


def _all(backs: Sequence[Callable[[], Any]]) -> None:
    """Call each, whatever the others do; the first error comes out at the end."""
    errors = []
    for back in backs:
        try:
            back()
        except Exception as error:  # noqa: BLE001 - what else can be put back must be, before it is told
            errors.append(error)
    if errors:
        raise errors[0]


def _module(keeper: Keeper, module: torch.nn.Module) -> Back:
    if any(isinstance(p, UninitializedParameter) for p in module._parameters.values()):
        need = "parameters that have a shape"
        raise refuse("model", type(module).__name__, need=need, mend="one forward pass of a batch first")
    backs = [keeper.keep(module._parameters), keeper.keep(module._buffers)]
    foreign = not type(module).__module__.startswith("torch.")  # torch's own wrappers keep there what they set up once
    if foreign:
        backs.append(keeper.attributes(module, but=_INSIDE))
    if type(module).get_extra_state is not torch.nn.Module.get_extra_state:
        extra = deepcopy(module.get_extra_state())
        backs.append(lambda: module.set_extra_state(deepcopy(extra)))
    training = module.training

    def back() -> None:
        _all(backs)
        module.training = training

    return back


def _gradients(keeper: Keeper, modules: Sequence[torch.nn.Module], optimizers: Sequence[Optimizer]) -> Back:
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    found = {id(p): p for module in modules for p in module.parameters()} | {
        id(p): p for group in groups for p in group["params"]
    }
    kept = [(p, keeper.keep(p), keeper.keep(p.grad)) for p in found.values()]

    def back() -> None:
        for p, value, grad in kept:
            value()
            p.grad = grad()

    return back


def _optimizer(keeper: Keeper, optimizer: Optimizer) -> Back:
    groups, state = optimizer.param_groups, optimizer.state
    inside = frozenset(("state", "param_groups", "defaults", *(n for n in vars(optimizer) if n.endswith("_hooks"))))
    kept = [
        (group, list(group["params"]), {key: _value(keeper, key, v) for key, v in group.items()}) for group in groups
    ]
    backs = [keeper.keep(state), keeper.attributes(optimizer, but=inside)]
    # Some optimizers hold another one, with a state of its own.
    backs += [_optimizer(keeper, inner) for inner in vars(optimizer).values() if isinstance(inner, Optimizer)]

    def back() -> None:
        if optimizer.state is not state:
            optimizer.state = state
        if optimizer.param_groups is not groups:
            optimizer.param_groups = groups
        for group, parameters, values in kept:
            whole = {key: put() for key, put in values.items()}
            group.clear()
            group.update(whole)
            group["params"][:] = parameters
        groups[:] = [group for group, _, _ in kept]
        _all(backs)

    return back


def _value(keeper: Keeper, key: str, value: Any) -> Back:
    return (lambda: value) if key == "params" else keeper.keep(value)


def _scheduler(scheduler: Any) -> Back:
    """One of ours: all that it counts. Seconds spent on trials are no time of the run."""
    scheduler.elapsed()
    parts = [
        scheduler,
        scheduler.writer,
        scheduler.feedback,
        scheduler.cadence,
        *scheduler.writer.columns,
        *scheduler._watches,
    ]
    held = [(part, dict(vars(part))) for part in parts]
    states = dict(scheduler.feedback.states)

    def back() -> None:
        for part, names in held:
            vars(part).clear()
            vars(part).update(names)
        scheduler.feedback.states.clear()
        scheduler.feedback.states.update(states)
        scheduler._origin = float(scheduler.timer())

    return back


def _stateful(name: str, thing: Any) -> Back:
    if not callable(getattr(thing, "state_dict", None)) or not callable(getattr(thing, "load_state_dict", None)):
        raise refuse(name, thing, need="modules, or objects with state_dict() and load_state_dict()")
    state = deepcopy(thing.state_dict())
    return lambda: thing.load_state_dict(deepcopy(state))


def _loader(keeper: Keeper, loader: Any) -> list[Back]:
    """A loader's random generators, what it counts, and its state_dict() where it has one."""
    inner = [getattr(loader, name, None) for name in ("sampler", "batch_sampler", "dataset")]
    parts = [loader, *inner, getattr(inner[1], "sampler", None)]
    owners = {id(part): part for part in parts if hasattr(part, "__dict__")}
    backs = [keeper.attributes(part, tensors=False) for part in owners.values()]
    if hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict"):
        backs.insert(0, _stateful("batches", loader))
    if getattr(loader, "_iterator", None) is not None:  # persistent workers: those of the user's own loop go on later
        working, loader._iterator = loader._iterator, None

        def back() -> None:
            vars(loader)["_iterator"] = working

        backs.append(back)
    return backs


def _hooks(optimizer: Optimizer) -> list[dict[int, Any]]:
    return [optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks]


def _sleep(optimizers: Sequence[Optimizer]) -> Back:
    """The hooks of our schedulers, in their places."""
    kept = [(hooks, dict(hooks)) for optimizer in optimizers for hooks in _hooks(optimizer)]

    def back() -> None:
        for hooks, before in kept:
            since = {name: hook for name, hook in hooks.items() if name not in before}
            hooks.clear()
            hooks.update({**before, **since})

    return back


def _random() -> Back:
    """Python's, NumPy's and PyTorch's random numbers, on every device in use."""
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    in_use = torch.cuda.is_available() and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # PyTorch's
    cuda = torch.cuda.get_rng_state_all() if in_use else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None

    def back() -> None:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)

    return back
