"""One line of a ledger: how a row is written, and how it is read back strictly and within limits."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from rheostat.errors import SchedulerError

Row = dict[str, Any]
FORMAT = 2
FORMATS = (1, 2)
LONGEST = 16 * 2**20  # bytes of one line: a row of 100 000 groups is shorter
MARK = b'{"rheostat_ledger":'
_MOST = 10**15
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_UPDATE = re.compile(rb'\{"update":([0-9]{1,16})[,}]')


def encode(row: Row) -> bytes:
    """A row as its line; numbers that JSON does not know become text."""
    try:
        return _ENCODE(row).encode() + b"\n"
    except ValueError:
        return _ENCODE(_valid(row)).encode() + b"\n"


def header(part: int, began: float, last: Row | None = None) -> bytes:
    """The first line of a file: its format, which part it is, when the ledger began, and the row before it."""
    known = {} if last is None else {f"last_{name}": last[name] for name in ("update", "time") if name in last}
    return encode({"rheostat_ledger": FORMAT, "part": part, "began": began, **known})


def decode(line: bytes) -> Row | None:
    """The row of a line, or None where the line is none of ours: damaged, or not written by a ledger."""
    try:
        row = _DECODE(line.decode())
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and (_is_row(row) or _is_header(row)) else None


def whole_lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The lines of a file; one that a killed writer left torn at the end is left out."""
    while line := file.readline(LONGEST):
        if not line.endswith(b"\n"):
            if len(line) == LONGEST:
                raise SchedulerError(
                    f"ledger {str(path)!r}: a line is longer than {LONGEST >> 20} MiB: no ledger of ours."
                )
            return
        yield line


def rows(file: BinaryIO, path: Path, taken: Callable[[bytes], bool] | None = None) -> Iterator[tuple[Row, bytes]]:
    """The rows of one file with their lines, its header first; without the lines that `taken` takes as they are."""
    for number, line in enumerate(whole_lines(file, path), 1):
        if taken is not None and taken(line):
            continue
        row = decode(line)
        if number == 1 and line.startswith(b"{") and (row or {}).get("rheostat_ledger") not in FORMATS:
            known = " or ".join(map(str, FORMATS))
            raise SchedulerError(f"ledger {str(path)!r}: need a ledger of format {known}; its first line is another.")
        if row is None or (number == 1) != ("rheostat_ledger" in row):
            raise SchedulerError(f"ledger {str(path)!r}: line {number} is damaged. Try the lines before it.")
        yield row, line


def update_of(line: bytes) -> int | None:
    """The update that a line belongs to; None for a header, or for a line that is damaged."""
    found = _UPDATE.match(line)
    if found:
        return int(found[1])
    row = decode(line)
    return None if row is None else row.get("update")


def _is_header(row: Row) -> bool:
    numbers = (row.get(name, 0) for name in ("part", "began", "last_update", "last_time"))
    return type(row.get("rheostat_ledger")) is int and all(type(n) in (int, float) for n in numbers)


def _is_row(row: Row) -> bool:
    """Whether a row holds what a ledger writes; text that stands for a number becomes that number."""
    update = row.get("update")
    if type(update) is not int or not 0 <= update <= _MOST:
        return False
    for name, value in row.items():
        if name != "used":
            if not _is_number(row, name, value):
                return False
        elif type(value) is not dict or not all(
            type(by) is dict and all(_is_number(by, label, v) for label, v in by.items()) for by in value.values()
        ):
            return False
    return True


def _is_number(of: Row, name: str, value: Any) -> bool:
    if type(value) is float:
        return value - value == 0  # 1e999 is read as infinite
    if type(value) is int:
        return abs(value) <= 2**63
    if type(value) is str and value in _NOT_FINITE:
        of[name] = _NOT_FINITE[value]
        return True
    return False


def _valid(value: Any) -> Any:
    """Numbers that JSON does not know, as text."""
    if isinstance(value, dict):
        return {name: _valid(v) for name, v in value.items()}
    return str(float(value)) if isinstance(value, float) and not math.isfinite(value) else value


def _unique(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a name is there twice")
    return row


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_DECODE = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode
