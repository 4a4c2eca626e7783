"""The plain numbers a schedule is made of: factors, absolute values and counts, checked where they are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

from rheostat.errors import refuse

_MOST = 1e9


@dataclass(frozen=True, slots=True)
class Absolute:
    """A value rather than a factor; divided by the base value when the schedule is bound."""

    value: float

    def __repr__(self) -> str:
        return f"absolute({self.value!r})"


Level = float | Absolute


def absolute(value: float) -> Absolute:
    """A level given as a value (such as a smallest learning rate) and not as a factor of the base value.

    Args:
        value: the value itself, in the units of the scheduled key; finite, ≥ 0.

    Returns:
        What every `start`, `end`, `low`, `min` and `max` of a schedule accepts in place of a factor.

    Raises:
        ScheduleError: if `value` is not a finite number ≥ 0.

    Example:
        >>> import rheostat as rh
        >>> rh.cosine(end=rh.absolute(1e-6)).over(rh.Run(steps=100), base=1e-3).at(100)
        1e-06
    """
    return Absolute(number("value", value))


def level(name: str, value: Level) -> Level:
    """A factor ≥ 0, or an absolute value."""
    return value if isinstance(value, Absolute) else number(name, value, also=" or absolute(...)")


def number(
    name: str, value: float, *, above: float | None = None, least: float = 0.0, most: float = _MOST, also: str = ""
) -> float:
    """A finite number in [least, most], or above `above`; whole numbers stay whole."""
    low = f"above {above:g}" if above is not None else f"≥ {least:g}"
    high = "" if most == _MOST else f" and ≤ {most:g}"
    need = f"a finite number {low}{high}{also}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise refuse(name, value, need=need, mend=_unquoted(name, value))
    if not math.isfinite(value) or not least <= value <= most or (above is not None and value <= above):
        raise refuse(name, value, need=need, mend=f"{name}={-value:g}" if -_MOST < value < 0 else None)
    return int(value) if isinstance(value, Integral) else float(value) + 0.0  # + 0.0 turns -0.0 into 0.0


def count(name: str, value: int, *, least: int = 0, most: int = 10**9) -> int:
    """A whole number in [least, most]."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value <= most:
        raise refuse(name, value, need=f"a whole number ≥ {least}", mend=f"{name}={max(least, 3)}")
    return int(value)


def choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """One of a few words."""
    if value not in allowed:
        raise refuse(name, value, need=f"one of {', '.join(map(repr, allowed))}")
    return value


def _unquoted(name: str, value: object) -> str | None:
    try:
        return f"{name}={float(value):g} without quotes"  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
