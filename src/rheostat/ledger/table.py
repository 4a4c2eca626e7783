"""A ledger as columns that grow row by row.

Rows that look alike but for their numbers, and nearly all do, are read by cutting the numbers out: the first of a kind
is read as JSON, and says which number is of which column. Whatever does not fit is read as JSON.
"""

from __future__ import annotations

import math
import re
from array import array
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rheostat.ledger.lines import Row

if TYPE_CHECKING:
    Numbers = array[float]

_NUMBER = re.compile(rb"(?<=:)(-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?)(?=[,}])")
_MOST_KINDS = 64


class Table:
    """Columns that grow row by row; a number that is missing becomes NaN."""

    def __init__(self) -> None:
        self.size = 0
        self.latest = -1
        self.numbers: dict[str, Numbers] = {}
        self.used: dict[str, dict[str, Numbers]] = {}
        self.first: dict[str, Numbers] = {}  # of keys whose first group changed on the way
        self.kinds: dict[tuple[bytes, ...], list[Numbers]] = {}

    def add_line(self, line: bytes) -> bool:
        """Add a row of a kind that is known from its line; false, and nothing is done, where it is none."""
        pieces = _NUMBER.split(line)
        columns = self.kinds.get(tuple(pieces[::2]))
        if columns is None or not pieces[1].isdigit():
            return False
        values = [float(text) for text in pieces[1::2]]
        if not all(value - value == 0 for value in values):
            return False
        size = self.size
        for column, value in zip(columns, values, strict=True):
            if len(column) != size:
                _pad(column, size)
            column.append(value)
        self.size, self.latest = size + 1, int(pieces[1])
        return True

    def add(self, row: Row, line: bytes) -> None:
        """Add a row as it was read from a line."""
        if "used" not in row:
            if self.size and row["update"] == self.latest:
                self._late(row)
            return
        size, columns, values = self.size, [], []
        for name, value in row.items():
            if name != "used":
                columns.append(_put(self.numbers, name, value, size))
                values.append(value)
                continue
            for key, by_group in value.items():
                known = self.used.setdefault(key, {})
                for label, v in by_group.items():
                    columns.append(_put(known, label, v, size))
                    values.append(v)
                self._first(key, by_group, known)
        self.size, self.latest = size + 1, row["update"]
        pieces = _NUMBER.split(line)
        alike = list(map(float, pieces[1::2])) == values and next(iter(row)) == "update"
        if alike and not self.first and len(self.kinds) < _MOST_KINDS:
            self.kinds[tuple(pieces[::2])] = columns

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """All columns, of equal length."""
        result = {name: self._whole(values) for name, values in self.numbers.items()}
        for key, groups in self.used.items():
            arrays = {label: self._whole(values) for label, values in groups.items()}
            if arrays:
                result[key] = self._whole(self.first[key]) if key in self.first else next(iter(arrays.values()))
            result |= {f"{key}/{label}": values for label, values in arrays.items()}
        return result

    def _late(self, row: Row) -> None:
        """Numbers that were logged after their row had been written."""
        for name, value in row.items():
            column = self.numbers.get(name)
            if column is not None and len(column) == self.size:
                column[-1] = value
            else:
                _put(self.numbers, name, value, self.size - 1)

    def _first(self, key: str, by_group: dict[str, float], known: dict[str, Numbers]) -> None:
        """Follow the first group's values where it is not always the same group."""
        if not by_group:
            return
        label, usual = next(iter(by_group)), next(iter(known))
        if label != usual and key not in self.first:
            self.first[key] = known[usual][: self.size]
            self.kinds.clear()
        if key in self.first:
            _put(self.first, key, by_group[label], self.size)

    def _whole(self, values: Numbers) -> NDArray[np.float64]:
        _pad(values, self.size)
        return np.frombuffer(values, dtype=np.float64) if values else np.empty(0)


def _put(into: dict[str, Numbers], name: str, value: float, at: int) -> Numbers:
    values = into.get(name)
    if values is None:
        values = into[name] = array("d")
    if len(values) < at:
        _pad(values, at)
    values.append(value)
    return values


def _pad(values: Numbers, size: int) -> None:
    missing = size - len(values)
    if missing == 1:
        values.append(math.nan)
    elif missing:
        values.frombytes(np.full(missing, np.nan).tobytes())
