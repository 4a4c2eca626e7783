"""The report of a run in its folder: what was found, planned and used, on one page."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from rheostat.errors import RheostatWarning
from rheostat.training import disk
from rheostat.view.report import Section, report_html

if TYPE_CHECKING:
    from rheostat.training.result import Result

FILE, FOUND, FOUND_PICTURE = "report.html", "find.txt", "find.png"
_LOW, _HIGH = 1e-3, 1e6  # between these, numbers have four decimals
_RUN = "Planned and used values above, loss and metrics below."
_SEARCH = "The loss over the learning rate, and the band of the suggestion."


def write(result: Result, *, audit: str = "") -> Path | None:
    """Write the page, in place of one that is there; None, and a warning, where it cannot be: the run itself is well.

    Args:
        result: what came out of the run; a search that was left in its folder becomes part of the page.
        audit: what the ledger says beside the plan.
    """
    target = result.out / FILE
    try:
        sections = _searched(result.out)
        sections += [
            Section("Training", result.picture, _RUN, result.rows),
            Section("Plan", rows=result.plan, text=result.notes),
        ]
        if audit:
            sections.append(Section("Audit", text=audit))
        disk.replace(target, report_html(result.name, _lead(result), sections))
    except OSError as error:
        where = error.filename or target
        warnings.warn(f"no report: {where}: {error.strerror}. All else was saved.", RheostatWarning, stacklevel=2)
        return None
    return target


def _searched(folder: Path) -> list[Section]:
    """What `rheostat tune` left of its search."""
    text, picture = folder / FOUND, folder / FOUND_PICTURE
    if not text.exists():
        return []
    drawn = picture if picture.exists() else None
    return [Section("Finding the learning rate", drawn, _SEARCH, text=text.read_text(encoding="utf-8"))]


def shown(value: float) -> str:
    """A metric in as many digits as are read."""
    plain = not value or _LOW <= abs(value) < _HIGH or not math.isfinite(value)
    return f"{value:.4f}" if plain else f"{value:.4g}"


def _lead(result: Result) -> str:
    """What came out, in one line."""
    metrics = "".join(f", {name} {shown(value)}" for name, value in result.metrics.items())
    updates = f"{result.updates} update{'s' * (result.updates != 1)}"
    return f"{updates}{metrics}{', interrupted' * result.stopped}."
