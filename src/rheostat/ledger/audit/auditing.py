"""Comparing a log with its plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rheostat.errors import refuse
from rheostat.ledger.audit.explanation import Explanation
from rheostat.ledger.audit.guess import Choice
from rheostat.ledger.audit.plan import Case, Plan
from rheostat.ledger.audit.result import AS_PLANNED, NONE, Audit, FirstDifference
from rheostat.ledger.audit.search import explain, ratios
from rheostat.ledger.audit.source import Log, read_logs
from rheostat.schedule import Run, Schedule, parse
from rheostat.schedule.levels import number


def audit(
    source: Any,
    schedule: Schedule | str,
    run: Run,
    base: float | None = None,
    *,
    key: str = "lr",
    group: str | None = None,
    step_column: str | None = None,
    lr_column: str | None = None,
    tolerance: float = 1e-6,
) -> Audit:
    """Compare what a log says was used with what a schedule planned, and name the mistake that explains a difference.

    Args:
        source: a ledger, the folder of a run, a CSV or JSONL file, TensorBoard's log folder or event file, or a dict of
            columns.
        schedule: what was planned: a Schedule, or its text.
        run: how long training was planned to be.
        base: the base value of `group`, or of the ledger's first group; without it only proportions are compared, as
            they always are for the other groups.
        key: what is compared; "lr" by default.
        group: a group of the ledger; all of them by default.
        step_column: the column that counts updates from 0; guessed by default.
        lr_column: the column of values; guessed by default.
        tolerance: what counts as equal, relative to the value (in [0, 0.1]). What a log rounded away does too.

    Returns:
        An `Audit`; of several groups the first that differs, else the first.

    Raises:
        ScheduleError: if the schedule does not fit the run, or depends on metrics.
        SchedulerError: if the log cannot be read, or its columns cannot be told.

    Example:
        >>> import numpy as np, rheostat as rh
        >>> run, t = rh.Run(steps=100), np.arange(100)
        >>> used = rh.cosine().over(run, base=0.1).values()
        >>> rh.audit({"step": t, "lr": used}, "cosine()", run, 0.1).matches
        True
        >>> late = rh.audit({"step": t + 1, "lr": used}, "cosine()", run, 0.1)
        >>> late.hypothesis, late.parameters
        ('off by one', {'k': -1})
    """
    tolerance = number("tolerance", tolerance, most=0.1)
    schedule = parse(schedule)
    optional = {"group": group, "step_column": step_column, "lr_column": lr_column}
    _check_names(key=key, **{name: value for name, value in optional.items() if value is not None})
    if not isinstance(run, Run):
        raise refuse("run", run, need="a Run", mend="rh.Run(steps=1000)")
    Plan.of(schedule, run, base, 1)  # refused before a long log is read
    logs = read_logs(source, Choice(key, group, step_column, lr_column), run)
    if schedule.needs_base:
        more = f"groups {', '.join(str(log.group) for log in logs[1:])}: absolute levels need the base value of each"
        logs = [replace(logs[0], notes=(*logs[0].notes, *([f"{more}; not compared"] if logs[1:] else [])))]
    first = None
    for i, log in enumerate(logs):
        found = _audit(log, schedule, run, base if i == 0 else None, tolerance)
        if not found.matches:
            return found
        first = first or found
    assert first is not None
    others = f"groups {', '.join(str(log.group) for log in logs)}: all as planned"
    return replace(first, notes=(*first.notes, others)) if logs[1:] else first


def _check_names(**given: object) -> None:
    for name, value in given.items():
        if not isinstance(value, str):
            mend = f"{name}='{value}'" if isinstance(value, int) else None
            raise refuse(name, value, need="a name, as text", mend=mend)


def _audit(log: Log, schedule: Schedule, run: Run, base: float | None, tolerance: float) -> Audit:
    plan = Plan.of(schedule, run, base, 4 * int(log.t[-1]) + 1024)
    if base is None:
        return _in_proportion(log, plan, tolerance)
    case = Case.of(plan, log.t, log.used, tolerance)
    if not case.misses(case.planned).any():
        return _result(log, case, None)
    return _result(log, case, explain(case))


def _in_proportion(log: Log, plan: Plan, tolerance: float) -> Audit:
    """The same where the base value is not known: whatever explains the log."""
    plain = Case.of(plan, log.t, log.used, tolerance)
    found = (
        [1.0, *ratios(plain)] if np.isfinite(log.used).all() and log.used.any() else [1.0 if log.used.any() else 0.0]
    )
    cases = [plain.against(plan.scaled(ratio)) for ratio in found]
    for case in cases:
        if not case.misses(case.planned).any():
            return _result(log, case, None)
    for case in cases:
        explanation = explain(case, base_known=False)
        if explanation is not None:
            return _result(log, case, explanation)
    return _result(log, min(cases, key=lambda case: int(case.misses(case.planned).sum())), None)


def _result(log: Log, case: Case, explanation: Explanation | None) -> Audit:
    matches = not case.misses(case.planned).any()
    expected = case.planned if matches else None if explanation is None else explanation.expected
    at = None
    if not matches:
        at = FirstDifference(int(log.t[case.first]), float(case.planned[case.first]), float(case.used[case.first]))
    finding = "every update used the planned value" if matches else "no mistake that is known explains it"
    parameters = {} if explanation is None else {**explanation.parameters}
    return Audit(
        matches=matches,
        hypothesis=AS_PLANNED if matches else NONE if explanation is None else explanation.name,
        finding=finding if explanation is None else explanation.text,
        parameters=parameters,
        residual=case.residual(case.planned if expected is None else expected),
        first_difference=at,
        compared=int(log.t.size),
        mend="" if explanation is None else explanation.mend,
        where=log.where,
        notes=(*log.notes, *_notes(case)),
        curve=case.plan.curve,
        scale=case.plan.scale,
        t=log.t,
        used=log.used,
        planned=case.planned,
        explained=expected,
    )


def _notes(case: Case) -> list[str]:
    notes, length, last = [], case.plan.length, int(case.t[-1])
    if case.plan.curve.base is None:
        notes.append(f"no base value was given: {case.plan.scale:.6g}, as the log has it")
    apart = int(np.median(np.diff(case.t))) if case.t.size > 1 else 1
    if length is not None and last < length - max(apart, 1):
        notes.append(f"the log ends at update {last}; {length} were planned")
    if length is not None and last > length:
        notes.append(f"the log goes on after the planned end, update {length}")
    if case.grain.any():
        digits = float(case.grain.max() / (np.abs(case.used).max() or 1.0))
        notes.append(f"the log's values are rounded; differences up to {digits:.1g} of the largest count as rounding")
    return notes
