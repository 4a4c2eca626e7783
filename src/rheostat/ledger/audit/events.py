"""The scalars of TensorBoard's event files, read by TensorBoard itself."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from rheostat.errors import SchedulerError
from rheostat.ledger.audit.guess import Choice
from rheostat.ledger.audit.plan import FloatArray
from rheostat.ledger.frames import missing

_MARK = "tfevents"


def is_events(path: Path) -> bool:
    """Whether a path is an event file, or a folder with some."""
    return _MARK in path.name if path.is_file() else path.is_dir() and any(path.rglob(f"*{_MARK}*"))


def scalars(path: Path, choice: Choice) -> dict[str, FloatArray]:
    """Each scalar that may matter as a column, and the steps of all as the column "step".

    Raises:
        SchedulerError: if tensorboard is not installed, or a folder holds the events of several runs.
    """
    try:
        from tensorboard.backend.event_processing import event_accumulator as reader
    except ImportError:
        raise missing("tensorboard", "trackers") from None
    folders = sorted({file.parent for file in path.rglob(f"*{_MARK}*")}) if path.is_dir() else [path]
    if len(folders) > 1:
        names = ", ".join(str(folder) for folder in folders[:8])
        raise SchedulerError(f"{path}: holds the events of several runs: {names}. Try one of them.")
    every: Any = {reader.SCALARS: 0, reader.TENSORS: 0}
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it announces each file
    events = reader.EventAccumulator(str(folders[0]), size_guidance=every)
    events.Reload()
    found = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    series = {tag: ([e.step for e in all_], [e.value for e in all_]) for tag, all_ in found.items()}
    for tag in events.Tags()["tensors"]:  # as TensorFlow 2 writes scalars
        numbers = [(e.step, _scalar(e.tensor_proto)) for e in events.Tensors(tag)]
        if all(value is not None for _, value in numbers):
            series[tag] = [step for step, _ in numbers], [value for _, value in numbers if value is not None]
    if not series:
        raise SchedulerError(f"{path}: holds no scalars.")
    matter = {tag: one for tag, one in series.items() if choice.may_be_value(tag)}
    return _together(matter) | {tag: np.empty(0) for tag in series if tag not in matter}


def _scalar(tensor: Any) -> float | None:
    from tensorboard.util.tensor_util import make_ndarray

    value = make_ndarray(tensor)
    return float(value) if value.size == 1 and value.dtype.kind in "fiu" else None


def _together(series: dict[str, tuple[list[int], list[float]]]) -> dict[str, FloatArray]:
    """Series with steps of their own as columns over one column of steps, one after the other."""
    sizes = [len(steps) for steps, _ in series.values()]
    begins = np.cumsum([0, *sizes])
    result = {tag: np.full(begins[-1], np.nan) for tag in series}
    for begin, (tag, (_, values)) in zip(begins, series.items(), strict=False):
        result[tag][begin : begin + len(values)] = values
    steps = [np.array(steps, dtype=np.float64) for steps, _ in series.values()]
    return {"step": np.concatenate(steps) if steps else np.empty(0), **result}
