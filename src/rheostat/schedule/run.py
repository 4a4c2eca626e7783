"""How long training is, and the rates that convert one unit of length into another."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np

from rheostat.errors import ScheduleError, refuse
from rheostat.schedule.span import SECONDS, Span

Axis = Literal["updates", "epochs", "seconds"]

_LONGEST_TEXT = 400
_MOST = 10**15  # updates; beyond 2**53 a float64 position could not be exact
_HORIZONS = ("steps", "epochs", "samples", "tokens", "time")
_RATES = {"epochs": "steps_per_epoch", "samples": "samples_per_step", "tokens": "tokens_per_step"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """How long training is: one horizon, and what one update or epoch holds.

    Args:
        steps: number of optimizer updates (integer ≥ 1).
        epochs: number of epochs (> 0); needs `steps_per_epoch`, unless the Scheduler's clock is "epochs".
        samples: number of training samples (> 0); needs `samples_per_step`.
        tokens: number of training tokens (> 0); needs `tokens_per_step`.
        time: wall-clock budget, such as "30 min" or "8 h".
        steps_per_epoch: optimizer updates in one epoch (integer ≥ 1): with gradient accumulation over k batches,
            ceil(batches / k).
        samples_per_step: samples that one update consumes, over all processes and accumulated batches (> 0).
        tokens_per_step: tokens that one update consumes, likewise (> 0).
        seconds_per_step: how long one update takes (> 0), where steps and wall-clock time are mixed.

    At most one of the first five is given; none of them means that the length is unknown, which only schedules
    accept that do not depend on it. A fractional number of updates is rounded up for samples and tokens and to
    the nearest for epochs.

    Raises:
        ScheduleError: for a value out of range, two horizons, or a horizon that lacks its rate.

    Example:
        >>> Run(epochs=90, steps_per_epoch=391).updates
        35190
    """

    steps: int | None = None
    epochs: float | None = None
    samples: float | None = None
    tokens: float | None = None
    time: Span | str | None = None
    steps_per_epoch: int | None = None
    samples_per_step: float | None = None
    tokens_per_step: float | None = None
    seconds_per_step: float | None = None

    def __post_init__(self) -> None:
        given = [name for name in _HORIZONS if getattr(self, name) is not None]
        if len(given) > 1:
            both = ", ".join(f"{name}={getattr(self, name)!r}" for name in given)
            raise ScheduleError(f"Run({both}): need one horizon. Try only {given[0]}=, and the rates that convert.")
        for name in ("steps", "steps_per_epoch"):
            _set(self, name, _count(name, getattr(self, name)))
        for name in ("epochs", "samples", "tokens", "samples_per_step", "tokens_per_step", "seconds_per_step"):
            _set(self, name, _positive(name, getattr(self, name)))
        if self.time is not None:
            _set(self, "time", _time(self.time))
        for name in ("samples", "tokens"):
            if getattr(self, name) is not None and getattr(self, _RATES[name]) is None:
                rate = _RATES[name]
                raise refuse(rate, None, need=f"what one update consumes, because {name} is given", mend=f"{rate}=256")
        if self.updates is not None and not 1 <= self.updates <= _MOST:
            need, mend = ("at least one update", "a longer run") if self.updates < 1 else ("at most 1e15 updates", None)
            raise refuse(given[0], getattr(self, given[0]), need=need, mend=mend)

    @property
    def axis(self) -> Axis:
        """What positions are counted in: "updates", or "seconds" for a wall-clock run."""
        return "seconds" if self.time is not None else "updates"

    @property
    def updates(self) -> int | None:
        """Number of optimizer updates in the run; None where it is unknown or a matter of time."""
        if self.steps is not None:
            return self.steps
        if self.epochs is not None and self.steps_per_epoch is not None:
            return math.floor(_exact(self.epochs) * self.steps_per_epoch + Fraction(1, 2))
        for name in ("samples", "tokens"):
            amount, rate = getattr(self, name), getattr(self, _RATES[name])
            if amount is not None:
                return math.ceil(_exact(amount) / _exact(rate))
        return None

    def horizon(self, axis: Axis) -> Fraction | None:
        """Length of the run on an axis, exact; None where it is unknown."""
        if axis == "seconds" and isinstance(self.time, Span):
            return self.time.exact * SECONDS[self.time.unit]
        if axis == "epochs" and self.epochs is not None:
            return Fraction(math.ceil(_exact(self.epochs)))
        if axis != "updates":
            if self.updates is None:
                return None
            try:
                length = self.updates / self._per(axis)
            except _Missing as missing:
                rate = missing.args[0]
                need = f"{rate}, to count a run of {self.updates} updates in {axis}"
                raise refuse("run", self, need=need, mend=f"Run(..., {rate}=...)") from None
            return length if axis == "seconds" else Fraction(math.ceil(length))
        if self.epochs is not None and self.steps_per_epoch is None:
            raise refuse(
                "steps_per_epoch",
                None,
                need="the number of updates in an epoch, because the run's length is given in epochs",
                mend="Run(epochs=..., steps_per_epoch=len(loader)), or clock='epochs' to step once an epoch",
            )
        return None if self.updates is None else Fraction(self.updates)

    def convert(self, span: Span, axis: Axis, name: str) -> Fraction:
        """The length of `span` on an axis, exact; `name` is the argument's name in error messages."""
        if span.unit == "%":
            whole = self.horizon(axis)
            if whole is None:
                raise refuse(name, str(span), need="a run of known length", mend="Run(steps=...) or an absolute length")
            return whole * span.exact / 100
        if axis == "seconds" and span.unit in SECONDS:
            return span.exact * SECONDS[span.unit]
        if axis == span.unit:
            return span.exact
        try:
            return span.exact * self._per(span.unit) / self._per(axis)
        except _Missing as missing:
            rate = missing.args[0]
            need = f"{rate} in the Run, to convert {span.unit} into {axis}"
            raise refuse(name, str(span), need=need, mend=f"Run(..., {rate}=...)") from None

    def rest(self, done: int) -> Run:
        """The run that is left after `done` updates, with the same rates."""
        if self.updates is None or self.axis == "seconds":
            return self
        return replace(self, steps=max(1, self.updates - done), epochs=None, samples=None, tokens=None)

    def _per(self, unit: str) -> Fraction:
        """Updates in one `unit`."""
        if unit in ("steps", "updates"):
            return Fraction(1)
        if unit == "epochs":
            return self._rate("steps_per_epoch")
        if unit in ("samples", "tokens"):
            return 1 / self._rate(_RATES[unit])
        return SECONDS.get(unit, 1) / self._rate("seconds_per_step")

    def _rate(self, name: str) -> Fraction:
        value = getattr(self, name)
        if value is None:
            raise _Missing(name)
        return _exact(value)

    def __repr__(self) -> str:
        given = ((f.name, getattr(self, f.name)) for f in fields(self))
        shown = ((name, str(value) if isinstance(value, Span) else value) for name, value in given)
        return f"Run({', '.join(f'{name}={value!r}' for name, value in shown if value is not None)})"


