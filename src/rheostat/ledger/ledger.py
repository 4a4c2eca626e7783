"""Writing the ledger: one line of JSON for each update, appended."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from rheostat.errors import SchedulerError, refuse
from rheostat.ledger.reading import FORMAT, Row, read_ledger, rows

_RESERVED = ("update", "time", "used", "rheostat_ledger")
_HEADER = f'{{"rheostat_ledger":{FORMAT}}}\n'


class Ledger:
    """A file that says what each update used: appended to, readable while it is written, and after a crash.

    Give it to the Scheduler (`rh.Scheduler(..., ledger=ledger)`), which records the values that each update read from
    the groups; add what you like with `log`. A row is written when the next one begins, or by `flush` or `close`; what
    is logged for it after that follows in a line of its own, and reading puts the two together.

    Args:
        path: the file. Its folder must exist.
        resume: whether to go on with an existing ledger; a torn last line is cut off.

    Raises:
        SchedulerError: if the file exists and `resume` is false, or is no ledger, or cannot be written.

    Example:
        >>> import rheostat as rh, tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "ledger.jsonl"
        >>> with rh.Ledger(path) as ledger:
        ...     ledger.record(0, {"lr": {"0": 0.1}})
        ...     ledger.log(loss=2.3)
        >>> rh.Ledger.read(path)[0]["used"], rh.Ledger.read(path)[0]["loss"]
        ({'lr': {'0': 0.1}}, 2.3)
    """

    def __init__(self, path: str | Path, *, resume: bool = False) -> None:
        self.path = Path(path)
        self._pending: Row | None = None
        self._latest: int | None = None
        self._keys: Iterable[str] = ()
        self._start = time.monotonic()
        exists = self.path.exists() and self.path.stat().st_size > 0
        if exists and not resume:
            raise SchedulerError(f"ledger {str(path)!r}: exists already. Try another path, or resume=True.")
        if exists:
            self._cut(float("inf"))
        self._file = self._open()
        if self.path.stat().st_size == 0:
            self._file.write(_HEADER)

    def record(self, update: int, used: dict[str, dict[str, float]]) -> None:
        """Begin the row of an update with the values it used: {key: {group: value}}."""
        self._check_open()
        self.flush()
        self._latest, self._keys = update, used
        self._pending = {"update": update, "time": round(time.monotonic() - self._start, 6), "used": used}

    def log(self, **numbers: float) -> None:
        """Add numbers to the row of the latest update.

        Args:
            numbers: names and numbers (anything that float() takes: also tensors of one element).

        Raises:
            ScheduleError: for a name that the ledger uses itself, or a value that is no number.
            SchedulerError: if no update was recorded yet.
        """
        self._check_open()
        checked = {name: _number(name, value, self._keys) for name, value in numbers.items()}
        if self._latest is None:
            raise SchedulerError("log(): no update is recorded yet. Try it after optimizer.step().")
        if checked:
            self._pending = {**(self._pending or {"update": self._latest}), **checked}

    def truncate(self, position: int) -> None:
        """Drop the rows of updates ≥ position, which a resumed run will make again."""
        self._check_open()
        self._pending = None
        self._file.close()
        self._cut(position)
        self._file = self._open()

    def flush(self) -> None:
        """Write the row that is being made, and hand everything to the operating system."""
        if self._pending is not None:
            self._write(self._pending)
            self._pending = None

    def close(self) -> None:
        """Write what is left and close the file."""
        if not self._file.closed:
            self.flush()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    @staticmethod
    def read(path: str | Path) -> list[Row]:
        """The rows of a ledger: see `rheostat.ledger.read_ledger`."""
        return read_ledger(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open(self) -> IO[str]:
        try:
            # One line, one write: a reader never waits for more than the row that is being made.
            return self.path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise SchedulerError(f"ledger {str(self.path)!r}: cannot be written: {error.strerror}.") from None

    def _check_open(self) -> None:
        if self._file.closed:
            raise SchedulerError(f"ledger {str(self.path)!r}: is closed. Try closing it after the last update.")

    def _write(self, row: Row) -> None:
        self._file.write(json.dumps(_valid(row), separators=(",", ":"), allow_nan=False) + "\n")

    def _cut(self, position: float) -> None:
        """Keep the whole rows before `position`, and cut off everything behind the last of them."""
        end, self._latest = 0, None
        for behind, row in rows(self.path):
            if row.get("update", -1) >= position:
                break
            end, self._latest = behind, row.get("update")
        if end == 0 and not _HEADER.encode().startswith(self.path.read_bytes()):  # else its writer died at once
            raise SchedulerError(f"ledger {str(self.path)!r}: is no ledger; nothing was changed. Try another path.")
        with self.path.open("r+b") as file:
            file.truncate(end)


def _number(name: str, value: Any, used: Iterable[str]) -> float:
    if name in _RESERVED or name in used:
        raise refuse(name, value, need="another name; the ledger uses this one itself", mend=f"my_{name}")
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise refuse(name, value, need="a number", mend="one log(...) for each number") from None


def _valid(value: Any) -> Any:
    """Numbers that JSON does not know, as text."""
    if isinstance(value, dict):
        return {name: _valid(v) for name, v in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
