"""What a run ends with: the table of planned and used, the picture, and the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rheostat.driver.plan import Entry, curve_of
from rheostat.ledger import columns
from rheostat.schedule import Curve, lint
from rheostat.training import report
from rheostat.training.result import Result, Rows

if TYPE_CHECKING:
    from rheostat.driver import Scheduler


def summarise(
    name: str,
    scheduler: Scheduler,
    folder: Path,
    metrics: dict[str, float],
    *,
    stopped: bool,
    show: bool,
    since: int = 0,
    lr: float | None = None,
) -> Result:
    """Compare planned and used, draw the picture, print the table, write the report.

    What was planned is known from update `since` on: before it, a resumed run may have had another schedule. An `lr`
    that was given is needed to go on.
    """
    entries = scheduler.entries
    first = next((e for e in entries if e.key == "lr"), entries[0])
    curve = curve_of(first, scheduler.run, scheduler.axis)
    used = columns(folder / "ledger.jsonl")
    planned = curve.values(0, scheduler.position)
    seen = used.get(f"{first.key}/{first.label}", np.empty(0))
    positions = used.get("update", np.empty(0)).astype(int)
    apart = np.abs(seen - planned[positions]) / np.maximum(planned[positions], 1e-300)
    apart = apart[positions >= since]
    planned[: min(since, planned.size)] = np.nan
    difference = float("nan") if curve.controls else float(apart.max(initial=0.0))
    rows = (*_rows(first, positions, seen, planned[positions]), *_ends(difference, metrics))
    result = Result(
        out=folder,
        metrics=metrics,
        updates=scheduler.position,
        difference=difference,
        stopped=stopped,
        name=name,
        picture=_picture(curve, first.key, folder),
        rows=rows,
        plan=_plan(entries),
        notes=_notes(scheduler),
    )
    if show:
        _print_table(result, lr)
    report.write(result)
    return result


def _picture(curve: Curve, key: str, folder: Path) -> Path | None:
    """The picture, where Matplotlib is installed."""
    from rheostat.view.pictures import run_picture

    try:
        import matplotlib as mpl  # noqa: F401
    except ImportError:
        return None
    return run_picture(curve, folder / "ledger.jsonl", folder / "picture.png", key=key)


def _plan(entries: list[Entry]) -> Rows:
    """What drives each key: a line for all of its groups where they have the same, else one for each."""
    rows: list[tuple[str, ...]] = [("key", "group", "schedule", "base value")]
    for key in dict.fromkeys(e.key for e in entries):
        of_key = [e for e in entries if e.key == key]
        alike = len({(e.schedule, e.since, e.base) for e in of_key}) == 1
        for e in of_key[:1] if alike else of_key:
            since = f", from {e.since:g} on" if e.since else ""
            rows.append((key, "all" if alike else e.label, f"{e.schedule}{since}", repr(e.base)))
    return tuple(rows)


def _notes(scheduler: Scheduler) -> str:
    """How long the run is, and what looks wrong with the schedules of its learning rates."""
    plans = {(e.own, e.base) for e in scheduler.entries if e.key == "lr"}
    findings = [f"! {finding}" for plan, base in plans for finding in lint(plan, scheduler.run, base=base)]
    return "\n".join([repr(scheduler.run), *sorted(set(findings))])


def _rows(first: Entry, updates: np.ndarray, used: np.ndarray, planned: np.ndarray) -> Rows:
    """The head of the table, and the updates that say most."""
    rows: list[tuple[str, ...]] = [("", "update", "planned", "used")]
    what = "LR" if first.key == "lr" else first.key
    for label, i in (("first", 0), ("peak", int(used.argmax()) if used.size else 0), ("last", used.size - 1)):
        if used.size:
            plan = "before the change" if np.isnan(planned[i]) else f"{planned[i]:.6g}"
            rows.append((f"{label} {what}", str(updates[i]), plan, f"{used[i]:.6g}"))
    return tuple(rows)


def _ends(difference: float, metrics: dict[str, float]) -> Rows:
    """What the whole run came to."""
    apart = "as reported" if np.isnan(difference) else f"{difference:.1e}" if difference else "none"
    ended = ((metric, "", "", report.shown(value)) for metric, value in metrics.items())
    return (("largest relative difference", "", "", apart), *ended)


def _print_table(result: Result, lr: float | None) -> None:
    from rich.console import Console
    from rich.table import Table

    head, *rows = result.rows
    table = Table(*head, title=f"{result.name}: {result.updates} updates")
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    pictures = [] if result.picture is None else [result.picture.name]
    files = ", ".join(["ledger.jsonl", "state.pt", "config.json", *pictures, report.FILE])
    console.print(f"in {result.out}: {files}", soft_wrap=True)
    if result.stopped:
        given = "" if lr is None else f"--lr {lr!r} "
        again = f"rheostat train as before, with {given}--out {result.out} --resume"
        console.print(f"Interrupted. To go on: {again}", soft_wrap=True, highlight=False)
    if result.picture is None:
        console.print("No picture: it needs Matplotlib. Try pip install 'rheostat\\[plot]'.", soft_wrap=True)
