"""Reading a ledger, also while it is written and after its writer was killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rheostat.errors import SchedulerError

Row = dict[str, Any]
FORMAT = 1
_NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def read_ledger(path: str | Path) -> list[Row]:
    """The rows of a ledger, in the order written.

    Args:
        path: the ledger's file.

    Returns:
        One dict for each update: "update" (int), "time" (seconds since the ledger was opened), "used"
        ({key: {group: value}}), and what was logged. A torn last line, as a killed writer leaves it, is left out.

    Raises:
        SchedulerError: if the file does not exist, is no ledger, or is damaged before its last line.
    """
    found: list[Row] = []
    for _, row in rows(Path(path)):
        if "used" in row:
            found.append(row)
        elif found and row.get("update") == found[-1]["update"]:
            found[-1].update(row)  # numbers that were logged after their row had been written
    return found


def columns(path: str | Path) -> dict[str, NDArray[np.float64]]:
    """A ledger as columns of equal length, NaN where a row has no such number.

    Args:
        path: the ledger's file.

    Returns:
        Float64 arrays of shape (rows,): "update", "time", each key (the first group's values, such as "lr") and each
        key of each group ("lr/backbone"), and each logged number.

    Raises:
        SchedulerError: as `read_ledger`.
    """
    flat = [_flat(row) for row in read_ledger(path)]
    names = dict.fromkeys(name for row in flat for name in row)
    return {name: np.array([row.get(name, np.nan) for row in flat], dtype=np.float64) for name in names}


def rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Each whole row with the position of the byte behind it; the header first."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SchedulerError(f"ledger {str(path)!r}: cannot be read: {error.strerror}.") from None
    begin, number = 0, 0
    while (end := data.find(b"\n", begin)) >= 0:
        number += 1
        row = _row(data[begin:end], path, number)
        if number == 1 and row.get("rheostat_ledger") != FORMAT:
            raise SchedulerError(f"ledger {str(path)!r}: need a ledger of format {FORMAT}; its first line is another.")
        yield end + 1, row
        begin = end + 1


def _row(line: bytes, path: Path, number: int) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise SchedulerError(f"ledger {str(path)!r}: line {number} is damaged. Try the lines before it.")
    return {name: _numbers(value) for name, value in row.items()}


def _numbers(value: Any) -> Any:
    """Text that stands for a number which JSON does not know, as that number."""
    if isinstance(value, dict):
        return {name: _numbers(v) for name, v in value.items()}
    return _NOT_FINITE.get(value, value) if isinstance(value, str) else value


def _flat(row: Row) -> dict[str, float]:
    flat: dict[str, float] = {}
    for key, by_group in row["used"].items():
        for label, value in by_group.items():
            flat.setdefault(key, value)
            flat[f"{key}/{label}"] = value
    numbers = {name: value for name, value in row.items() if isinstance(value, (int, float))}
    return {**numbers, **flat}