class _Missing(Exception):
    """A rate that a conversion needs is not given; its name is the argument."""


def _set(run: Run, name: str, value: object) -> None:
    object.__setattr__(run, name, value)


def _exact(value: float) -> Fraction:
    return Fraction(repr(value))


def _count(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        raise refuse(name, value, need="a whole number ≥ 1, without a unit", mend=f"{name}=1000")
    whole = isinstance(value, Integral) or (isinstance(value, (float, np.floating)) and float(value).is_integer())
    if isinstance(value, bool) or not whole or not 1 <= int(value) <= _MOST:
        high = " and ≤ 1e15" if whole and int(value) > _MOST else ""
        raise refuse(name, value, need=f"a whole number ≥ 1{high}", mend=f"{name}=1000")
    return int(value)


def _positive(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise refuse(name, value, need="a number above 0, without a unit", mend=f"{name}=90")
    number: Any = value
    if not 0 < number <= 1e18:  # as a NaN is not
        high = " and ≤ 1e18" if 0 < number < math.inf else ""
        raise refuse(name, value, need=f"a finite number above 0{high}", mend=f"{name}=90")
    return int(value) if isinstance(value, Integral) else float(value)


def _time(value: Span | str) -> Span:
    if isinstance(value, Real) and not isinstance(value, bool):
        raise refuse("time", value, need="a wall-clock length with its unit", mend=f"time='{value} min' or '{value} h'")
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        value = value.strip()
        raise refuse("time", value, need="a wall-clock length with its unit", mend=f"time='{value} min' or '{value} h'")
    span = Span.of(value, "time")
    if span.unit not in SECONDS:
        raise refuse("time", str(span), need="a wall-clock length in s, min or h", mend="time='30 min'")
    return span


def parse_run(text: str) -> Run:
    """The Run that a text describes: the same text that its repr gives. Nothing in it is evaluated.

    Raises:
        ScheduleError: if it is anything but Run(name=number or quoted time, ...).
    """
    bad = refuse("run", text, need="the text of a Run", mend="'Run(steps=1000)'")
    if len(text) > _LONGEST_TEXT:
        raise bad
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise bad from None
    known = {f.name for f in fields(Run)}
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "Run" or call.args:
        raise bad
    given: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg not in known or keyword.arg in given or not isinstance(keyword.value, ast.Constant):
            raise bad
        given[str(keyword.arg)] = keyword.value.value
    return Run(**given)
