"""The files of a ledger: one that is appended to, and the closed parts before it.

`ledger.jsonl` is written to. Where rotation is asked for, it is closed now and then, and becomes
`ledger.0001.jsonl.gz`, `ledger.0002.jsonl.gz`, …; the header of each file says which part it is. At every moment a
reader finds all of it, and so does a resumed writer after a kill: a part with the number of the file that is written
to, or a higher one, is left over from something that was interrupted, and is not read.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from rheostat.errors import SchedulerError
from rheostat.ledger.lines import Row, rows

Taken = Callable[[bytes], bool] | None
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


def part_path(path: Path, number: int) -> Path:
    """Where part `number` of a ledger is, before it is compressed."""
    return path.with_name(f"{path.stem}.{number:04d}{path.suffix}")


def packed(part: Path) -> Path:
    """Where a part is once it is compressed."""
    return part.with_name(part.name + ".gz")


def closed_parts(path: Path) -> dict[int, Path]:
    """The closed parts of a ledger by their number; while a part is being compressed, the one that is whole."""
    pattern = re.compile(rf"{re.escape(path.stem)}\.([0-9]{{4,9}}){re.escape(path.suffix)}(\.gz)?")
    found: dict[int, Path] = {}
    try:
        names = sorted(p.name for p in path.parent.iterdir())
    except OSError:
        return found
    for name in names:  # "….jsonl" comes before "….jsonl.gz"
        match = pattern.fullmatch(name)
        if match:
            found.setdefault(int(match[1]), path.with_name(name))
    return found


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file of a ledger, unpacked as it is read; errors of reading become ours."""
    try:
        with cast("BinaryIO", gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
            yield file
    except _DAMAGED:
        raise SchedulerError(f"ledger {str(path)!r}: is damaged; it cannot be unpacked.") from None
    except OSError as error:
        raise SchedulerError(f"ledger {str(path)!r}: cannot be read: {error.strerror}.") from None


def all_rows(path: Path, taken: Taken = None) -> Iterator[tuple[Row, bytes]]:
    """Every row of a ledger with its line, part after part; without headers, and the lines that `taken` takes."""
    parts = closed_parts(path)
    if not path.exists() and parts:  # its writer was killed between two files
        yield from _of_parts(path, parts, max(parts) + 1, taken)
        return
    with opened(path) as file:  # held open, so that a rotation meanwhile neither hides rows nor shows them twice
        own = rows(file, path, taken)
        first = next(own, None)
        if first is not None:
            yield from _of_parts(path, closed_parts(path), first[0].get("part", 1), taken)
            yield from own


def header_of(path: Path) -> Row:
    """The header of a ledger's last file; empty where there is none."""
    if not path.exists():
        return {}
    with opened(path) as file:
        return next(rows(file, path), ({}, b""))[0]


def _of_parts(path: Path, parts: dict[int, Path], stop: int, taken: Taken) -> Iterator[tuple[Row, bytes]]:
    numbers = [n for n in sorted(parts) if n < stop]
    # The oldest parts may have been deleted to save space; one in the middle may not.
    missing = set(range(numbers[0], stop)) - set(numbers) if numbers else set()
    if missing:
        name = part_path(path, min(missing)).name
        raise SchedulerError(f"ledger {str(path)!r}: its part {name} is missing. Try putting it back beside them.")
    for n in numbers:
        yield from _of_part(path, n, taken)


def _of_part(path: Path, number: int, taken: Taken) -> Iterator[tuple[Row, bytes]]:
    part = part_path(path, number)
    try:
        file = part.open("rb")
    except FileNotFoundError:
        part = packed(part)  # compressed just now, or long ago
    else:
        with file:
            yield from islice(rows(file, part, taken), 1, None)
            return
    with opened(part) as unpacked:
        yield from islice(rows(unpacked, part, taken), 1, None)
