"""What a recorded ramp says: rules, a suggestion with a band, and a status. Pure; NumPy only.

Every answer stays the same if each loss is replaced by a·loss + b with a > 0, and is multiplied by what the learning
rates are multiplied by.
"""

from __future__ import annotations

import numpy as np

from rheostat.probe.curve import RangeCurve
from rheostat.probe.result import RangeResult, Status
from rheostat.probe.smooth import Smooth, smooth

BELOW_MINIMUM = 3.0
"""The suggestion lies this factor below the minimum: too high is a cliff, too low is a slope."""
BELOW_DIVERGENCE = 10.0
BELOW_EDGE = 6.0
SCATTER = 0.7
"""Decades by which the best rate of a full run may lie off the rule, in nine of ten cases; and"""
LUCK = 0.35
"""decades by which one pass may lie off another: less with several."""
_SURE = 4.0  # standard errors that a fall must have
_DOUBT = 2.0  # standard errors within which two levels are the same
_RISEN = 0.1  # of the fall: the loss is clearly on its way up again
_FALLING = 0.05  # of the fall: less, for a difference or in a decade, is flat
_WIDEST = 2.0  # decades over which a minimum may be spread


def read(curve: RangeCurve, *, base: float | None = None) -> RangeResult:
    """Read a recorded ramp.

    Args:
        curve: one pass or several.
        base: the first group's own learning rate, to give the suggestion as a factor of it too.

    Returns:
        A `RangeResult`.
    """
    s = smooth(curve)
    status = status_of(s)
    fell = status not in ("never fell", "diverged at once")
    rules = {
        "minimum": _lr(s.x[s.at]) / BELOW_MINIMUM if fell else None,
        "steepest": _steepest(s) if fell else None,
        "valley": _valley(s) if fell else None,
        "divergence": _divergence(s) if fell else None,
        "edge": _edge(s) if fell or (status == "never fell" and _risen(s).any()) else None,
    }
    suggestion = rules["minimum"] if status in ("ok", "too noisy") else None
    return RangeResult(
        curve=curve,
        smoothed=s.y,
        status=status,
        suggestion=suggestion,
        band=None if suggestion is None else _band(s, suggestion, len(curve.losses)),
        rules=rules,
        minimum=_lr(s.x[s.at]) if fell else None,
        avoid=_avoid(s),
        base=base,
    )


def status_of(s: Smooth) -> Status:
    """Whether a minimum can be read at all, and if not, why."""
    if s.heard.sum() < 5 or s.leapt:
        return "diverged at once"
    fell = s.drop > _SURE * np.hypot(s.error[s.at], s.first_error) and s.drop > 0
    if not fell:
        above = np.flatnonzero(s.y > s.first + 0.5 * (s.ceiling - s.first))
        early = above.size and s.x[above[0]] - s.x[0] < max(0.75, 0.2 * (s.x[-1] - s.x[0]))
        return "diverged at once" if early else "never fell"
    if not _risen(s).any() or _lr(s.x[s.at]) / BELOW_MINIMUM < _lr(s.x[0]):
        return "minimum at the edge"
    left, right = _spread(s)
    return "too noisy" if right - left > _WIDEST else "ok"


def _lr(x: float) -> float:
    return float(10.0**x)


def _risen(s: Smooth) -> np.ndarray:
    """Where, after the minimum, the loss is clearly higher again."""
    line = s.lowest + max(_RISEN * s.drop, _SURE * float(s.error[s.at]))
    risen: np.ndarray = (s.y > line) & (np.arange(s.y.size) > s.at)
    return risen


def _spread(s: Smooth) -> tuple[float, float]:
    """From where to where the loss is as low as the minimum, as far as the noise lets one tell."""
    low = np.flatnonzero(s.y <= s.lowest + _DOUBT * s.error[s.at])
    return float(s.x[low[0]]), float(s.x[low[-1]])


def _band(s: Smooth, suggestion: float, passes: int) -> tuple[float, float]:
    """Where the best learning rate lies in nine of ten cases: the rule's own scatter, and where the minimum may be."""
    left, right = _spread(s)
    at, middle = float(s.x[s.at]), np.log10(suggestion)
    own = np.hypot(SCATTER, LUCK / np.sqrt(passes))
    low, high = middle - np.hypot(own, at - left), middle + np.hypot(own, right - at)
    risen = _avoid(s)
    return _lr(low), _lr(high) if risen is None else min(_lr(high), risen)


def _avoid(s: Smooth) -> float | None:
    """The learning rate from which on the loss rises."""
    risen = np.flatnonzero(_risen(s))
    return _lr(s.x[risen[0]]) if risen.size else None


def _steepest(s: Smooth) -> float | None:
    """Where the smoothed loss falls most for each decade, before the minimum."""
    if s.at < 1:
        return None
    slope = np.gradient(s.y, s.x)[: s.at + 1]
    return _lr(s.x[int(slope.argmin())])


def _valley(s: Smooth) -> float | None:
    """The middle of the longest stretch over which the smoothed loss falls without a break."""
    falling = np.diff(s.y) < -_FALLING * s.drop * np.diff(s.x)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], falling, [False]]).astype(int)))
    begins, ends = edges[::2], edges[1::2]
    if not begins.size:
        return None
    longest = int((s.x[ends] - s.x[begins]).argmax())
    return _lr((s.x[begins[longest]] + s.x[ends[longest]]) / 2)


def _edge(s: Smooth) -> float:
    """A sixth of the highest learning rate that is as good as the minimum: the end of its basin, however wide."""
    line = s.lowest + max(_FALLING * s.drop, _DOUBT * float(s.error[s.at]))
    higher = np.flatnonzero((s.y > line) & (np.arange(s.y.size) > s.at))
    return _lr(s.x[higher[0] - 1 if higher.size else -1]) / BELOW_EDGE


def _divergence(s: Smooth) -> float | None:
    """A tenth of where, after the minimum, half of what was gained is lost again."""
    half = s.lowest + 0.5 * max(s.drop, 0.0)
    lost = np.flatnonzero((s.y > half) & (np.arange(s.y.size) > s.at))
    return _lr(s.x[lost[0]]) / BELOW_DIVERGENCE if lost.size and s.ceiling > s.first else None
