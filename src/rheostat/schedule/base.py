"""What every schedule is: an immutable value. What one shape is, and its text."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rheostat.errors import ScheduleError, brief, refuse
from rheostat.schedule.levels import Absolute, Level
from rheostat.schedule.place import Bound, FloatArray, Formula, Place, divided
from rheostat.schedule.span import Span

if TYPE_CHECKING:
    from rheostat.schedule.curve import Curve
    from rheostat.schedule.run import Axis, Run

__all__ = ["MAKERS", "Bound", "FloatArray", "Formula", "Place", "Schedule", "Shape", "divided", "maker", "walk"]

MAKERS: dict[str, Callable[..., Any]] = {}
"""Every name that the notation knows, and what it calls."""

_DEEPEST = 64
_MOST_PARTS = 1000
_Make = TypeVar("_Make", bound=Callable[..., Any])


def maker(make: _Make) -> _Make:
    """Register a function under its own name, so that text can call it."""
    MAKERS[make.__name__] = make
    return make


@dataclass(frozen=True, slots=True, repr=False)
class Schedule:
    """An immutable, pure function from how far training is to a factor of the base value.

    Made by the lower-case makers (`rh.cosine(...)`, `rh.warmup(...)`), combined by `>>` and `*`, and bound to a run
    by `over`. Comparable and hashable; its repr is the text that makes it.
    """

    name: ClassVar[str] = ""
    binds: ClassVar[int] = 9  # how tightly the text of this schedule holds together: 1 for >>, 2 for *, 9 for a call

    @property
    def inside(self) -> tuple[Schedule, ...]:
        """The schedules that it is made of."""
        return ()

    @property
    def takes_rest(self) -> bool:
        """Whether it has no length of its own, and takes what is left of the run."""
        return any(part.takes_rest for part in self.inside)

    @property
    def needs_base(self) -> bool:
        """Whether it holds an absolute level, which only a base value turns into a factor."""
        return any(_holds_absolute(getattr(self, f.name)) for f in fields(self))

    @property
    def depth(self) -> int:
        """How deeply schedules are nested in it."""
        return 1 + max((part.depth for part in self.inside), default=0)

    def length(self, place: Place) -> Fraction | None:
        """Its own length on the axis of `place`, exact; None where it takes the rest."""
        raise NotImplementedError

    def bind(self, place: Place) -> Bound:
        """Resolve units and levels; `place.length` is the length it really has there."""
        raise NotImplementedError

    def over(self, run: Run, base: float | None = None, *, axis: Axis | None = None) -> Curve:
        """The curve of this schedule over a run: units resolved, everything checked.

        Args:
            run: how long training is.
            base: the base value that factors multiply (> 0, or 0 for a frozen group); without it the curve gives
                factors. Schedules with `absolute(...)` levels need it.
            axis: "updates" (default), "epochs" (one position per epoch) or "seconds" (default for `Run(time=...)`).

        Returns:
            A `Curve`.

        Raises:
            ScheduleError: if a unit cannot be converted, a part has no room, or a level needs a base value.

        Example:
            >>> import rheostat as rh
            >>> rh.linear().over(rh.Run(steps=4)).values()
            array([1.  , 0.75, 0.5 , 0.25])
        """
        from rheostat.schedule.curve import Curve
        from rheostat.schedule.run import Run

        if not isinstance(run, Run):
            raise refuse("run", run, need="a Run", mend="rh.Run(steps=1000)")
        return Curve(self, run, base, run.axis if axis is None else axis)

    def __rshift__(self, other: Schedule) -> Schedule:
        """This schedule, then `other`, which starts where this one's length ends."""
        from rheostat.schedule.combine import sequence

        return sequence(self, _operand(">>", other))

    def __mul__(self, other: Schedule) -> Schedule:
        """The exact product of two schedules, each on its own clock."""
        from rheostat.schedule.combine import product

        return product(self, _operand("*", other))

    __rmul__ = __mul__

    def __rrshift__(self, other: object) -> Schedule:
        return _operand(">>", other) >> self

    def clip(self, min: Level | None = None, max: Level | None = None) -> Schedule:  # noqa: A002 - NumPy's names
        """This schedule, kept within [min, max] (factors ≥ 0, or `absolute(...)`)."""
        from rheostat.schedule.wrap import clipped

        return clipped(self, min, max)

    def scale(self, k: float) -> Schedule:
        """This schedule times a constant factor k ≥ 0."""
        from rheostat.schedule.wrap import scaled

        return scaled(self, k)

    def repeat(self, n: int) -> Schedule:
        """This schedule n times, one after the other; without a length of its own each takes 1/n of the rest."""
        from rheostat.schedule.wrap import repeated

        return repeated(self, n)

    def rebase(self, at: Span | str, factor: float) -> Schedule:
        """This schedule from `at` on, begun at `factor` there without a jump, and ending where this one ends.

        If what lies ahead of `at` only falls, its distance from the end value is stretched to begin at `factor`:
        e + (s(t) − e)·(factor − e)/(s(at) − e), with e the value at the end (a straight line where s is flat). If it
        still rises, as in a warmup, the difference factor − s(at) fades out in a straight line until s is highest.
        Neither goes above `factor` and all that is ahead, nor below both. Without a known end: s(t)·factor/s(at).

        Args:
            at: where, counted from where this schedule begins.
            factor: the factor in force there (≥ 0).

        Returns:
            A Schedule, which takes the rest of the run. `Scheduler.extend` and resuming with on_change="rebase" use it;
            before `at` it is this one.

        Example:
            >>> import rheostat as rh
            >>> rh.linear().rebase("2 steps", 0.2).over(rh.Run(steps=4)).values()
            array([1.  , 0.75, 0.2 , 0.1 ])
        """
        from rheostat.schedule.rebase import rebased

        return rebased(self, at, factor)

    def __repr__(self) -> str:
        return _call_text(self)

    def text(self, binds: int) -> str:
        """Its text as an operand of something that binds so tightly."""
        return repr(self) if self.binds > binds else f"({self!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Shape(Schedule):
    """A schedule that is one formula. Final: a new shape is a new class; to change one thing about a shape, wrap it."""

    needs_length: ClassVar[bool] = False

    @property
    def takes_rest(self) -> bool:
        return self._own() is None

    def length(self, place: Place) -> Fraction | None:
        own = self._own()
        return None if own is None else place.run.convert(own, place.axis, f"{self.name}(over)")

    def bind(self, place: Place) -> Bound:
        if place.length is None and self.needs_length:
            mend = f"{self.name}(..., over='10000 steps'), or a Run with steps, epochs, samples, tokens or time"
            raise refuse("run", place.run, need=f"a known length, for {self!r} to end", mend=mend)
        formula = self.formula(place)
        return Bound(self, place.begin, place.length, lambda t, _: formula(t))

    def formula(self, place: Place) -> Formula:
        """The vectorised formula on local positions in [0, place.length]."""
        raise NotImplementedError

    def _own(self) -> Span | None:
        span: Span | None = getattr(self, "span", None)
        return span


