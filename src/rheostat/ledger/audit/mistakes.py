"""Mistakes that last the whole run: counted, stepped or scaled wrongly from the first update on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rheostat.errors import ScheduleError
from rheostat.ledger.audit.explanation import Explanation
from rheostat.ledger.audit.plan import Case, FloatArray, IntArray
from rheostat.ledger.audit.variants import continuations, went_on
from rheostat.ledger.audit.warmups import rise_of, without_rise

MOST = 2**21  # whole-numbered parameters that are tried
_TRIES = 40
_ONCE = "Step once for each optimizer update, in updates; rh.Scheduler counts them itself."


def off_by_one(case: Case) -> Iterator[Explanation]:
    """Each update used its neighbour's value."""
    yield from (_shifted(case, k) for k in (-1, 1))


def scaled(case: Case) -> Iterator[Explanation]:
    """A constant factor."""
    ratio = median_ratio(case.used, case.planned, case.plan.peak)
    if ratio is not None and ratio > 0:
        how = f"{ratio:.6g} times" if ratio > 1 else f"1/{1 / ratio:.6g} of"
        text = f"every value is {how} the planned one, as with a base value of {case.plan.scale * ratio:.6g}"
        mend = "Look for a second scheduler, a base value set elsewhere, or scaling by the number of processes."
        yield Explanation("scaled", text, case.planned * ratio, {"factor": ratio}, mend)


def shifted(case: Case) -> Iterator[Explanation]:
    """Each update used the value planned for a fixed number of updates away."""
    found = case.survivors(nearby(case.plan.end + int(case.t[-1]) + 1), lambda ks, t: ks + t)
    for k in _nearest(found, 0):
        yield _shifted(case, k)


def several_times(case: Case) -> Iterator[Explanation]:
    """Stepped k times for each update."""
    for name, past in continuations(case.plan).items():
        most = case.plan.end if name == "held" else case.plan.end // 2 - 1  # beyond, a turn and more for each update
        ks = np.arange(2, max(2, min(most, MOST) + 1))
        for k in _nearest(case.survivors(ks, lambda ks, t, past=past: past(ks * t)), 0):  # type: ignore[misc]
            text = f"stepped {k} times for each update: once per process, or per micro-batch"
            text += f"; past the end the values {name}" if name != "held" else ""
            expected = case.plan(past(case.t * k))
            yield Explanation("k times per update", text, expected, {"k": k}, _ONCE)


