"""The ledger as training sees it: a row for each update, with its place, and what the user logs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rheostat.errors import RheostatWarning, SchedulerError, refuse
from rheostat.ledger import frames, reading
from rheostat.ledger.lines import Row, encode
from rheostat.ledger.path import path_of
from rheostat.ledger.tail import Limit, Tail
from rheostat.schedule import Run
from rheostat.schedule.levels import count, flag
from rheostat.schedule.run import Axis

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_RESERVED = ("update", "time", "used", "rheostat_ledger")
_JUMP = 0.1  # a thinned ledger keeps both sides of a change of more than a tenth

Used = dict[str, dict[str, float]]
Sink = Callable[[Row], object]


class Ledger:
    """A file that says what each update used: appended to, readable while it is written, and after a crash.

    Give it to the Scheduler (`rh.Scheduler(..., ledger=ledger)`), which records the values that each update read from
    the groups; add what you like with `log`. A row is written when the next one begins, or by `flush` or `close`; what
    is logged for it after that follows in a line of its own, and reading puts the two together.

    Args:
        path: the file. Its folder must exist.
        resume: whether to go on with an existing ledger; a torn last line is cut off.
        every: keep every n-th update (integer ≥ 1), and beside these: the first and the last of a session, both sides
            of a change of more than a tenth, what is flushed, and rows with a number that the update before did not
            have (an accuracy once an epoch; a loss at every update is thinned with its row).
        rotate: close the file before it exceeds this, such as "100 MB" or "1e6 rows", compress it beside the new one
            (`ledger.0001.jsonl.gz`), and read all of them back as one. Never by default.
        also: what else gets each row that is written, such as `rheostat.ledger.tensorboard("runs/tb")`: functions of
            the row, a dict, that do not change it. One that fails is left out from then on, with a warning.

    Raises:
        ScheduleError: for a bad `every` or `rotate`.
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

    def __init__(
        self,
        path: str | Path,
        *,
        resume: bool = False,
        every: int = 1,
        rotate: str | None = None,
        also: Sequence[Sink] = (),
    ) -> None:
        self.path = path_of("path", path, "'ledger.jsonl'")
        self._every = count("every", every, least=1)
        self._also = _sinks(also)
        self._tail = Tail(self.path, resume=flag("resume", resume), limit=None if rotate is None else Limit.of(rotate))
        self._pending: Row | None = None
        self._before: Row | None = None  # the row before the pending one, and whether it was left out
        self._left_out = False
        self._latest: int | None = self._tail.last.get("update")
        self._keys: Used = {}
        self._rates: tuple[tuple[str, float, bool], ...] = ()
        self._start = time.monotonic() - self._tail.last.get("time", 0.0)

    def attach(self, run: Run, *, axis: Axis = "updates") -> None:
        """Add to each row from now on where it lies in a run: "epoch", "samples" and "tokens" done before the update.

        Args:
            run: the run; what its rates do not give is left out. A later call replaces an earlier one.
            axis: what positions count: "epochs" where each update recorded stands for an epoch.

        Raises:
            ScheduleError: if `run` is no Run.
        """
        if not isinstance(run, Run):
            raise refuse("run", run, need="a Run", mend="rh.Run(steps=1000)")
        per_epoch = run.steps_per_epoch
        rates = {"epoch": (per_epoch, True), "samples": (run.samples_per_step, False)}
        rates["tokens"] = (run.tokens_per_step, False)
        if axis == "epochs":
            known = {name: rate * per_epoch for name, (rate, _) in rates.items() if rate and per_epoch}
            rates = {"epoch": (1, False), **{n: (known[n], False) for n in ("samples", "tokens") if n in known}}
        self._rates = tuple((name, rate, divides) for name, (rate, divides) in rates.items() if rate)

    def record(self, update: int, used: Used) -> None:
        """Begin the row of an update with the values it used: {key: {group: value}}."""
        if self._tail.file.closed:
            self._check_open()
        if self._pending is not None:
            self._settle(self._pending)
        self._latest, self._keys = update, used
        row: Row = {"update": update, "time": round(time.monotonic() - self._start, 6)}
        for name, rate, divides in self._rates:
            row[name] = update / rate if divides else update * rate
        row["used"] = used
        self._pending = row

    def log(self, **numbers: float) -> None:
        """Add numbers to the row of the latest update.

        Args:
            numbers: names and numbers (anything that float() takes: also tensors of one element).

        Raises:
            ScheduleError: for a name that the ledger uses itself, or a value that is no number.
            SchedulerError: if no update was recorded yet.
        """
        self._check_open()
        taken = (*_RESERVED, *self._keys, *(name for name, _, _ in self._rates))
        columns = (name for name in numbers if self._is_column(name))
        checked = {name: _number(name, value, (*taken, *columns)) for name, value in numbers.items()}
        if self._latest is None:
            raise SchedulerError("log(): no update is recorded yet. Try it after optimizer.step().")
        if checked:
            self._pending = {**(self._pending or {"update": self._latest}), **checked}

    def _is_column(self, name: str) -> bool:
        """Whether a name is that of a column of values used, such as "lr/0"."""
        key, _, label = name.partition("/")
        return label in self._keys.get(key, ())

    def truncate(self, position: int) -> None:
        """Drop the rows of updates ≥ position, which a resumed run will make again."""
        self._check_open()
        if self._pending is not None and self._pending["update"] < position:
            self.flush()
        self._pending = self._before = None
        self._tail.truncate(position)
        self._latest = self._tail.last.get("update")

    def flush(self) -> None:
        """Write the row that is being made, and hand everything to the operating system."""
        if self._pending is not None:
            self._settle(self._pending, keep=True)

    def sync(self) -> None:
        """Flush, and wait until the disk has it: before a checkpoint that refers to these updates."""
        self._check_open()
        self.flush()
        self._tail.sync()

    def close(self) -> None:
        """Write what is left and close the file."""
        if self._tail.file.closed:
            return
        try:
            self.flush()
        finally:
            self._tail.close()
            for sink in self._also:
                self._tell(sink, getattr(sink, "close", lambda: None))

    @staticmethod
    def read(path: str | Path) -> list[Row]:
        """The rows of a ledger as a list: see `rheostat.ledger.read_ledger`."""
        return reading.read_ledger(path)

    @staticmethod
    def rows(path: str | Path) -> Iterator[Row]:
        """The rows of a ledger one after the other: see `rheostat.ledger.iterate`."""
        return reading.iterate(path)

    @staticmethod
    def columns(path: str | Path) -> dict[str, reading.Column]:
        """A ledger as arrays: see `rheostat.ledger.columns`."""
        return reading.columns(path)

    @staticmethod
    def to_pandas(path: str | Path) -> pd.DataFrame:
        """A ledger as a pandas DataFrame: see `rheostat.ledger.to_pandas`."""
        return frames.to_pandas(path)

    @staticmethod
    def to_polars(path: str | Path) -> pl.DataFrame:
        """A ledger as a Polars DataFrame: see `rheostat.ledger.to_polars`."""
        return frames.to_polars(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._tail.file.closed:
            raise SchedulerError(f"ledger {str(self.path)!r}: is closed. Try closing it after the last update.")

    def _settle(self, row: Row, *, keep: bool = False) -> None:
        """Write a finished row, or leave it out where the ledger is thinned."""
        self._pending = None
        if self._every > 1 and "used" in row:
            before, self._before = self._before, row
            jumped = before is not None and _jumped(before["used"], row["used"])
            kept = (
                keep or jumped or before is None or row["update"] % self._every == 0 or not row.keys() <= before.keys()
            )
            if jumped and self._left_out and before is not None:
                self._write(before)
            self._left_out = not kept
            if not kept:
                return
        self._write(row)

    def _write(self, row: Row) -> None:
        self._tail.write(encode(row), row)
        for sink in self._also:
            self._tell(sink, sink, row)

    def _tell(self, sink: Sink, call: Callable[..., object], *given: Row) -> None:
        """Call what only looks on; it must not end the training."""
        try:
            call(*given)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the ledger goes on
            self._also = [other for other in self._also if other is not sink]
            name = getattr(sink, "__qualname__", type(sink).__qualname__)
            message = f"also={name}: {type(error).__name__}: {error}. The ledger itself goes on; this is left out."
            warnings.warn(message, RheostatWarning, stacklevel=4)


def _sinks(also: Any) -> list[Sink]:
    sinks = [also] if callable(also) else list(also) if isinstance(also, (list, tuple)) else [also]
    for sink in sinks:
        if not callable(sink):
            raise refuse("also", sink, need="functions of a row", mend="[rheostat.ledger.tensorboard('runs/tb')]")
    return sinks


def _jumped(before: Used, now: Used) -> bool:
    """Whether a value changed by more than a tenth, or a group came or went."""
    if before.keys() != now.keys():
        return True
    for key, by_group in now.items():
        earlier = before[key]
        if earlier.keys() != by_group.keys():
            return True
        for label, value in by_group.items():
            was = earlier[label]
            if value != was and not abs(value - was) <= _JUMP * abs(was):
                return True
    return False


def _number(name: str, value: Any, taken: Iterable[str]) -> float:
    if name in taken:
        raise refuse(name, value, need="another name; the ledger uses this one itself", mend=f"my_{name}")
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise refuse(name, value, need="a number", mend="one log(...) for each number") from None
