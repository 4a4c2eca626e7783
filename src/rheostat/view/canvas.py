"""What every picture has in common: its look, its axes, and the file that it goes to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rheostat.errors import SchedulerError, refuse
from rheostat.ledger.path import path_of
from rheostat.schedule import Curve
from rheostat.view.optional import need

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLANNED, USED = "#1f5fa8", "#e07b39"


def check_png(path: str | Path) -> Path:
    """A path that a picture can be written to."""
    target = path_of("png", path, "'picture.png'")
    if target.suffix.lower() != ".png":
        mend = f"'{target.with_suffix('.png')}'" if target.name else "'picture.png'"
        raise refuse("png", str(path), need="a name that ends in .png", mend=mend)
    if not target.parent.is_dir():
        raise refuse("png", str(path), need=f"a folder that exists; there is no {target.parent}")
    return target


def new_figure(rows: int) -> tuple[Figure, list[Axes]]:
    """A figure with one row of axes, or two."""
    figure_module = need("matplotlib.figure")
    backend = need("matplotlib.backends.backend_agg")
    figure = figure_module.Figure(figsize=(8, 3.6 if rows == 1 else 5.6), dpi=130, layout="constrained")
    backend.FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(visible=True, color="0.93", linewidth=0.6)
        ax.set_axisbelow(True)
    return figure, list(axes)


def label_axes(ax: Axes, curve: Curve) -> None:
    """Name the axes of a curve, with epochs above where the run knows them."""
    ax.set_xlabel(curve.unit[:-1] if curve.unit != "seconds" else "seconds")
    ax.set_ylabel("factor" if curve.base is None else "learning rate")
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    per_epoch = curve.run.steps_per_epoch
    if per_epoch and curve.unit == "updates" and not ax.child_axes:
        above = ax.secondary_xaxis("top", functions=(_times(1 / per_epoch), _times(per_epoch)))
        above.set_xlabel("epoch", fontsize="small")
        above.tick_params(labelsize="small")


def _times(factor: float) -> Any:
    return lambda positions: positions * factor


def save_png(figure: Figure, target: Path) -> Path:
    """Write a picture, which appears whole or not at all."""
    aside = target.with_name(f".{target.stem}.{os.getpid()}.png")
    try:
        figure.savefig(aside)
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise SchedulerError(f"{target}: cannot be written: {error.strerror}.") from None
    return target
