"""A ledger shown elsewhere: TensorBoard, Weights & Biases. Live, as `Ledger(path, also=...)`, or replayed.

The ledger stays the record: these get float32 (TensorBoard), and only what was written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from rheostat.errors import SchedulerError
from rheostat.ledger.frames import missing
from rheostat.ledger.lines import Row
from rheostat.ledger.parts import all_rows, header_of

_EXTRA = "trackers"
_PLACES = ("update", "time", "used")

_Tracker = TypeVar("_Tracker", "TensorBoard", "WeightsAndBiases")


def tensorboard(logdir: str | Path) -> TensorBoard:
    """Rows to TensorBoard while they are written: `rh.Ledger(path, also=rheostat.ledger.tensorboard("runs/tb"))`.

    Args:
        logdir: the folder of the event file; made where it does not exist.

    Returns:
        What `also` takes. Tags are the columns' names ("lr/0", "loss"), steps are updates.

    Raises:
        SchedulerError: if tensorboard is not installed.
    """
    return TensorBoard(logdir)


def wandb(run: Any = None, **init: Any) -> WeightsAndBiases:
    """Rows to Weights & Biases while they are written: `rh.Ledger(path, also=rheostat.ledger.wandb())`.

    Args:
        run: a run of your own, which is left open; by default a new one is begun, and finished with the ledger.
        init: arguments of `wandb.init` for a new run; `mode="offline"` by default.

    Returns:
        What `also` takes. Names are the columns' ("lr/0", "loss"), steps are updates.

    Raises:
        SchedulerError: if wandb is not installed.
    """
    return WeightsAndBiases(run, init)


def to_tensorboard(path: str | Path, logdir: str | Path) -> Path:
    """Replay a ledger into an event file of TensorBoard.

    Args:
        path: the ledger's file.
        logdir: the folder of the event file; made where it does not exist.

    Returns:
        The folder.

    Raises:
        SchedulerError: if tensorboard is not installed, or the ledger cannot be read.

    Example:
        >>> import rheostat.ledger
        >>> rheostat.ledger.to_tensorboard("runs/digits-1/ledger.jsonl", "runs/tb")  # doctest: +SKIP
    """
    _replay(Path(path), lambda: TensorBoard(logdir))
    return Path(logdir)


def to_wandb(path: str | Path, **init: Any) -> Path:
    """Replay a ledger into a new run of Weights & Biases; offline by default, for `wandb sync` later.

    Args:
        path: the ledger's file.
        init: arguments of `wandb.init`, such as project= or mode="online".

    Returns:
        The run's folder.

    Raises:
        SchedulerError: if wandb is not installed, or the ledger cannot be read.

    Example:
        >>> import rheostat.ledger
        >>> rheostat.ledger.to_wandb("runs/digits-1/ledger.jsonl", project="digits")  # doctest: +SKIP
    """
    return _replay(Path(path), lambda: WeightsAndBiases(None, init)).folder


class TensorBoard:
    """A function of rows that writes an event file; float32, as TensorBoard's scalars are."""

    def __init__(self, logdir: str | Path, began: float | None = None) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise missing("tensorboard", _EXTRA) from None
        self._writer = EventFileWriter(os.fspath(logdir))
        self._event: Any = Event
        self._summary: Any = Summary
        self.began = began

    def __call__(self, row: Row) -> None:
        """Write the numbers of a row."""
        if self.began is None:
            self.began = time.time() - row.get("time", 0.0)
        values = [self._summary.Value(tag=tag, simple_value=value) for tag, value in scalars(row).items()]
        at = self.began + row["time"] if "time" in row else time.time()
        self._writer.add_event(self._event(wall_time=at, step=row["update"], summary=self._summary(value=values)))

    def close(self) -> None:
        """Write what is left and close the file."""
        self._writer.close()


class WeightsAndBiases:
    """A function of rows that logs them into a run."""

    began: float | None = None

    def __init__(self, run: Any, init: dict[str, Any]) -> None:
        try:
            import wandb as client
        except ImportError:
            raise missing("wandb", _EXTRA) from None
        self._own = run is None
        self._run = client.init(**{"mode": "offline", "project": "rheostat", **init}) if run is None else run

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self._run.dir).parent

    def __call__(self, row: Row) -> None:
        """Log the numbers of a row."""
        self._run.log(scalars(row), step=row["update"])

    def close(self) -> None:
        """Finish a run that was begun here."""
        if self._own:
            self._run.finish()


def scalars(row: Row) -> dict[str, float]:
    """The numbers of a row by their columns' names: "lr/0", "loss", "epoch"."""
    used = {f"{key}/{label}": value for key, by in row.get("used", {}).items() for label, value in by.items()}
    return {**used, **{name: value for name, value in row.items() if name not in _PLACES}}


def _replay(path: Path, begin: Callable[[], _Tracker]) -> _Tracker:
    """Give every row of a ledger to a tracker that is begun once the ledger is known to be one."""
    header = header_of(path)
    rows = all_rows(path)
    first = next(rows, None)  # whatever is wrong with the file is said before anything is begun
    if first is None:
        raise SchedulerError(f"ledger {str(path)!r}: holds no rows.")
    tracker = begin()
    tracker.began = header.get("began")
    try:
        for row, _ in chain([first], rows):
            tracker(row)
    finally:
        tracker.close()
    return tracker
