"""The report of a run in its folder: what was found, planned and used, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rheostat.errors import SchedulerError
from rheostat.training import disk
from rheostat.view.report import Section, report_html

if TYPE_CHECKING:
    from rheostat.probe import FindResult, RangeResult
    from rheostat.training.summary import Result

FILE = "report.html"
_RUN = "Learning rate above, as planned and as used; loss and metrics below."
_SEARCH = "The loss over the learning rate, what the short runs came to, and the band of the suggestion."


def write(result: Result, *, found: FindResult | RangeResult | None = None, audit: str = "") -> Path:
    """Write the page, in place of one that is there.

    Args:
        result: what came out of the run; pictures that lie in its folder become part of the page.
        found: the search for its learning rate.
        audit: what the ledger says beside the plan.

    Raises:
        SchedulerError: if it cannot be written.
    """
    searched, trained = (_png(result.out / name) for name in ("find.png", "picture.png"))
    sections = [Section("Training", trained, _RUN, result.rows), Section("Plan", text=result.plan)]
    if found is not None or searched is not None:
        text = "" if found is None else str(found)
        sections.insert(0, Section("Finding the learning rate", searched, _SEARCH, text=text))
    if audit:
        sections.append(Section("Audit", text=audit))
    target = result.out / FILE
    try:
        disk.replace(target, report_html(result.name, _lead(result), sections))
    except OSError as error:
        raise SchedulerError(f"{target}: cannot be written: {error.strerror}.") from None
    return target


def _png(path: Path) -> Path | None:
    return path if path.exists() else None


def _lead(result: Result) -> str:
    """What came out, in one line."""
    metrics = "".join(f", {name} {value:.4g}" for name, value in result.metrics.items())
    return f"{result.updates} updates{metrics}{', interrupted' * result.stopped}."
