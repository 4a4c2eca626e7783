"""What a run ends with: the table of planned and used, the picture, and the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rheostat.driver.plan import in_force
from rheostat.ledger import columns
from rheostat.schedule import lint
from rheostat.training import report

if TYPE_CHECKING:
    from rheostat.driver import Scheduler

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Result:
    """What came out of a run.

    Attributes:
        out: the folder with ledger.jsonl, state.pt, config.json, picture.png and report.html.
        metrics: the last evaluation.
        updates: updates done.
        difference: the largest relative difference between a planned and a used learning rate.
        stopped: whether it was interrupted before its end.
        name: what was trained.
        plan: the schedule of each key, the run, and what lint says of them.
        rows: the table of planned and used, with its head.
    """

    out: Path
    metrics: dict[str, float]
    updates: int
    difference: float
    stopped: bool
    name: str = ""
    plan: str = ""
    rows: Rows = ()


def summarise(
    name: str,
    scheduler: Scheduler,
    folder: Path,
    metrics: dict[str, float],
    *,
    stopped: bool,
    show: bool,
    since: int = 0,
) -> Result:
    """Compare planned and used, draw the picture, write the report, print the table.

    What was planned is known from update `since` on: before it, a resumed run may have had another schedule.
    """
    used = columns(folder / "ledger.jsonl")
    first = next(e for e in scheduler.entries if e.key == "lr")
    planned = scheduler.curve.values(0, scheduler.position)
    seen = used.get(f"lr/{first.label}", np.empty(0))
    positions = used.get("update", np.empty(0)).astype(int)
    metric_driven = bool(scheduler.curve.controls)
    apart = np.abs(seen - planned[positions]) / np.maximum(planned[positions], 1e-300)
    apart = apart[positions >= since]
    planned[: min(since, planned.size)] = np.nan
    difference = float("nan") if metric_driven else float(apart.max(initial=0.0))
    picture = _picture(scheduler, folder)
    rows = (*_rows(positions, seen, planned[positions]), *_ends(difference, metrics))
    result = Result(folder, metrics, scheduler.position, difference, stopped, name, _plan(scheduler), rows)
    report.write(result)
    if show:
        _print_table(result, picture)
    return result


def _picture(scheduler: Scheduler, folder: Path) -> Path | None:
    """The picture, where Matplotlib is installed."""
    from rheostat.view.pictures import run_picture

    try:
        import matplotlib as mpl  # noqa: F401
    except ImportError:
        return None
    return run_picture(scheduler.curve, folder / "ledger.jsonl", folder / "picture.png")


def _plan(scheduler: Scheduler) -> str:
    """The schedule of each key, or of each of its groups; the run; and what looks wrong with them."""
    lines = [f"{key:<12}{by}" for key, by in in_force(scheduler.entries).items()]
    findings = [f"! {finding}" for finding in lint(scheduler.curve.schedule, scheduler.run)]
    return "\n".join([*lines, f"{'run':<12}{scheduler.run!r}", *findings])


def _rows(updates: np.ndarray, used: np.ndarray, planned: np.ndarray) -> Rows:
    """The head of the table, and the updates that say most."""
    rows: list[tuple[str, ...]] = [("", "update", "planned", "used")]
    for label, i in (("first LR", 0), ("peak LR", int(used.argmax()) if used.size else 0), ("last LR", used.size - 1)):
        if used.size:
            plan = "before the change" if np.isnan(planned[i]) else f"{planned[i]:.6g}"
            rows.append((label, str(updates[i]), plan, f"{used[i]:.6g}"))
    return tuple(rows)


def _ends(difference: float, metrics: dict[str, float]) -> Rows:
    """What the whole run came to."""
    apart = "as reported" if np.isnan(difference) else f"{difference:.1e}" if difference else "none"
    ended = ((metric, "", "", f"{value:.4f}") for metric, value in metrics.items())
    return (("largest relative difference", "", "", apart), *ended)


def _print_table(result: Result, picture: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    head, *rows = result.rows
    table = Table(*head, title=f"{result.name}: {result.updates} updates")
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    pictures = ["picture.png"] if picture else []
    files = ", ".join(["ledger.jsonl", "state.pt", "config.json", *pictures, report.FILE])
    console.print(f"in {result.out}: {files}", soft_wrap=True)
    if result.stopped:
        console.print(f"Interrupted. To go on: the same command with --out {result.out} --resume", soft_wrap=True)
    if picture is None:
        console.print("No picture: it needs Matplotlib. Try pip install 'rheostat\\[plot]'.", soft_wrap=True)
