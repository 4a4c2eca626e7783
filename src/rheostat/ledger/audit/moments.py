"""Mistakes that begin at some update: overwritten, resumed at the wrong place, warmup restarted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rheostat.ledger.audit.explanation import Explanation
from rheostat.ledger.audit.mistakes import median_ratio, nearby
from rheostat.ledger.audit.plan import Case, FloatArray
from rheostat.ledger.audit.warmups import rise_of

_MOST_MOMENTS = 512
_TRIES = 8
_MOST_JUMPS = 4
_RESTORE = "Restore the scheduler with the optimizer (load_state_dict), and look where the loop goes on."


def overwritten(case: Case) -> Iterator[Explanation]:
    """From one update on, for a while, one value that somebody else wrote."""
    window = slice(case.first, case.last + 1)
    value = float(case.used[case.first])
    if not (np.abs(case.used[window] - value) <= case.slack(case.used)[window]).all():
        return
    expected = case.planned.copy()
    expected[window] = case.used[window]
    begin, until, parameters = _window(case)
    text = f"overwritten at update {begin} with {value:.6g}{until}"
    mend = "Look for what else writes this key: a callback, a second scheduler, load_state_dict of the optimizer."
    yield Explanation("overwritten", text, expected, {**parameters, "value": value}, mend)


def scaled_from(case: Case) -> Iterator[Explanation]:
    """From one update on, for a while, a constant factor of the planned value."""
    window = slice(case.first, case.last + 1)
    ratio = median_ratio(case.used[window], case.planned[window], case.plan.peak)
    if ratio is None or case.first == case.last:
        return
    expected = case.planned.copy()
    expected[window] *= ratio
    begin, until, parameters = _window(case)
    text = f"from update {begin} on every value is {ratio:.6g} times the planned one{until}"
    mend = "Look for what changed the base value there: another lr on resume, a callback, a second scheduler."
    yield Explanation("scaled from an update on", text, expected, {**parameters, "factor": ratio}, mend)
    floor = float(case.plan(np.array([case.plan.end]))[0])
    above = median_ratio(case.used[window] - floor, case.planned[window] - floor, case.plan.peak)
    if floor > 0 and above is not None and above > 0:
        expected = case.planned.copy()
        expected[window] = floor + above * (expected[window] - floor)
        text = f"from update {begin} on every value is {above:.6g} times as far above {floor:.6g} as planned{until}"
        yield Explanation("scaled from an update on", text, expected, {**parameters, "factor": above}, mend)


def begun_again(case: Case) -> Iterator[Explanation]:
    """At one update the schedule began at 0 again, from the value in force: a new one over a restored optimizer.

    PyTorch's schedulers multiply the value that they find. Those with a floor do so with what is above it, and of a
    sequence only the first part does.
    """
    plan, first = case.plan, case.first
    before = int(case.t[max(first - 2, 0)]) + 1
    moments = np.arange(max(before, 1), int(case.t[first]) + 1)[-_MOST_MOMENTS:]
    if not moments.size:
        return
    rise, floor = rise_of(plan.curve), float(plan(np.array([plan.end]))[0])
    readings = [(0.0, None), (floor, None)] if floor > 0 else [(0.0, None)]
    for low, until in [*readings, *([] if rise is None else [(0.0, rise)])]:
        here, there = plan(case.t[first] - moments) - low, plan(case.t[-1] - moments) - low
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = (case.used[first] - low) / here
            off = np.abs(there * (ratios if until is None else 1.0) - (case.used[-1] - low))
        likely = np.argsort(np.where(np.isfinite(off), off, np.inf), kind="stable")[:_TRIES]
        for moment, ratio in ((int(moments[i]), float(ratios[i])) for i in likely if 0 < ratios[i] < np.inf):
            since = case.t - moment
            again = low + np.where(since < (plan.end + 1 if until is None else until), ratio, 1.0) * (plan(since) - low)
            start = low + ratio * (float(plan(np.array([0]))[0]) - low)
            text = f"at update {moment} the schedule began again, from {start:.6g} and not from its own first value"
            mend = f"The optimizer was restored after a new scheduler was built, which goes on from there. {_RESTORE}"
            found = {"update": moment, "value": start}
            yield Explanation("begun again", text, np.where(since < 0, case.planned, again), found, mend)


def resumed_elsewhere(case: Case) -> Iterator[Explanation]:
    """At one update the schedule went on from another position."""
    yield from _resumed(case, 1)


def resumed_often(case: Case) -> Iterator[Explanation]:
    """At a few updates the schedule went on from another position."""
    yield from _resumed(case, _MOST_JUMPS)


def _resumed(case: Case, most: int) -> Iterator[Explanation]:
    jumps = _jumps(case, most)
    if not jumps:
        return
    expected, words = case.planned.copy(), []
    for index, by in jumps:
        expected[index:] = case.plan(case.t[index:] + by)
        at = int(case.t[index])
        words.append(f"at update {at} the schedule was at {at + by}")
    at, by = int(case.t[jumps[0][0]]), jumps[0][1]
    again = ", so that its warmup was made again" if at + by <= 0 < (rise_of(case.plan.curve) or 0) else ""
    text = f"resumed at the wrong place: {', '.join(words)}{again}"
    parameters = {"update": at, "position": max(at + by, 0), "times": len(jumps)}
    yield Explanation("resumed at the wrong place", text, expected, parameters, _RESTORE)


def warmup_restarted(case: Case) -> Iterator[Explanation]:
    """At one update the warmup, or all of the schedule over what was left of the run, began again."""
    length = rise_of(case.plan.curve)
    curve, name = case.plan.curve, "warmup restarted"
    if length is None:
        return
    full = float(case.plan(np.array([length]))[0])
    before = int(case.t[case.first - 1]) + 1 if case.first else 0
    moments = np.arange(before, int(case.t[case.first]) + 1)[-_MOST_MOMENTS:]
    for moment in (int(m) for m in moments[::-1]):
        since = case.t - moment
        risen = np.where(since < 0, 1.0, case.plan(np.minimum(since, length)) / full)
        text = f"the warmup of {length} updates was made again from update {moment} on, on top of the plan"
        yield Explanation(name, text, case.planned * risen, {"update": moment, "warmup": length}, _RESTORE)
        rest = case.plan.of_schedule(curve.schedule, curve.run.rest(moment)) if curve.length else None
        if rest is not None and moment:
            expected = np.where(since < 0, case.planned, rest(since))
            text = f"at update {moment} the schedule began again, over the rest of the run, with its warmup"
            yield Explanation(name, text, expected, {"update": moment, "warmup": length}, _RESTORE)


def _jumps(case: Case, most: int) -> list[tuple[int, int]]:
    """Where the schedule went on from elsewhere, and by how many updates: each for as long as it explains the log."""
    jumps: list[tuple[int, int]] = []
    index = case.first
    while index < case.t.size:
        if len(jumps) == most:
            return []
        by, stop = _jump(case, index)
        if stop - index < min(3, case.t.size - index):
            return []
        jumps.append((index, by))
        index = stop
    return jumps


def _jump(case: Case, index: int) -> tuple[int, int]:
    """The jump at an index that explains the log for longest, and until where."""
    t, used = case.t[index:], case.used[index:]
    found = nearby(case.plan.end + int(t[-1]) + 1)
    if found[0] > -int(t[0]):
        # All begins again, or goes on from where the plan has the same value.
        same = case.plan.where(float(used[0])) - t[0]
        others = np.unique(np.concatenate([nearby(2**16, -int(t[0])), same - 1, same, same + 1]))
        found = np.concatenate([others[(others < found[0]) | (others > found[-1])], found])
    edges = np.flatnonzero(np.abs(np.diff(used)) > 0.01 * case.plan.peak)[:40]
    spaced = np.geomspace(1, t.size, 40).astype(np.int64) - 1
    for i in np.unique(np.concatenate([np.arange(min(t.size, 8)), spaced, edges, edges + 1])):
        values = case.plan(found + t[i])
        kept = found[np.abs(values - used[i]) <= case.slack(values, index + int(i))]
        if not kept.size:
            break
        found = kept
    # Of those that explain it equally far, the closest; of those equally close, the shortest jump.
    found = found[np.argsort(np.abs(found), kind="stable")][:40]
    reached = [_reach(case, index, case.plan(t + by)) for by in found]
    best = max(range(found.size), key=lambda i: (*reached[i], -i))
    return int(found[best]), index + reached[best][0]


def _reach(case: Case, index: int, expected: FloatArray) -> tuple[int, float]:
    """How many updates from an index on are as expected, and minus how far these are apart."""
    apart = np.abs(case.used[index:] - expected)
    wrong = apart > case.slack(expected, slice(index, None))
    reach = int(np.argmax(wrong)) if wrong.any() else wrong.size
    return reach, -round(float(apart[:reach].max(initial=0.0)) / case.plan.peak, 10)


def _window(case: Case) -> tuple[int, str, dict[str, float]]:
    begin = int(case.t[case.first])
    if case.last + 1 == case.t.size:
        return begin, ", until the end of the log", {"update": begin}
    until = int(case.t[case.last + 1])
    return begin, f", until update {until}", {"update": begin, "until": until}
