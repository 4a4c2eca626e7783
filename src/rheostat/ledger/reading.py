"""Reading a ledger, also while it is written and after its writer was killed."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rheostat.ledger.lines import Row
from rheostat.ledger.parts import all_rows

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
    """
    held: Row | None = None
    for row in all_rows(Path(path)):
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
    table = _Table()
    for row in iterate(path):
        table.add(row)
    return table.columns()


class _Table:
    """Columns that grow row by row; a number that is missing becomes NaN."""

    def __init__(self) -> None:
        self.size = 0
        self.numbers: dict[str, array[float]] = {}
        self.used: dict[str, dict[str, array[float]]] = {}
        self.first: dict[str, array[float]] = {}  # keys whose first group changed on the way

    def add(self, row: Row) -> None:
        size = self.size
        for key, by_group in row.pop("used").items():
            known = self.used.setdefault(key, {})
            for label, value in by_group.items():
                _put(known, label, value, size)
            self._first(key, by_group, known)
        for name, value in row.items():
            _put(self.numbers, name, value, size)
        self.size = size + 1

    def _first(self, key: str, by_group: dict[str, float], known: dict[str, array[float]]) -> None:
        """Follow the first group's values where it is not always the same group."""
        if not by_group:
            return
        label, usual = next(iter(by_group)), next(iter(known))
        if label != usual and key not in self.first:
            self.first[key] = known[usual][: self.size]
        if key in self.first:
            _put(self.first, key, by_group[label], self.size)

    def columns(self) -> dict[str, Column]:
        result = {name: self._whole(values) for name, values in self.numbers.items()}
        for key, groups in self.used.items():
            arrays = {label: self._whole(values) for label, values in groups.items()}
            if arrays:
                result[key] = self._whole(self.first[key]) if key in self.first else next(iter(arrays.values()))
            result |= {f"{key}/{label}": values for label, values in arrays.items()}
        return result

    def _whole(self, values: array[float]) -> Column:
        _pad(values, self.size)
        return np.frombuffer(values, dtype=np.float64) if values else np.empty(0)


def _put(into: dict[str, array[float]], name: str, value: float, at: int) -> None:
    values = into.get(name)
    if values is None:
        values = into[name] = array("d")
    if len(values) < at:
        _pad(values, at)
    values.append(value)


def _pad(values: array[float], size: int) -> None:
    values.frombytes(np.full(size - len(values), np.nan).tobytes())
