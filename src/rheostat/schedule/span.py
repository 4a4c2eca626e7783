"""Lengths of training: a number with its unit. Pure; exact rational arithmetic."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from numbers import Rational, Real
from typing import Any

from rheostat.errors import ScheduleError, nearest, refuse

UNITS = ("steps", "epochs", "samples", "tokens", "%", "s", "min", "h")
SECONDS = {"s": 1, "min": 60, "h": 3600}

_ALIASES = {
    **{unit: unit for unit in UNITS},
    **dict.fromkeys(("step", "update", "updates"), "steps"),
    "epoch": "epochs",
    "sample": "samples",
    "token": "tokens",
    "percent": "%",
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
}
_MEANT = {
    **dict.fromkeys(("iteration", "iterations", "iters", "iter", "it", "its", "batch", "batches"), "steps"),
    **dict.fromkeys(("example", "examples", "image", "images", "sequences"), "samples"),
    "m": "min",
    "pct": "%",
    "ep": "epochs",
}
_TEXT = re.compile(r"\s*([+-]?[0-9_]*\.?[0-9_]+(?:[eE][+-]?[0-9]{1,3})?)\s*(%|[A-Za-z]+)\s*", re.ASCII)
_LONGEST = 10**15  # beyond 2**53 a float64 position could not be exact; nobody trains that long
_SHORTEST = Fraction(1, 10**15)
_LONGEST_TEXT = 64


@dataclass(frozen=True, slots=True)
class Span:
    """A length of training, or a place in it: an amount with a unit.

    Args:
        amount: a finite number ≥ 0 (at most 1e15).
        unit: one of "steps" (optimizer updates), "epochs", "samples", "tokens", "%" (of the run),
            "s", "min", "h" (wall clock); the singular forms and "updates", "seconds", "minutes", "hours" are
            understood too.

    Raises:
        ScheduleError: for any other amount or unit.

    Example:
        >>> Span(3, "epochs")
        Span(3, 'epochs')
        >>> str(Span(3, "epochs")), Span.of("20%") == Span(20, "%")
        ('3 epochs', True)
    """

    amount: Fraction | float
    unit: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", _amount(self.amount))
        object.__setattr__(self, "unit", _unit(self.unit))

    @property
    def exact(self) -> Fraction:
        """The amount as an exact fraction: 0.1 is one tenth, as written, and not the nearest binary number."""
        return Fraction(self.amount)

    @staticmethod
    def of(value: Span | str, name: str = "span", *, zero: bool = False) -> Span:
        """Read a Span from a Span or its text; `name` is the argument's name in error messages."""
        span = value if isinstance(value, Span) else _read(value, name)
        if not zero and not span.amount:
            raise refuse(name, str(span), need="a length above 0", mend=f"'1{str(span)[1:]}', or leave this part out")
        return span

    @staticmethod
    def or_rest(over: Span | str | None) -> Span | None:
        """Read the argument `over` of a shape: a Span or its text, or None for the rest of the run."""
        return None if over is None else Span.of(over, "over")

    def __str__(self) -> str:
        return f"{_plain(self.exact)}{'' if self.unit == '%' else ' '}{self.unit}"

    def __repr__(self) -> str:
        return f"Span({_plain(self.exact)}, {self.unit!r})"


def _read(value: object, name: str) -> Span:
    if isinstance(value, str):
        return _parse(value, name)
    if isinstance(value, Real) and not isinstance(value, bool):
        length = value if value < math.inf and not value <= 0 else 500  # what is advised must not be refused in turn
        raise refuse(name, value, need="a length with a unit", mend=f"'{length} steps' or '{length} epochs'")
    raise refuse(name, value, need="a length with a unit, as text or a Span", mend="'500 steps' or '3 epochs'")


@lru_cache(maxsize=1024)
def _parse(text: str, name: str) -> Span:
    match = _TEXT.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise refuse(name, text, need="a number ≥ 0 with a unit", mend=_mend(text))
    number, unit = match.groups()
    if unit not in _ALIASES:
        close = _likely(unit)
        mend = f"'{number} {close}'".replace(" %", "%") if close else None
        raise refuse(name, text, need=f"a unit among {', '.join(UNITS)}", mend=mend)
    try:
        amount = Fraction(number)
    except ValueError:  # underscores where Python has none
        raise refuse(name, text, need="a number ≥ 0 with a unit", mend=_mend(text)) from None
    if amount < 0:
        raise refuse(name, text, need="a number ≥ 0 with a unit", mend=f"'{text.strip().lstrip('-')}'")
    try:
        return Span(amount, unit)
    except ScheduleError as error:
        raise ScheduleError(f"{name}={text!r}: {str(error).partition(': ')[2]}") from None


def _mend(text: str) -> str:
    bare = text.strip()
    if re.fullmatch(r"[0-9.]{1,15}", bare):
        return f"'{bare} steps' or '{bare} epochs'"
    if fraction := re.fullmatch(r"([0-9]{1,9})/([1-9][0-9]{0,8})\s*(%|[A-Za-z]+)", bare):
        return f"a decimal, such as '{int(fraction[1]) / int(fraction[2]):.6g} {fraction[3]}'"
    return "'500 steps', '3 epochs', '20%', '2e6 samples', '1.5e9 tokens' or '30 min'"


def _amount(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise refuse("amount", value, need="a number ≥ 0")
    number: Any = value
    if not 0 <= number <= _LONGEST:  # as a NaN is not
        raise refuse(
            "amount", value, need=f"a finite number ≥ 0{' and ≤ 1e15' if _LONGEST < number < math.inf else ''}"
        )
    if isinstance(number, Rational):
        exact = Fraction(int(number.numerator), int(number.denominator))
    else:
        # Its text, not its binary value: whoever computes 0.1 means one tenth, and '0.1 epochs' must equal it.
        exact = Fraction(str(number))
    if exact and exact < _SHORTEST:
        raise refuse("amount", value, need="0, or a number ≥ 1e-15")
    _plain(exact)
    return exact


def _unit(value: object) -> str:
    if isinstance(value, str):
        if value in _ALIASES:
            return _ALIASES[value]
        close = _likely(value)
        raise refuse("unit", value, need=f"one of {', '.join(UNITS)}", mend=repr(close) if close else None)
    raise refuse("unit", value, need=f"one of {', '.join(UNITS)}")


def _likely(unit: str) -> str | None:
    """The unit that was probably meant."""
    word = unit.lower()
    close = word if word in _MEANT else nearest(word, _ALIASES)
    return _MEANT.get(close or "") or _ALIASES.get(close or "")


def _plain(value: Fraction) -> str:
    """The shortest decimal text of an exact amount."""
    if value.denominator == 1:
        digits = str(value.numerator)
        stripped = digits.rstrip("0")
        zeros = len(digits) - len(stripped)
        if zeros < 5:
            return digits
        mantissa = stripped[0] + (f".{stripped[1:]}" if len(stripped) > 1 else "")
        return f"{mantissa}e{len(digits) - 1}"
    short = repr(float(value))
    if Fraction(short) == value:
        return short
    raise refuse("amount", value, need="a number of at most 15 decimal digits", mend=f"{float(value):.6g}")
