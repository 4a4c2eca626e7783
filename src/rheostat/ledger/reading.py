"""Reading a ledger, also while it is written and after its writer was killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rheostat.ledger.lines import Row
from rheostat.ledger.parts import all_rows
from rheostat.ledger.path import path_of
from rheostat.ledger.table import Table

Column = NDArray[np.float64]


def iterate(path: str | Path) -> Iterator[Row]:
    """The rows of a ledger, one after the other, in the order written; nothing is held but the row at hand.

    Args:
        path: the ledger's file; closed parts beside it are read first.

    Returns:
        An iterator of dicts: "update" (int), "time" (seconds of training so far, over all sessions), "epoch",
        "samples" and "tokens" where the run gave them, "used" ({key: {group: value}}), and what was logged. A torn
        last line, as a killed writer leaves it, is left out.

    Raises:
        SchedulerError: if the file does not exist, is no ledger, or is damaged before its last line.
        ScheduleError: if `path` is no path.
    """
    held: Row | None = None
    for row, _ in all_rows(_file(path)):
        if "used" in row:
            if held is not None:
                yield held
            held = row
        elif held is not None and row.get("update") == held["update"]:
            held.update(row)  # numbers that were logged after their row had been written
    if held is not None:
        yield held


def read_ledger(path: str | Path) -> list[Row]:
    """The rows of a ledger as a list: see `iterate`, which needs less memory."""
    return list(iterate(path))


def columns(path: str | Path) -> dict[str, Column]:
    """A ledger as columns of equal length, NaN where a row has no such number.

    Args:
        path: the ledger's file; closed parts beside it are read first.

    Returns:
        Float64 arrays of shape (rows,): "update", "time", place and logged numbers, each key (the first group's values,
        such as "lr") and each key of each group ("lr/backbone"). Eight bytes for each number; no row is kept, and
        "lr" shares its memory with the first group's column.

    Raises:
        SchedulerError: as `iterate`.
    """
    table = Table()
    for row, line in all_rows(_file(path), table.add_line):
        table.add(row, line)
    return table.columns()


def _file(path: str | Path) -> Path:
    return path_of("path", path, "'runs/digits-1/ledger.jsonl'")
