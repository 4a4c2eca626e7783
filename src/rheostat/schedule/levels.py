"""The plain numbers a schedule is made of: factors, absolute values and counts, checked where they are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

from rheostat.errors import nearest, refuse

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
    real = isinstance(value, Real) and not isinstance(value, bool)
    # The largest number of all is named only to who exceeds it.
    high = "" if most == _MOST and not (real and most < value < math.inf) else f" and ≤ {plain(most)}"
    need = f"a finite number {low}{high}{also}"
    if not real:
        raise refuse(name, value, need=need, mend=_unquoted(name, value))
    # Compared before it is converted: a huge int has no float. A NaN compares as false.
    if not least <= value <= most or (above is not None and value <= above):
        raise refuse(name, value, need=need, mend=f"{name}={-float(value):g}" if -most <= value < 0 else None)
    if isinstance(value, Integral):
        return int(value)
    near = float(value) + 0.0  # + 0.0 turns -0.0 into 0.0
    if above is not None and near <= above:
        raise refuse(name, value, need=need)
    return near


def count(name: str, value: int, *, least: int = 0, most: int = 10**9) -> int:
    """A whole number in [least, most]."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value <= most:
        high = f" and ≤ {plain(most)}" if isinstance(value, Real) and value > most else ""
        raise refuse(name, value, need=f"a whole number ≥ {least}{high}", mend=f"{name}={max(least, 3)}")
    return int(value)


def plain(number: float) -> str:
    """A number of an error's text: 1e9 and not 1e+09."""
    return f"{number:g}".replace("e+0", "e").replace("e+", "e")


def choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in allowed:
        close = nearest(value.lower(), allowed) if isinstance(value, str) else None
        mend = f"{name}={close!r}" if close else None
        raise refuse(name, value, need=f"one of {', '.join(map(repr, allowed))}", mend=mend)
    return str(value)


def flag(name: str, value: bool) -> bool:
    """True or False, and not what merely counts as one of them: "no" would be true."""
    if not isinstance(value, bool):
        raise refuse(name, value, need="True or False")
    return value


def _unquoted(name: str, value: object) -> str | None:
    """The number that a text or another kind of number holds, as it should be written."""
    if isinstance(value, bool) or (not hasattr(value, "__float__") and not isinstance(value, str)):
        return None
    text = value.strip() if isinstance(value, str) else ""
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1) if text else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 <= number <= _MOST:
        return None
    return f"{name}={number:g}{' without quotes' if text else ''}"