def _operand(symbol: str, other: object) -> Schedule:
    if isinstance(other, Schedule):
        return other
    if isinstance(other, str):
        mend = "rh.parse(...) on the text"
    elif isinstance(other, Real):
        mend = f".scale({other})" if symbol == "*" else f"constant({other}, over='10 epochs')"
    else:
        mend = "a maker, such as cosine()"
    raise ScheduleError(f"{symbol} {brief(other)}: need a schedule on both sides of {symbol}. Try {mend}.")


def _holds_absolute(value: object) -> bool:
    if isinstance(value, tuple):
        return any(_holds_absolute(v) for v in value)
    return value.needs_base if isinstance(value, Schedule) else isinstance(value, Absolute)


def _call_text(schedule: Schedule) -> str:
    """The call that makes a shape: arguments that have their default are left out."""
    parameters = inspect.signature(MAKERS[schedule.name]).parameters
    given = []
    for f in fields(schedule):
        value = getattr(schedule, f.name)
        if f.default is not MISSING and value == f.default:
            continue
        name = "over" if f.name == "span" else f.name  # a field of that name would hide the method
        positional = parameters[name].kind is not inspect.Parameter.KEYWORD_ONLY
        given.append(value_text(value) if positional else f"{name}={value_text(value)}")
    return f"{schedule.name}({', '.join(given)})"


def value_text(value: object) -> str:
    """An argument in the notation."""
    if isinstance(value, Span):
        return repr(str(value))
    if isinstance(value, tuple):
        parts = ", ".join(value_text(v) for v in value)
        return f"[{parts}]" if all(isinstance(v, (Span, tuple)) and v for v in value) else f"({parts})"
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"
    return repr(value)


def walk(schedule: Schedule) -> list[Schedule]:
    """A schedule and everything it is made of."""
    return [schedule, *(s for part in schedule.inside for s in walk(part))]


def checked(schedule: Schedule) -> Schedule:
    """The schedule, if it is neither too long nor so deep that printing and comparing would fail."""
    depth, parts = schedule.depth, schedule.inside
    if depth > _DEEPEST:
        need = f"need at most {_DEEPEST}. Try a sequence with >> instead."
        raise ScheduleError(f"schedules are nested {depth} deep: {need}")
    if len(parts) > _MOST_PARTS:
        raise ScheduleError(f"{brief(parts[0])} …: need at most {_MOST_PARTS} parts. Try piecewise([...]).")
    return schedule
