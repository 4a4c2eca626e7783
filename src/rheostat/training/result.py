"""What came out of a run: numbers, where its files are, and the tables that are shown of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

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
        picture: where planned and used are drawn, if they could be.
        rows: the table of planned and used, with its head.
        plan: the table of what drives each key, with its head.
        notes: the run, and what lint says of the schedules, as text.
    """

    out: Path
    metrics: dict[str, float]
    updates: int
    difference: float
    stopped: bool
    name: str = ""
    picture: Path | None = field(default=None, repr=False)
    rows: Rows = field(default=(), repr=False)
    plan: Rows = field(default=(), repr=False)
    notes: str = field(default="", repr=False)
