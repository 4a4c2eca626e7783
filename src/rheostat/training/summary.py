"""What a run ends with: the table of planned and used, and the picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rheostat.ledger import columns

if TYPE_CHECKING:
    from rheostat.driver import Scheduler


@dataclass(frozen=True)
class Result:
    """What came out of a run.

    Attributes:
        out: the folder with ledger.jsonl, state.pt, config.json and picture.png.
        metrics: the last evaluation.
        updates: updates done.
        difference: the largest relative difference between a planned and a used learning rate.
        stopped: whether it was interrupted before its end.
    """

    out: Path
    metrics: dict[str, float]
    updates: int
    difference: float
    stopped: bool


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
    """Compare planned and used, draw the picture, print the table.

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
    result = Result(folder, metrics, scheduler.position, difference, stopped)
    if show:
        _print_table(name, result, positions, seen, planned[positions], picture)
    return result


def _picture(scheduler: Scheduler, folder: Path) -> Path | None:
    """The picture, where Matplotlib is installed."""
    from rheostat.view.pictures import run_picture

    try:
        import matplotlib as mpl  # noqa: F401
    except ImportError:
        return None
    return run_picture(scheduler.curve, folder / "ledger.jsonl", folder / "picture.png")


def _print_table(  # noqa: PLR0917 - three columns of one table, and what stands around it
    name: str, result: Result, updates: np.ndarray, used: np.ndarray, planned: np.ndarray, picture: Path | None
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "update", "planned", "used", title=f"{name}: {result.updates} updates")
    for label, i in (("first LR", 0), ("peak LR", int(used.argmax()) if used.size else 0), ("last LR", used.size - 1)):
        if used.size:
            plan = "before the change" if np.isnan(planned[i]) else f"{planned[i]:.6g}"
            table.add_row(label, str(updates[i]), plan, f"{used[i]:.6g}")
    apart = (
        "as reported" if np.isnan(result.difference) else f"{result.difference:.1e}" if result.difference else "none"
    )
    table.add_row("largest relative difference", "", "", apart)
    for metric, value in result.metrics.items():
        table.add_row(metric, "", "", f"{value:.4f}")
    console = Console()
    console.print(table)
    files = ", ".join(["ledger.jsonl", "state.pt", "config.json", *(["picture.png"] if picture else [])])
    console.print(f"in {result.out}: {files}", soft_wrap=True)
    if result.stopped:
        console.print(f"Interrupted. To go on: the same command with --out {result.out} --resume", soft_wrap=True)
    if picture is None:
        console.print("No picture: it needs Matplotlib. Try pip install 'rheostat\\[plot]'.", soft_wrap=True)
