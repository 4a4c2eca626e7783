"""Metric-driven factors: pure functions of an explicit state. The Scheduler holds the state; the rule sees numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from rheostat.errors import refuse
from rheostat.schedule.base import Bound, Place, Schedule, Shape, maker
from rheostat.schedule.levels import choice, count, flag, number
from rheostat.schedule.span import Span


@dataclass(frozen=True, slots=True)
class PlateauState:
    """What a plateau remembers: the best metric so far, reports since then, reports to ignore, and cuts made."""

    best: float | None = None
    bad: int = 0
    resting: int = 0
    cuts: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Plateau(Shape):
    name: ClassVar[str] = "plateau"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    relative: bool = True
    mode: str = "min"
    cooldown: int = 0
    floor: float = 0.0
    span: Span | None = None

    def bind(self, place: Place) -> Bound:
        index = len(place.controls)
        place.controls.append(Control(self, place.begin, place.length))
        return Bound(self, place.begin, place.length, lambda t, signals: np.full_like(t, signals[index]))

    def start(self) -> PlateauState:
        """The state before the first report."""
        return PlateauState()

    def update(self, state: PlateauState, metric: float) -> PlateauState:
        """The state after one more report; a metric that is not finite is no evidence and changes nothing."""
        metric = float(metric)  # a NumPy scalar or a tensor is not to be kept in the state
        if not math.isfinite(metric):
            return state
        if state.best is None or self._better(metric, state.best):
            return replace(state, best=metric, bad=0, resting=max(0, state.resting - 1))
        if state.resting:
            return replace(state, bad=0, resting=state.resting - 1)
        if state.bad < self.patience:
            return replace(state, bad=state.bad + 1)
        return replace(state, bad=0, resting=self.cooldown, cuts=state.cuts + 1)

    def factor_of(self, state: PlateauState) -> float:
        """The factor in force: `factor` to the power of the cuts made, not below `floor`."""
        return max(float(self.factor) ** state.cuts, float(self.floor))

    def _better(self, metric: float, best: float) -> bool:
        margin = self.threshold * abs(best) if self.relative else self.threshold
        return metric < best - margin if self.mode == "min" else metric > best + margin


@dataclass(frozen=True, slots=True)
class Control:
    """A metric-driven rule at its place in a curve; reports outside [begin, begin + length) do not reach it."""

    rule: Plateau
    begin: float
    length: float | None

    def listens(self, t: float) -> bool:
        """Whether a report after `t` updates reaches the rule."""
        return t >= self.begin and (self.length is None or t <= self.begin + self.length)


@maker
def plateau(
    *,
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    relative: bool = True,
    mode: str = "min",
    cooldown: int = 0,
    floor: float = 0.0,
    over: Span | str | None = None,
) -> Schedule:
    """Hold 1, and cut by `factor` each time a reported metric has stopped improving.

    After c cuts the factor is max(factorᶜ, floor). A report is better if it beats the best by more than the margin
    (threshold·|best| if relative, else threshold); after more than `patience` reports in a row that are not better,
    a cut is made, and the next `cooldown` reports cannot count against it. NaN and ±inf are ignored. Report with
    `scheduler.report(metric)` or `scheduler.step(metric)`; like any schedule it combines: `cosine() * plateau()`.

    Picture::

        plateau(factor=0.5), cut after a third and after two thirds
        ████████████████▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂

    Args:
        factor: what a cut multiplies by, in (0, 1).
        patience: how many reports without improvement are tolerated (a count of reports, ≥ 0).
        threshold: how much better counts as better, ≥ 0.
        relative: whether the threshold is relative to |best| or absolute.
        mode: "min" if smaller is better, "max" if larger is.
        cooldown: reports after a cut during which nothing counts against it (≥ 0).
        floor: the smallest factor, in [0, 1].
        over: length; the rest of the run by default.

    Returns:
        A Schedule.

    Raises:
        ScheduleError: for an argument out of range.

    Example:
        >>> import rheostat as rh
        >>> rh.warmup("2 epochs") >> rh.cosine() * rh.plateau(patience=5)
        warmup('2 epochs') >> cosine() * plateau(patience=5)

    Source: He et al. 2016 (arXiv 1512.03385), section 3.4, which cuts by 10 "when the error plateaus". Equals PyTorch's
    ReduceLROnPlateau(mode, factor, patience, threshold, threshold_mode="rel" | "abs", cooldown, min_lr,
    eps=0), but for metrics that are negative or not finite, which PyTorch 2.13 misjudges; min_lr is floor · base.
    """
    checked = number("factor", factor, above=0.0, most=1.0)
    if checked == 1:
        raise refuse("factor", factor, need="a number above 0 and below 1", mend="factor=0.1")
    return Plateau(
        factor=checked,
        patience=count("patience", patience),
        threshold=number("threshold", threshold),
        relative=flag("relative", relative),
        mode=choice("mode", mode, ("min", "max")),
        cooldown=count("cooldown", cooldown),
        floor=number("floor", floor, most=1.0),
        span=Span.or_rest(over),
    )
