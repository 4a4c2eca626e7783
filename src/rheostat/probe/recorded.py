"""Curves that other libraries recorded: read by how they look, without importing any of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rheostat.errors import refuse
from rheostat.probe.curve import RangeCurve
from rheostat.probe.reading import read
from rheostat.probe.result import RangeResult
from rheostat.schedule.levels import number

_LR, _LOSS = ("lr", "lrs", "learning_rate"), ("loss", "losses", "train_loss")
_NEED = "a mapping or CSV file with 'lr' and 'loss', a finder that holds one, or two sequences"


def read_range(
    source: Any, losses: Any = None, *, smoothed: float | None = None, base: float | None = None
) -> RangeResult:
    """Read a range test that something else has recorded.

    Args:
        source: torch-lr-finder's finder or its `history`, Lightning's `lr_find` result or its `results`, fastai's
            learner or its `recorder`, ignite's finder or its `get_results()`, any mapping with 'lr' and 'loss', a CSV
            file with these columns, or the learning rates. Where a learning rate is a list, the first group's counts.
        losses: the losses, where `source` is the learning rates.
        smoothed: β of an exponential average β·old + (1 − β)·new that the losses went through, which is undone
            (torch-lr-finder's smooth_f=0.05 is 0.95); an average that lags puts the minimum too high. In [0, 1).
        base: the first group's own learning rate.

    Returns:
        A `RangeResult`, read by the same rules as our own.

    Raises:
        ScheduleError: if there are no learning rates and losses in it.

    Example:
        >>> import rheostat as rh
        >>> lrs = [10 ** (k / 10 - 5) for k in range(51)]
        >>> result = rh.read_range({"lr": lrs, "loss": [(k - 30) ** 2 / 900 for k in range(51)]})
        >>> f"{result.minimum:.2g}"
        '0.01'
    """
    x, y = (source, losses) if losses is not None else _found(source)
    rates, values = _numbers("lr", x), _numbers("loss", y)
    if rates.size != values.size:
        raise refuse("losses", values.size, need=f"as many as learning rates, {rates.size}")
    if smoothed is not None:
        beta = number("smoothed", smoothed, most=0.9999)
        values = np.concatenate([values[:1], (values[1:] - beta * values[:-1]) / (1 - beta)])
    base = None if base is None else number("base", base)
    return read(RangeCurve.of(rates, [values]), base=base)


def _found(source: Any) -> tuple[Any, Any]:
    if isinstance(source, (str, Path)):
        return _csv(Path(source))
    for name in ("recorder", "history", "results", "get_results"):  # fastai, torch-lr-finder, Lightning, ignite
        held = getattr(source, name, None)
        if held is not None and not isinstance(source, Mapping):
            return _found(held() if callable(held) else held)
    look = source.get if isinstance(source, Mapping) else lambda name: getattr(source, name, None)
    pair = [next((value for value in map(look, names) if value is not None), None) for names in (_LR, _LOSS)]
    if any(part is None for part in pair):
        has = sorted(map(str, source)) if isinstance(source, Mapping) else type(source).__name__
        raise refuse("source", has, need=_NEED)
    return pair[0], pair[1]


def _csv(path: Path) -> tuple[list[str], list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refuse("source", str(path), need=f"a CSV file that can be read ({error})") from None
    names = {name.strip().lower(): name for name in (rows[0] if rows else {}) if name is not None}
    pair = [next((names[name] for name in known if name in names), None) for known in (_LR, _LOSS)]
    if pair[0] is None or pair[1] is None:
        raise refuse("source", str(path), need="columns 'lr' and 'loss' in its first line")
    return [row[pair[0]] for row in rows], [row[pair[1]] for row in rows]


def _numbers(name: str, values: Any) -> np.ndarray:
    """A flat array of numbers, from floats, texts, tensors, or lists of which the first counts."""
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)):
        values = values.tolist() if hasattr(values, "tolist") else values
    try:
        return np.array([float(v[0] if isinstance(v, (list, tuple)) else v) for v in values])
    except (TypeError, ValueError, IndexError):
        raise refuse(name, values, need="a sequence of numbers") from None
