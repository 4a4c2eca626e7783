"""Where a value comes from: the factors in force at a position, as text."""

from __future__ import annotations

from collections.abc import Sequence as Signals

import numpy as np

from rheostat.schedule.base import Bound, Schedule
from rheostat.schedule.combine import Product, Sequence
from rheostat.schedule.levels import Absolute
from rheostat.schedule.metric import Plateau
from rheostat.schedule.wrap import Clipped, Repeated, Scaled


def explain(bound: Bound, t: float, signals: Signals[float]) -> str:
    """The factor of `bound` at its local position t, taken apart: "cosine(end=0.1) 0.42 × plateau(...) 0.1"."""
    source = bound.source
    if isinstance(source, Sequence):
        begins = [part.begin - bound.begin for part in bound.parts]
        i = max(k for k, begin in enumerate(begins) if begin <= t)
        return explain(bound.parts[i], t - begins[i], signals)
    if isinstance(source, Product):
        return " × ".join(explain(part, t, signals) for part in bound.parts)
    if isinstance(source, (Clipped, Scaled)):
        inner = explain(bound.parts[0], t, signals)
        if isinstance(source, Scaled):
            return f"{source.k:g} × {inner}"
        return f"{_value(bound, t, signals)} (clip to {_bounds(source)} of: {inner})"
    if isinstance(source, Repeated):
        return f"{_value(bound, t, signals)} (in {source!r})"
    return f"{_label(source)} {_value(bound, t, signals)}"


def _value(bound: Bound, t: float, signals: Signals[float]) -> str:
    return f"{float(bound(np.array([t]), signals)[0]):.6g}"


def _bounds(source: Clipped) -> str:
    low, high = source.min, source.max
    return f"[{_plain(low) if low is not None else '0'}, {_plain(high) if high is not None else '∞'}]"


def _plain(value: float | Absolute) -> str:
    return repr(value) if isinstance(value, Absolute) else f"{value:g}"


def _label(source: Schedule) -> str:
    return f"{source!r} (metric)" if isinstance(source, Plateau) else repr(source)
