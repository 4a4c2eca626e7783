"""CSV and JSONL files, read line by line within limits."""

from __future__ import annotations

import csv
import io
import json
import math
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rheostat.errors import SchedulerError
from rheostat.ledger.audit.guess import Choice
from rheostat.ledger.audit.plan import FloatArray
from rheostat.ledger.lines import LONGEST
from rheostat.ledger.parts import opened

_MOST_COLUMNS = 10_000
_DEEPEST = 8
_EMPTY = ("", "null", "None", "NA")


def read(path: Path, choice: Choice) -> dict[str, FloatArray]:
    """The columns of a file that may matter, NaN where a row has no such number.

    Raises:
        SchedulerError: if the file is empty, no table, damaged, or holds a value that is no finite number.
    """
    columns: dict[str, array[float]] = {}
    others: dict[str, None] = {}
    size = 0
    for number, row in _rows(path):
        for name, cell in row.items():
            if not choice.may_matter(name):
                others[name] = None
                continue
            if cell is None or cell in _EMPTY:
                continue
            values = columns.setdefault(name, array("d"))
            values.extend([math.nan] * (size - len(values)))
            values.append(_number(cell, name, path, number))
        size += 1
        if len(columns) + len(others) > _MOST_COLUMNS:
            raise SchedulerError(f"{path}: has more than {_MOST_COLUMNS} columns. Try the log's file.")
    if size == 0:
        raise SchedulerError(f"{path}: holds no rows.")
    for values in columns.values():
        values.extend([math.nan] * (size - len(values)))
    read = {name: np.frombuffer(values, dtype=np.float64) for name, values in columns.items()}
    return read | {name: np.empty(0) for name in others if name not in read}  # named where none is found


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = _lines(path)
    first = next(lines, None)
    if first is None:
        raise SchedulerError(f"{path}: is empty.")
    if first.lstrip().startswith(("{", "[")):
        yield from _of_json(path, first, lines)
    else:
        yield from _of_csv(path, first, lines)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text file that hold anything."""
    with opened(path) as file:
        while line := file.readline(LONGEST):
            if len(line) == LONGEST and not line.endswith(b"\n"):
                raise SchedulerError(f"{path}: a line is longer than {LONGEST >> 20} MiB: no log.")
            try:
                text = line.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise SchedulerError(f"{path}: is no text. Need a ledger, CSV, JSONL or TensorBoard events.") from None
            if "\0" in text:
                raise SchedulerError(f"{path}: is no text. Need a ledger, CSV, JSONL or TensorBoard events.")
            yield text


def _of_json(path: Path, first: str, rest: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    number, line = 1, first
    while True:
        if line.strip():
            try:
                row = json.loads(line, object_pairs_hook=Pairs)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, Pairs):
                yield number, _once(_flat(row, path, number), f"{path}: line {number}")
            elif line.endswith("\n") or row is not None:  # else torn by the end of its writer
                raise SchedulerError(f"{path}: line {number} is no JSON object. Need one for each line.")
        following = next(rest, None)
        if following is None:
            return
        number, line = number + 1, following


class Pairs(list[tuple[str, Any]]):
    """An object of JSON with all its names, also those that are there twice."""


def _once(cells: Iterator[tuple[str, Any]], where: str) -> dict[str, Any]:
    """The cells of a row, each of which has a name of its own."""
    row: dict[str, Any] = {}
    for name, cell in cells:
        if name in row:
            raise SchedulerError(
                f"{where} has {name[:40]!r} twice: {row[name]!s:.40} and {cell!s:.40}. Which is meant?"
            )
        row[name] = cell
    return row


def _flat(row: Pairs, path: Path, number: int, prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    for name, value in row:
        if isinstance(value, Pairs):
            if depth == _DEEPEST:
                raise SchedulerError(f"{path}: line {number} is nested more than {_DEEPEST} deep.")
            yield from _flat(value, path, number, f"{prefix}{name}/", depth + 1)
        elif not isinstance(value, list):
            yield prefix + name, value


def _of_csv(path: Path, first: str, rest: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    delimiter = max(",;\t", key=first.count)
    try:
        header = [name.strip() for name in next(csv.reader(io.StringIO(first), delimiter=delimiter))]
        _once(((name, f"column {i}") for i, name in enumerate(header, 1) if name), f"{path}: the first line")
        table = csv.reader(rest, delimiter=delimiter)
        for cells in table:
            if cells:
                yield table.line_num + 1, dict(zip(header, (cell.strip() for cell in cells), strict=False))
    except csv.Error as error:
        raise SchedulerError(f"{path}: is no CSV: {error}.") from None


def _number(cell: Any, name: str, path: Path, line: int) -> float:
    try:
        value = math.nan if isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        shown = str(cell)[:40]
        need = "need a finite number, or nothing where there is none"
        raise SchedulerError(f"{path}: line {line}: {name} is {shown}: {need}.")
    return value
