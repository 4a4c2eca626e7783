"""`rheostat show`: draw schedules in the terminal, and print what matters about them."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated

from cyclopts import Parameter

from rheostat.cli.options import RunOptions, base_value
from rheostat.errors import ScheduleError
from rheostat.schedule import Curve, lint, parse
from rheostat.view.points import key_points
from rheostat.view.terminal import terminal

_DEFAULT = RunOptions()


def show(
    *specs: str,
    length: RunOptions = _DEFAULT,
    lr: Annotated[float | None, Parameter(help="Base value: the optimizer's learning rate.")] = None,
    png: Annotated[str | None, Parameter(help="Write the picture to this PNG file too.")] = None,
    at: Annotated[tuple[str, ...], Parameter(negative=(), help="Explain the value at these updates, or lengths.")] = (),
) -> int:
    """Draw one or several schedules, and print their key points.

    Parameters
    ----------
    specs
        Schedules such as "warmup('5%') >> cosine(end=0.1)"; two are compared.
    """
    if not specs:
        raise ScheduleError("no schedule is given. Try rheostat show \"warmup('5%') >> cosine()\" --steps 1000")
    run, lr = length.run(), base_value(lr)
    curves = [parse(spec).over(run, base=lr) for spec in specs]
    explained = [[curve.explain(_position(text)) for text in at] for curve in curves]
    if png is not None:
        from rheostat.view.canvas import check_png

        check_png(png)
    labels = [str(curve.schedule) for curve in curves]
    columns, lines = shutil.get_terminal_size((80, 24))
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    short = [label if len(label) <= columns // 2 else label[: columns // 2 - 1] + "…" for label in labels]
    print(terminal(curves, short, width=min(columns, 100), height=min(max(lines - 6, 10), 20), plain=plain))
    for curve, label, lines_of_it in zip(curves, labels, explained, strict=True):
        _print_points(curve, label)
        for line in lines_of_it:
            print(f"  {line}")
    _print_difference(curves)
    for curve in curves:
        for finding in lint(curve.schedule, run, base=lr):
            print(f"! {finding}")
    if png is not None:
        from rheostat.view.pictures import save_curves

        print(f"picture: {os.fspath(save_curves(curves, labels, png))}")
    return 0


def _position(text: str) -> float | str:
    """An update where it is a plain number, else a length with its unit."""
    try:
        return float(text)
    except ValueError:
        return text


def _print_points(curve: Curve, label: str) -> None:
    unit = curve.unit[:-1]
    print(f"\n{label}")
    points = key_points(curve)
    epochs = any(point.epoch is not None for point in points)
    epoch = f"{'epoch':>8}  " if epochs else ""
    print(f"  {unit:>10}  {epoch}{'factor' if curve.base is None else 'lr'}")
    for point in points:
        epoch = f"{point.epoch:>8.2f}  " if point.epoch is not None else ""
        print(f"  {point.t:>10}  {epoch}{point.value:<12.6g}  {point.what}")


def _print_difference(curves: list[Curve]) -> None:
    for other in curves[1:]:
        if curves[0].length is not None:
            print(f"\ndifference: {curves[0].diff(other)}")
