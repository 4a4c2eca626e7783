"""Which mistake explains a log: the simplest one that does so to rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from rheostat.ledger.audit import mistakes, moments
from rheostat.ledger.audit.explanation import Explanation
from rheostat.ledger.audit.plan import Case, FloatArray
from rheostat.ledger.audit.variants import OneCycle, variants

# The order is that of simplicity: of two that explain a log equally well, the earlier one is named.
_FEW = 4000  # updates that a mistake is tried on before all are
_WHOLE: tuple[Callable[[Case], Iterator[Explanation]], ...] = (
    mistakes.off_by_one,
    mistakes.scaled,
    mistakes.stopped,
    mistakes.warmup_missing,
    mistakes.past_the_end,
    mistakes.several_times,
    mistakes.every_kth,
    mistakes.staircase,
    mistakes.shifted,
)
_SINCE: tuple[Callable[[Case], Iterator[Explanation]], ...] = (
    moments.overwritten,
    moments.resumed_elsewhere,
    moments.scaled_from,
    mistakes.run_length,
    moments.begun_again,
    moments.warmup_restarted,
    moments.resumed_often,
)


def explain(case: Case, *, base_known: bool = True) -> Explanation | None:
    """The simplest mistake that explains a log that is not as planned, or two of them, or None."""
    if not np.isfinite(case.used).all() or _is_restless(case):
        return None
    families = tuple(family for family in (*_WHOLE, *_SINCE) if base_known or family is not mistakes.scaled)
    found = _one(case, families) or _of_a_variant(case, families) or _counted_from_elsewhere(case)
    return found or (_and_scaled(case) if base_known else None)


def _is_restless(case: Case) -> bool:
    """Whether a log turns up and down far more often than any mistake makes a plan turn: noise, or another's values."""
    return case.t.size > _FEW and _turns(case, case.used) > _FEW // 4 + 64 * _turns(case, case.planned)


def _turns(case: Case, values: FloatArray) -> int:
    steps = np.diff(values)
    steps = steps[np.abs(steps) > 2 * case.slack(values)[1:]]
    return int((steps[1:] * steps[:-1] < 0).sum())


def _one(case: Case, families: tuple[Callable[[Case], Iterator[Explanation]], ...]) -> Explanation | None:
    few = case.thinned(_FEW)
    for family in families:
        if few is not case and not any(few.explained(found.expected) for found in family(few)):
            continue
        for found in family(case):
            if case.explained(found.expected):
                return found
    return None


def _of_a_variant(case: Case, families: tuple[Callable[[Case], Iterator[Explanation]], ...]) -> Explanation | None:
    """One mistake in a run of a scheduler that counts as PyTorch's do."""
    for words, plan in variants(case.plan):
        other = case.against(plan)
        if not other.misses(other.planned).any():
            if isinstance(plan, OneCycle):
                return _as_variant(words, other)
            continue
        found = _one(other, families)
        if found is not None:
            return replace(found, text=f"{found.text}; {words}")
    return None


def _as_variant(words: str, case: Case) -> Explanation:
    text = f"the schedule is {words}: a run of {case.plan.asked} updates has one interval less"
    mend = "Nothing is wrong where that is meant: plan with a run of one update less, and a warmup of one less."
    return Explanation("PyTorch's one-cycle", text, case.planned, {"steps": case.plan.asked or 0}, mend)


def _counted_from_elsewhere(case: Case) -> Explanation | None:
    """One mistake in a log that counts its updates from 1, or is one behind."""
    for by in (-1, 1):
        moved = case.moved(by)
        lost = case.t.size - moved.t.size
        if moved.t.size < 3 or not moved.misses(moved.planned).any():
            continue
        found = _one(moved, (*_WHOLE[1:], *_SINCE))
        if found is not None:
            where = "the log counts updates from 1" if by < 0 else "the log is one update behind"
            expected: FloatArray = np.concatenate([case.used[:lost], found.expected])
            text = f"{found.text}; and {where}"
            return replace(found, text=text, expected=expected, parameters={**found.parameters, "counted from": -by})
    return None


def _and_scaled(case: Case) -> Explanation | None:
    """One mistake, and another base value."""
    for ratio in ratios(case):
        scaled = case.against(case.plan.scaled(ratio))
        found = _one(scaled, (*_WHOLE, *_SINCE)) if scaled.misses(scaled.planned).any() else None
        if found is not None:
            text = f"{found.text}; and every value is scaled by {ratio:.6g}"
            return replace(found, text=text, parameters={**found.parameters, "factor": ratio})
    return None


def ratios(case: Case) -> list[float]:
    """Factors that a log may be scaled by, each for another reason."""
    used, planned, peak = case.used, case.planned, case.plan.peak
    found = [mistakes.median_ratio(used, planned, peak), float(used.max() / peak)]
    found += [float(used[i] / planned[i]) for i in (0, -1) if abs(planned[i]) > 1e-3 * peak]
    found.append(float(used.max() / planned.max()) if planned.max() > 0 else None)
    distinct: list[float] = []
    for ratio in found:
        if ratio is not None and ratio > 0 and all(abs(ratio - other) > 1e-9 * other for other in (1.0, *distinct)):
            distinct.append(ratio)
    return distinct
