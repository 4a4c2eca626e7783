"""Combinations with a name of their own: functions that return a composition, never classes."""

from __future__ import annotations

from collections.abc import Callable

from rheostat.errors import refuse
from rheostat.schedule.base import Schedule, maker
from rheostat.schedule.levels import Absolute, Level, choice, flag, level
from rheostat.schedule.shapes import constant, cosine, linear, one_minus_sqrt
from rheostat.schedule.shapes import warmup as _warmup
from rheostat.schedule.span import Span


@maker
def wsd(*, warmup: Span | str, cooldown: Span | str, end: Level = 0.0) -> Schedule:
    """Warmup, hold, then a 1 − √progress cooldown over the last `cooldown` of the run.

    (t + 1)/W for 0 ≤ t < W; 1 for W ≤ t < N − C; end + (1 − end)·(1 − √((t − N + C)/C)) for N − C ≤ t < N.

    Picture::

        wsd(warmup="10%", cooldown="20%")             ▁▂▄▆▇█████████████████████████████████▇▅▄▄▃▂▂▁▁▁

    Args:
        warmup: length W, with a unit.
        cooldown: length C, with a unit.
        end: level at the end: a factor ≥ 0, or `absolute(value)`.

    Returns:
        A Schedule, the composition of warmup, constant and one_minus_sqrt.

    Raises:
        ScheduleError: for a length without a unit or a level out of range.

    Example:
        >>> import rheostat as rh
        >>> rh.wsd(warmup="5%", cooldown="20%")
        warmup('5%') >> constant() >> one_minus_sqrt(over='20%')

    Source: Hu et al. 2024, MiniCPM (arXiv 2404.06395), section 4; the cooldown's form from Hägele et al. 2024
    (arXiv 2405.18392). PyTorch has no such class.
    """
    return (
        _warmup(Span.of(warmup, "warmup")) >> constant() >> one_minus_sqrt(end=end, over=Span.of(cooldown, "cooldown"))
    )


@maker
def trapezoid(*, warmup: Span | str, cooldown: Span | str, end: Level = 0.0) -> Schedule:
    """Warmup, hold, then a straight cooldown over the last `cooldown` of the run.

    (t + 1)/W for 0 ≤ t < W; 1 for W ≤ t < N − C; 1 + (end − 1)·(t − N + C)/C for N − C ≤ t < N.

    Picture::

        trapezoid(warmup="10%", cooldown="20%")       ▁▂▄▆▇██████████████████████████████████▇▆▆▅▄▃▂▁▁

    Args:
        warmup: length W, with a unit.
        cooldown: length C, with a unit.
        end: level at the end: a factor ≥ 0, or `absolute(value)`.

    Returns:
        A Schedule, the composition of warmup, constant and linear.

    Raises:
        ScheduleError: for a length without a unit or a level out of range.

    Example:
        >>> import rheostat as rh
        >>> rh.trapezoid(warmup="5%", cooldown="20%")
        warmup('5%') >> constant() >> linear(over='20%')

    Source: Zhai et al. 2022, Scaling Vision Transformers (arXiv 2106.04560), section 3.5; Hägele et al. 2024.
    PyTorch has no such class.
    """
    rise = _warmup(Span.of(warmup, "warmup"))
    return rise >> constant() >> linear(end=end, over=Span.of(cooldown, "cooldown"))