def every_kth(case: Case) -> Iterator[Explanation]:
    """Stepped once in k updates: per epoch, or per k batches of accumulation."""
    per_epoch = case.plan.curve.run.steps_per_epoch
    ks = np.arange(2, min(int(case.t[-1]), MOST) + 2)
    for k in _nearest(case.survivors(ks, lambda ks, t: t // ks), per_epoch or 0):
        epoch = per_epoch == k
        what = f"once an epoch of {k} updates" if epoch else f"at every {k}th update only"
        text = (
            f"a schedule that counts updates was stepped {what}: after {case.t[-1]} updates it is at {case.t[-1] // k}"
        )
        name = "stepped per epoch" if epoch else "stepped every k-th update"
        yield Explanation(name, text, case.plan(case.t // k), {"k": k}, _ONCE)


def staircase(case: Case) -> Iterator[Explanation]:
    """Held for m updates at a time: an epoch."""
    per_epoch = case.plan.curve.run.steps_per_epoch
    yield from _epochs(case, per_epoch)
    ms = np.arange(2, min(int(case.t[-1]), MOST) + 2)
    for m in _nearest(case.survivors(ms, lambda ms, t: t // ms * ms), per_epoch or 0):
        yield _held(m, per_epoch, case.plan(case.t // m * m))


def _epochs(case: Case, per_epoch: int | None) -> Iterator[Explanation]:
    """The schedule evaluated in epochs."""
    curve = case.plan.curve
    if per_epoch and curve.length and per_epoch < curve.length:
        try:
            by_epoch = curve.schedule.over(curve.run, base=curve.base, axis="epochs")
        except ScheduleError:  # too few epochs for its parts: then nobody trained so
            return
        factors = by_epoch.factors((case.t // per_epoch).astype(np.float64))
        yield _held(per_epoch, per_epoch, factors * case.plan.scale)


def _held(m: int, per_epoch: int | None, expected: FloatArray) -> Explanation:
    name = "stepped per epoch" if m == per_epoch else "held for m updates"
    what = f"an epoch of {m} updates" if m == per_epoch else f"{m} updates at a time"
    text = f"a staircase: the value stays the same for {what}, where the plan changes with each update"
    mend = "Step after each update, or plan in whole epochs (clock='epochs')."
    return Explanation(name, text, expected, {"m": m}, mend)


def stopped(case: Case) -> Iterator[Explanation]:
    """From some update on, nothing changed any more."""
    value = float(case.used[-1])
    apart = np.flatnonzero(np.abs(case.used - value) > case.slack(case.used))
    begin = int(apart[-1]) + 1 if apart.size else 0
    if begin >= case.t.size - 1:
        return
    plan, low = case.plan, int(case.t[begin - 1]) + 1 if begin else 0
    peak = abs(value - plan.peak) <= case.slack(np.array([plan.peak]), begin).max()
    mend = "Look for what stopped calling scheduler.step(): an early break, a condition, another optimizer."
    held = np.arange(low, min(int(case.t[begin]), plan.end) + 1)
    for c in _nearest(held[np.argsort(np.abs(plan(held) - value), kind="stable")[:1]], 0):
        expected = np.where(np.arange(case.t.size) < begin, case.planned, plan(np.array([c]))[0])
        if begin == 0 and c == 0 and not peak:
            text = f"never stepped: all updates used {value:.6g}, the value of update 0"
            yield Explanation("never stepped", text, expected, {"value": value}, "Call scheduler.step(). " + _ONCE)
        since = max(c, int(case.t[case.first - 1]) if case.first else 0)
        if peak:
            text = (
                f"never decayed: from update {c} on it stays at {value:.6g}, the peak; the plan falls from {since} on"
            )
            yield Explanation("never decayed", text, expected, {"update": since, "value": value}, mend)
        else:
            text = f"nothing changed any more from update {c} on: it stays at {value:.6g}"
            yield Explanation("stopped", text, expected, {"update": c, "value": value}, mend)
    if begin == 0 and peak:
        text = f"never decayed: all updates used {value:.6g}, the peak"
        yield Explanation("never decayed", text, np.full_like(case.used, value), {"value": value}, mend)


def warmup_missing(case: Case) -> Iterator[Explanation]:
    """The rise at the beginning did not happen."""
    length = rise_of(case.plan.curve)
    if length is None:
        return
    known, mend = {"warmup": length}, "Look for a warmup that is set to 0, or a schedule that replaced the whole."
    name = "warmup missing"
    full = case.plan(np.maximum(case.t, length))
    yield Explanation(name, f"the first {length} updates used the full value: no warmup", full, known, mend)
    text = f"no warmup: what follows it began at update 0, {length} updates early"
    yield Explanation(name, text, case.plan(case.t + length), known, mend)
    rest = without_rise(case.plan.curve.schedule)
    other = None if rest is None else case.plan.of_schedule(rest)
    if other is not None:
        text = f"no warmup: what follows it, {rest}, took the whole run"
        yield Explanation(name, text, other(case.t), known, mend)


def past_the_end(case: Case) -> Iterator[Explanation]:
    """What was used after the end is not the last value."""
    length = case.plan.length
    if length is None or case.t[-1] < length:
        return
    mend = "End the loop there, plan the length that is trained, or hold the last value, as rh.Scheduler does."
    on = went_on(case.plan)
    if on is not None:
        text = f"past the end, at update {length}, the values went on: a formula that knows no end"
        yield Explanation("went on after the end", text, on(case.t), {"update": length}, mend)
    for how, past in continuations(case.plan).items():
        if how != "held":
            name = "climbed after the end" if how == "climb" else "restarted after the end"
            text = f"past the end, at update {length}, the values {how} again: a formula that is periodic went on"
            yield Explanation(name, text, case.plan(past(case.t)), {"update": length}, mend)


def run_length(case: Case) -> Iterator[Explanation]:
    """The schedule was made for a run of another length."""
    length = case.plan.length
    if length is None:
        return
    for how in continuations(case.plan):
        for steps in _lengths(case, how):
            plan = case.plan.over(steps)
            if plan is None:
                continue
            text = f"the schedule was made for a run of {steps} updates, not {case.plan.asked}"
            if how != "held" and case.t[-1] > steps:
                text += f"; past its end the values {how} again"
            mend = "Plan with the number of updates that are trained: epochs × ceil(batches / accumulation)."
            expected = plan(continuations(plan)[how](case.t))
            yield Explanation("run length", text, expected, {"steps": steps}, mend)


def _lengths(case: Case, how: str) -> list[int]:
    """The lengths that explain best, in the order of how well."""
    n, far, per_epoch = case.plan.length or 1, int(case.t[-1]), case.plan.curve.run.steps_per_epoch or n_a(case)
    few = np.sort(case.points)
    t, used = case.t[few], case.used[few]
    misses: dict[int, float] = {}

    def miss(steps: int) -> float:
        if steps not in misses:
            known = 1 <= steps <= 10**12 and steps != n and (how == "held" or steps <= far)
            plan = case.plan.over(steps) if known else None
            value = np.inf if plan is None else float(np.abs(plan(continuations(plan)[how](t)) - used).mean())
            misses[steps] = value
        return misses[steps]

    likely = {n * k for k in range(2, 17)} | {n // k for k in range(2, 17)} | {n + d for d in (-2, -1, 1, 2)}
    likely |= {far, far + 1, far + 2, n * per_epoch, n // per_epoch, n + per_epoch, n - per_epoch}
    grid = sorted({int(s) for s in np.geomspace(max(2, n / 64), n * 64, 120)} | likely)
    if min(misses.setdefault(s, miss(s)) for s in grid) > 0:
        for i in sorted(range(len(grid)), key=lambda i: miss(grid[i]))[:4]:
            low, high = grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]
            while high - low > 24:
                finer = [int(s) for s in np.linspace(low, high, 15)]
                j = min(range(15), key=lambda j: miss(finer[j]))
                low, high = finer[max(j - 1, 0)], finer[min(j + 1, 14)]
            for s in range(low, high + 1):
                miss(s)
    return sorted((s for s in misses if misses[s] < np.inf), key=lambda s: (misses[s], abs(s - n)))[:6]


def n_a(case: Case) -> int:
    """A stand-in for an epoch where the run does not know one."""
    return max(2, int(case.t[-1]))


def median_ratio(used: FloatArray, planned: FloatArray, peak: float) -> float | None:
    """The factor between two series, where there is one worth the name."""
    large = np.abs(planned) > 1e-3 * peak
    ratio = float(np.median(used[large] / planned[large])) if large.any() else np.nan
    return ratio if np.isfinite(ratio) else None


def nearby(most: int, around: int = 0) -> IntArray:
    """The whole numbers up to `most` away, or as many as are tried."""
    most = min(most, MOST)
    return np.arange(around - most, around + most + 1)


def _shifted(case: Case, k: int) -> Explanation:
    far = "one update" if abs(k) == 1 else f"{abs(k)} updates"
    way = "ahead of" if k > 0 else "behind"
    text = f"every update used the value planned for {far} {'later' if k > 0 else 'earlier'}: {far} {way} the plan"
    mend = "Look for scheduler.step() before optimizer.step(), or a missing first step; or the log counts from 1."
    if abs(k) > 1:
        mend = "Look for where the schedule's count began, and where the log's."
    name = "off by one" if abs(k) == 1 else "shifted"
    return Explanation(name, text, case.plan(case.t + k), {"k": k}, mend)


def _nearest(found: IntArray, to: int) -> list[int]:
    """The simplest parameters first."""
    return [int(k) for k in found[np.argsort(np.abs(found - to), kind="stable")][:_TRIES]]
