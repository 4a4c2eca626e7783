"""PyTorch's scheduler objects as schedules of the learning rate: one small function for each class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.optim import lr_scheduler as torch_schedulers

from rheostat.errors import SchedulerError
from rheostat.schedule import (
    Schedule,
    absolute,
    constant,
    cosine,
    cosine_restarts,
    exponential,
    linear,
    multistep,
    piecewise,
    polynomial,
    step,
)
from rheostat.schedule.combine import product, sequence
from rheostat.schedule.levels import Level

Length = int | None
Convert = Callable[[Any, Length, str], Schedule]


def schedule_of(scheduler: Any, length: Length, unit: str) -> Schedule:
    """A schedule of a given length (None: the rest) that gives what the scheduler does."""
    convert = _READ.get(type(scheduler))
    if convert is None:
        name = type(scheduler).__name__
        raise SchedulerError(
            f"from_torch({name}): cannot be read as a schedule"
            f"{', because it is code' if 'Lambda' in name or 'Multiplicative' in name else ''}. "
            "Try from_torch(old, run, schedule=...), which goes on from its learning rate with a schedule of yours."
        )
    return convert(scheduler, length, unit)


def span_of(n: float, unit: str) -> str:
    """A length in the notation."""
    return f"{n:.15g} {unit}"


def _over(length: Length, unit: str) -> str | None:
    return None if length is None else span_of(length, unit)


def _then_hold(make: Callable[[str], Schedule], n: int, last: Level, length: Length, unit: str) -> Schedule:
    """A shape of n calls, then its last factor."""
    if length is not None and n > length:
        raise SchedulerError(
            f"from_torch(SequentialLR): a part of {n} calls is cut off at its milestone, after {length}. "
            "Try from_torch(old, run, schedule=...)."
        )
    if n == 0:
        return constant(last, over=_over(length, unit))
    if length is None or n == length:  # at the end the last value is held anyway
        return make(span_of(n, unit))
    return make(span_of(n, unit)) >> constant(last, over=span_of(length - n, unit))


def _step(s: Any, length: Length, unit: str) -> Schedule:
    return step(every=span_of(s.step_size, unit), factor=s.gamma, over=_over(length, unit))


def _multistep(s: Any, length: Length, unit: str) -> Schedule:
    milestones = sorted(n for n in s.milestones if length is None or n < length)
    if any(s.milestones[n] > 1 for n in milestones) or (milestones and milestones[0] <= 0):
        raise SchedulerError(f"from_torch(MultiStepLR): milestones {milestones} with repeats or 0. Try schedule=....")
    if not milestones:
        return constant(over=_over(length, unit))
    return multistep(at=[span_of(n, unit) for n in milestones], factor=s.gamma, over=_over(length, unit))


def _constant(s: Any, length: Length, unit: str) -> Schedule:
    if length is None and s.total_iters:
        points = [(span_of(0, unit), s.factor), (span_of(s.total_iters, unit), 1.0)]
        return piecewise(points, shape="constant")
    return _then_hold(lambda over: constant(s.factor, over=over), s.total_iters, 1.0, length, unit)


def _linear(s: Any, length: Length, unit: str) -> Schedule:
    make: Callable[[str], Schedule] = lambda over: linear(start=s.start_factor, end=s.end_factor, over=over)
    return _then_hold(make, s.total_iters, s.end_factor, length, unit)


def _exponential(s: Any, length: Length, unit: str) -> Schedule:
    return exponential(factor=s.gamma, every=span_of(1, unit), over=_over(length, unit))


def _polynomial(s: Any, length: Length, unit: str) -> Schedule:
    return _then_hold(lambda over: polynomial(power=s.power, over=over), s.total_iters, 0.0, length, unit)


def _cosine(s: Any, length: Length, unit: str) -> Schedule:
    end: Level = absolute(s.eta_min) if s.eta_min else 0.0
    # PyTorch's climbs again past its end; what was meant is to stay there.
    return _then_hold(lambda over: cosine(end=end, over=over), s.T_max, end, length, unit)


def _restarts(s: Any, length: Length, unit: str) -> Schedule:
    end = absolute(s.eta_min) if s.eta_min else 0.0
    return cosine_restarts(period=span_of(s.T_0, unit), growth=s.T_mult, end=end, over=_over(length, unit))


def _sequential(s: Any, length: Length, unit: str) -> Schedule:
    ends = [*s._milestones, length]
    begins = [0, *s._milestones]
    parts = [
        schedule_of(part, None if end is None else end - begin, unit)
        for part, begin, end in zip(s._schedulers, begins, ends, strict=True)
    ]
    return sequence(*parts)


def _chained(s: Any, length: Length, unit: str) -> Schedule:
    return product(*(schedule_of(part, length, unit) for part in s._schedulers))


_READ: dict[type, Convert] = {
    torch_schedulers.StepLR: _step,
    torch_schedulers.MultiStepLR: _multistep,
    torch_schedulers.ConstantLR: _constant,
    torch_schedulers.LinearLR: _linear,
    torch_schedulers.ExponentialLR: _exponential,
    torch_schedulers.PolynomialLR: _polynomial,
    torch_schedulers.CosineAnnealingLR: _cosine,
    torch_schedulers.CosineAnnealingWarmRestarts: _restarts,
    torch_schedulers.SequentialLR: _sequential,
    torch_schedulers.ChainedScheduler: _chained,
}