@maker
def one_cycle(
    *,
    warmup: Span | str = "30%",
    start: Level = 0.04,
    end: Level = 4e-6,
    shape: str = "cosine",
    three_phase: bool = False,
) -> Schedule:
    """Rise from `start` to the peak (the base value), then fall to `end`; with three phases first back to `start`.

    Two phases: start → 1 over `warmup`, 1 → end over the rest. Three: start → 1 and 1 → start over `warmup` each,
    then start → end over the rest. Each along half a cosine or a straight line. The peak always falls on an update.

    Picture::

        one_cycle()                                   ▁▁▁▂▂▃▄▅▅▆▇███████████▇▇▇▇▆▆▅▅▅▄▄▄▃▃▃▂▂▂▁▁▁▁▁▁▁▁

    Args:
        warmup: length of the rise, with a unit.
        start: level at t = 0: a factor in [0, 1], or `absolute(value)`.
        end: level at the end, likewise.
        shape: "cosine" or "linear".
        three_phase: whether to come back down as one went up, before the final fall.

    Returns:
        A Schedule, a composition of cosine or linear.

    Raises:
        ScheduleError: for a length without a unit, a level out of range, or an unknown shape.

    Example:
        >>> import rheostat as rh
        >>> rh.one_cycle(warmup="30%")
        cosine(end=1.0, start=0.04, over='30%') >> cosine(end=4e-06)

    Source: Smith & Topin 2018, Super-Convergence (arXiv 1708.07120); the two-phase cosine form from fastai. PyTorch's
    OneCycleLR(max_lr=base, total_steps=N, pct_start=P, div_factor=25, final_div_factor=1e4) counts N − 1 intervals:
    it equals this with warmup of P·N − 1 steps and over a run of N − 1.
    """
    phase = _phase(shape)
    start, end = _fraction("start", start), _fraction("end", end)
    rise = phase(start=start, end=1.0, over=Span.of(warmup, "warmup"))
    if not flag("three_phase", three_phase):
        return rise >> phase(end=end)
    return rise >> phase(end=start, over=Span.of(warmup, "warmup")) >> phase(start=start, end=end)


@maker
def one_cycle_momentum(
    *, warmup: Span | str = "30%", low: Level = 0.85 / 0.95, shape: str = "cosine", three_phase: bool = False
) -> Schedule:
    """The other half of `one_cycle`: momentum falls to `low` while the learning rate rises, and comes back.

    Two phases: 1 → low over `warmup`, low → 1 over the rest. Three: 1 → low and low → 1 over `warmup` each, then 1.

    Picture::

        one_cycle_momentum(low=0.5)                   █████▇▇▇▆▆▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▆▆▆▆▆▇▇▇▇▇▇███████████

    Args:
        warmup: length of the fall, with a unit; as the learning rate's.
        low: lowest level: a factor in [0, 1] of the group's momentum (or betas[0]), or `absolute(value)`.
        shape: "cosine" or "linear".
        three_phase: as the learning rate's.

    Returns:
        A Schedule, a composition of cosine or linear, for the key "momentum" or "betas[0]".

    Raises:
        ScheduleError: for a length without a unit, a level out of range, or an unknown shape.

    Example:
        >>> import rheostat as rh
        >>> schedules = {"lr": rh.one_cycle(), "momentum": rh.one_cycle_momentum(low=rh.absolute(0.85))}

    Source: Smith 2018, A disciplined approach (arXiv 1803.09820), section 4.3. PyTorch's OneCycleLR(max_momentum=base,
    base_momentum=low·base), with the same note on its count as at `one_cycle`.
    """
    phase = _phase(shape)
    low = _fraction("low", low)
    fall = phase(end=low, over=Span.of(warmup, "warmup"))
    if not flag("three_phase", three_phase):
        return fall >> phase(start=low, end=1.0)
    return fall >> phase(start=low, end=1.0, over=Span.of(warmup, "warmup")) >> constant()


def _phase(shape: str) -> Callable[..., Schedule]:
    shapes: dict[str, Callable[..., Schedule]] = {"cosine": cosine, "linear": linear}
    return shapes[choice("shape", shape, tuple(shapes))]


def _fraction(name: str, value: Level) -> Level:
    checked = level(name, value)
    if not isinstance(checked, Absolute) and checked > 1:
        raise refuse(name, value, need="a factor in [0, 1], or absolute(...)", mend=f"{name}=0.04")
    return checked
