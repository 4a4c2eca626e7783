"""PyTorch's own schedulers, taken over: their schedules, their place, and the values that they left.

What counts is what the scheduler object holds, so a restored one is taken over with the arguments it was saved with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch.optim import lr_scheduler as torch_schedulers

from rheostat.driver.change import InForce, continued
from rheostat.driver.columns import number_of, value_of
from rheostat.driver.plan import Entry, curve_of, has, rules
from rheostat.driver.translated import schedule_of, span_of
from rheostat.errors import SchedulerError, refuse
from rheostat.schedule import Schedule, cosine, cyclic, linear, plateau
from rheostat.schedule.combine import sequence
from rheostat.schedule.metric import PlateauState

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from rheostat.driver.engine import Engine

_ROUNDING = 1e-9  # what PyTorch's recursive forms may have gathered


@dataclass
class Taken:
    """What a scheduler of PyTorch's amounts to.

    Attributes:
        schedules: {key: a schedule, or a list with one for each group}.
        position: how often it was called.
        values: {(key, group): what stands there}.
        bases: {key: the base value of each group}, where it is not the group's initial_lr.
        plateau: the metric state, where it listens to one.
    """

    schedules: dict[str, Any]
    position: int
    values: dict[tuple[str, int], float]
    bases: dict[str, list[float]] = field(default_factory=dict)
    plateau: PlateauState | None = None

    def spec(self, optimizer: Optimizer) -> Any:
        """The schedules as the Scheduler takes them."""
        names = [str(group.get("name", i)) for i, group in enumerate(optimizer.param_groups)]
        return {
            key: dict(zip(names, by_group, strict=True)) if isinstance(by_group, list) else by_group
            for key, by_group in self.schedules.items()
        }


def read(scheduler: Any, clock: str) -> Taken:
    """What a scheduler of PyTorch's amounts to, for a clock.

    Raises:
        SchedulerError: for a class that cannot be read, such as LambdaLR, which is code.
    """
    _check(scheduler)
    unit = "epochs" if clock == "epochs" else "steps"
    if isinstance(scheduler, torch_schedulers.ReduceLROnPlateau):
        return _plateau(scheduler)
    if type(scheduler) is torch_schedulers.OneCycleLR:
        return _one_cycle(scheduler, unit)
    if type(scheduler) is torch_schedulers.CyclicLR:
        return _cyclic(scheduler, unit)
    return Taken({"lr": schedule_of(scheduler, None, unit)}, _position(scheduler), _values(scheduler, "lr"))


def with_schedule(scheduler: Any, schedule: Any) -> Taken:
    """The place of a scheduler of PyTorch's, to go on from with another schedule."""
    _check(scheduler)
    rules(schedule)
    by_key = schedule if isinstance(schedule, Mapping) else {"lr": schedule}
    return Taken(dict(by_key), _position(scheduler), _values(scheduler, *by_key))


@contextmanager
def bases(optimizer: Optimizer, taken: Taken) -> Iterator[None]:
    """Base values in the groups, while a Scheduler is made that looks for them; left as they were if it fails."""
    before = [dict(group) for group in optimizer.param_groups]
    for key in taken.schedules:
        for i, group in enumerate(optimizer.param_groups):
            if key in taken.bases:
                group[f"initial_{key}"] = taken.bases[key][i]
            elif has(group, key):
                group.setdefault(f"initial_{key}", number_of(value_of(group, key)))
    try:
        yield
    except Exception:
        for group, old in zip(optimizer.param_groups, before, strict=True):
            group.clear()
            group.update(old)
        raise


def at_value(scheduler: Engine, e: Entry, taken: Taken) -> Entry:
    """An entry that goes on from the value that the old scheduler left, if its own differs by more than rounding."""
    if taken.plateau is not None:
        scheduler.feedback.states[e.schedule, e.since] = [taken.plateau]
    value = taken.values.get((e.key, e.group))
    curve = curve_of(e, scheduler.run, scheduler.axis)
    here = float(scheduler.position)
    if value is None or not e.base or math.isclose(curve.at(here), value, rel_tol=_ROUNDING):
        return e
    return continued(e, curve, InForce(value / e.base, e.base), here, curve.start_factors)


def _check(scheduler: Any) -> None:
    if not isinstance(scheduler, torch_schedulers.LRScheduler) or hasattr(scheduler, "entries"):
        raise refuse("scheduler", scheduler, need="one of torch.optim.lr_scheduler", mend="torch's StepLR or another")


def _values(scheduler: Any, *keys: str) -> dict[tuple[str, int], float]:
    groups = enumerate(scheduler.optimizer.param_groups)
    return {(key, i): number_of(value_of(group, key)) for i, group in groups for key in keys if has(group, key)}


def _position(scheduler: Any) -> int:
    if isinstance(scheduler, torch_schedulers.ChainedScheduler):
        return _position(scheduler._schedulers[0])
    return int(scheduler.last_epoch)


def _plateau(s: Any) -> Taken:
    """The cuts that were made are in the groups already: what stands there now is the base."""
    rates = [float(group["lr"]) for group in s.optimizer.param_groups]
    schedules: list[Schedule] = [
        plateau(
            factor=s.factor,
            patience=s.patience,
            threshold=s.threshold,
            relative=s.threshold_mode == "rel",
            mode=s.mode,
            cooldown=s.cooldown,
            floor=min(1.0, float(low) / rate) if rate else 0.0,
        )
        for low, rate in zip(s.min_lrs, rates, strict=True)
    ]
    best = float(s.best)
    state = PlateauState(best if math.isfinite(best) else None, int(s.num_bad_epochs), int(s.cooldown_counter), 0)
    return Taken({"lr": schedules}, int(s.last_epoch), _values(s, "lr"), {"lr": rates}, state)


def _one_cycle(s: Any, unit: str) -> Taken:
    groups = s.optimizer.param_groups
    shape = cosine if s._anneal_func_type == "cos" else linear
    tops = {"lr": [float(g["max_lr"]) for g in groups]}
    named = {"lr": [{n: float(g[n]) / float(g["max_lr"]) for n in ("initial_lr", "max_lr", "min_lr")} for g in groups]}
    if s.cycle_momentum:
        key = "betas[0]" if s.use_beta1 else "momentum"
        tops[key] = [float(g["max_momentum"]) for g in groups]
        levels = ("base_momentum", "max_momentum")
        named[key] = [{n: float(g[n]) / float(g["max_momentum"]) for n in levels} for g in groups]
    schedules = {key: [_phases(s, by_name, key, shape, unit) for by_name in named[key]] for key in named}
    return Taken(schedules, int(s.last_epoch), _values(s, *schedules), tops)


def _phases(s: Any, level: dict[str, float], key: str, shape: Callable[..., Schedule], unit: str) -> Schedule:
    """The phases with their fractional ends, as PyTorch's, each from one named level to another."""
    what = "lr" if key == "lr" else "momentum"
    parts: list[Schedule] = []
    begin = 0.0
    for phase in s._schedule_phases:
        start, end = level[phase[f"start_{what}"]], level[phase[f"end_{what}"]]
        length = float(phase["end_step"]) - begin
        parts.append(shape(start=start, end=end, over=span_of(length, unit)))
        begin = float(phase["end_step"])
    return sequence(*parts)


def _cyclic(s: Any, unit: str) -> Taken:
    if s._scale_fn_custom is not None:
        raise SchedulerError("from_torch(CyclicLR): its scale_fn is code. Try from_torch(old, run, schedule=...).")
    up = s.total_size * s.step_ratio
    settings: dict[str, Any] = {"up": span_of(up, unit), "down": span_of(s.total_size - up, unit), "mode": s.mode}
    if s.mode == "exp_range":
        settings |= {"factor": s.gamma, "every": span_of(1, unit)}
    schedules = {"lr": [cyclic(low=_share(low, high), **settings) for low, high in _pairs(s.base_lrs, s.max_lrs)]}
    bases = {"lr": [float(v) for v in s.max_lrs]}
    if s.cycle_momentum:
        key = "betas[0]" if s.use_beta1 else "momentum"
        pairs = _pairs(s.base_momentums, s.max_momentums)
        schedules[key] = [cyclic(low=_share(low, high), inverted=True, **settings) for low, high in pairs]
        bases[key] = [float(v) for v in s.max_momentums]
    return Taken(schedules, int(s.last_epoch), _values(s, *schedules), bases)


def _pairs(low: Sequence[Any], high: Sequence[Any]) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def _share(low: float, high: float) -> float:
    return low / high if high else 0.0
