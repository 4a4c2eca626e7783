"""The file that a ledger is appended to: whole rows only, rotated and cut back without losing any."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rheostat.errors import SchedulerError, refuse
from rheostat.ledger.lines import MARK, Row, decode, header, rows, update_of, whole_lines
from rheostat.ledger.parts import closed_parts, opened, packed, part_path

_BLOCK = 2**16
_MEND = "'100 MB' or '1e6 rows'"
_UNITS = {"rows": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_LIMIT = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,6})?(?:e[0-9]{1,2})?)\s*(rows|kb|mb|gb)\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a file of a ledger may get before it is closed: "100 MB", "2 GB", "1e6 rows"."""

    amount: float
    unit: str

    @staticmethod
    def of(text: str) -> Limit:
        """Read a limit from its text."""
        match = _LIMIT.fullmatch(text) if isinstance(text, str) and len(text) < 64 else None
        amount = float(match[1]) * _UNITS[match[2].lower()] if match else 0.0
        if match is None or amount < 1:
            raise refuse("rotate", text, need="a size or a number of rows, with its unit", mend=_MEND)
        return Limit(amount, "rows" if match[2].lower() == "rows" else "bytes")


class Tail:
    """The end of a ledger, where rows are appended, one write for each.

    Args:
        path: the file.
        resume: whether to go on with what is there, its torn last row cut off.
        limit: when to close the file and begin the next; never by default.

    Attributes:
        part: which part of the ledger the file is, from 1.
        size: bytes in the file; all of them are whole rows.
        count: lines in the file, counted only where the limit is a number of rows.
        last: what is known of the last row: its "update" and "time".
    """

    def __init__(self, path: Path, *, resume: bool, limit: Limit | None = None) -> None:
        self.path, self.part, self.began, self.limit = path, 1, round(time.time(), 3), limit
        self.last: Row = {}
        self.size = self.count = 0
        parts = closed_parts(path)
        exists = bool(parts) or (path.exists() and path.stat().st_size > 0)
        if exists and not resume:
            found = str(path) if path.exists() else str(min(parts.values()))
            mend = "Try another path, or resume=True."
            raise SchedulerError(f"ledger {str(path)!r}: {'' if path.exists() else found + ' '}exists already. {mend}")
        with self._errors():
            if parts and not path.exists():  # killed between two files of a rotation
                path.touch()
            if exists:
                self._repair()
            self._open()
            if self.size == 0:
                self._append(header(self.part, self.began))

    def write(self, line: bytes, row: Row) -> None:
        """Append the line of a row, whole or not at all; where it would be too much for this file, in the next one."""
        # What is logged late stays in the file of its row.
        if self.limit is not None and "used" in row and self.count and self._exceeds(len(line)):
            self.rotate()
        with self._errors():
            self._append(line)
        self.count += 1
        self.last = row if "time" in row else {**self.last, "update": row["update"]}

    def rotate(self) -> None:
        """Close the file as a part, and begin a new one; then compress the part."""
        part = part_path(self.path, self.part)
        with self._errors():
            os.fsync(self.file.fileno())
            aside = self.path.with_name(f".{self.path.name}.next")
            aside.write_bytes(header(self.part + 1, self.began, self.last))
            try:
                os.link(self.path, part)  # so that the file is there at every moment
            except OSError:
                self.path.rename(part)  # a file system without links
            aside.replace(self.path)
            self.file.close()
            self.part += 1
            self._open()
        with contextlib.suppress(OSError):  # it stays as it is, and the next resume tries again
            _pack(part)

    def truncate(self, position: float) -> None:
        """Drop the rows of updates ≥ position, also from closed parts."""
        with self._errors():
            self.file.close()
            parts = {n: p for n, p in closed_parts(self.path).items() if n < self.part}
            while parts and self._nothing_before(position):
                number = max(parts)
                self._reopen_part(parts.pop(number), number, position)
            self._cut(position)
            self._open()

    def sync(self) -> None:
        """Make sure that what was written is on the disk."""
        with self._errors():
            os.fsync(self.file.fileno())

    def close(self) -> None:
        """Sync and close."""
        if not self.file.closed:
            self.sync()
            self.file.close()

    def _open(self) -> None:
        self.file = self.path.open("ab", buffering=0)
        self.size = self.path.stat().st_size
        self.count = 0
        if self.limit is not None and self.size:
            with self.path.open("rb") as file:
                blocks = iter(lambda: file.read(2**20), b"")
                self.count = sum(block.count(b"\n") for block in blocks) - 1

    def _exceeds(self, more: int) -> bool:
        assert self.limit is not None
        return self.limit.amount < (self.count + 1 if self.limit.unit == "rows" else self.size + more)

    def _append(self, line: bytes) -> None:
        written = 0
        try:
            while written < len(line):
                written += self.file.write(line[written:]) or 0
        except OSError:
            with contextlib.suppress(OSError):
                self.file.truncate(self.size)  # no half row, which the next one would be appended to
            raise
        self.size += written

    def _repair(self) -> None:
        """Cut off a torn last row, and clear away what an interrupted rotation or truncation left."""
        with self.path.open("rb") as file:
            first = file.readline(4096)
        row = decode(first) if first.endswith(b"\n") else None
        torn = b"\n" not in first and len(first) < 4096 and (first.startswith(MARK) or MARK.startswith(first))
        if torn:  # its writer died at once
            self.part = max(closed_parts(self.path), default=0) + 1
            os.truncate(self.path, 0)
            return
        if row is None or "rheostat_ledger" not in row:
            raise SchedulerError(f"ledger {str(self.path)!r}: is no ledger; nothing was changed. Try another path.")
        with self.path.open("rb") as file:
            next(rows(file, self.path))  # refuses a format that is not known
        self.part, self.began = int(row.get("part", 1)), row.get("began", self.began)
        self._cut(float("inf"))
        for number, part in closed_parts(self.path).items():
            if number >= self.part:
                part.unlink()
            elif not part.name.endswith(".gz"):
                with contextlib.suppress(OSError):
                    _pack(part)

    def _cut(self, position: float) -> None:
        """Cut the file behind its last row of an update before `position`."""
        end, known = 0, Row()
        with self.path.open("rb") as file:
            for stop, line in _backwards(file):
                update = update_of(line)
                if update is not None and update >= position:
                    continue
                end = end or stop
                row = decode(line)
                if row is None:
                    raise SchedulerError(f"ledger {str(self.path)!r}: its last line is damaged; nothing was changed.")
                known = {**_known(row), **known}
                if update is None or "time" in known:
                    break
        os.truncate(self.path, end)
        self.last = known

    def _nothing_before(self, position: float) -> bool:
        """Whether the file holds no row of an update before `position`."""
        with self.path.open("rb") as file:
            for line in whole_lines(file, self.path):
                update = update_of(line)
                if update is not None:
                    return update >= position
        return True

    def _reopen_part(self, part: Path, number: int, position: float) -> None:
        """Write to a closed part again, cut back to the rows before `position`."""
        end = size = 0
        with opened(part) as file:
            for line in whole_lines(file, part):
                size += len(line)
                update = update_of(line)
                if update is None or update < position:
                    end = size
        aside = self.path.with_name(f".{self.path.name}.next")
        with opened(part) as source, aside.open("wb") as target:
            left = end
            while left > 0 and (block := source.read(min(left, 2**20))):
                left -= target.write(block)
            target.flush()
            os.fsync(target.fileno())
        aside.replace(self.path)
        self.part = number
        part.unlink()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SchedulerError(f"ledger {str(self.path)!r}: cannot be written: {error.strerror}.") from None


def _known(row: Row) -> Row:
    """The last update and time that a row, or a header, knows of."""
    prefix = "last_" if "rheostat_ledger" in row else ""
    return {name: row[prefix + name] for name in ("update", "time") if prefix + name in row}


def _pack(part: Path) -> None:
    """Compress a closed part; it is there, whole, at every moment."""
    aside = part.with_name(f".{part.name}.gz")
    with part.open("rb") as source, aside.open("wb") as target:
        with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=1, filename="", mtime=0) as unpacked:
            shutil.copyfileobj(source, unpacked, 2**20)
        target.flush()
        os.fsync(target.fileno())
    aside.replace(packed(part))
    part.unlink()


def _backwards(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The whole lines of a file from its end on, each with the position behind it."""
    at = file.seek(0, os.SEEK_END)
    data = b""
    while at > 0 or data:
        newline = data.rfind(b"\n", 0, max(len(data) - 1, 0))
        if newline < 0 and at > 0:
            begin = max(0, at - _BLOCK)
            file.seek(begin)
            data, at = file.read(at - begin) + data, begin
            continue
        line = data[newline + 1 :]
        if line.endswith(b"\n"):
            yield at + len(data), line
        data = data[: newline + 1]
