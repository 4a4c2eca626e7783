"""Pictures with Matplotlib: one curve, several curves, a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rheostat.errors import refuse
from rheostat.ledger import columns
from rheostat.schedule import Curve
from rheostat.view.canvas import PLANNED, USED, check_png, label_axes, new_figure, save_png
from rheostat.view.points import FloatArray, sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOSS, _METRIC = "#4a4a4a", "#2a8a57"


def plot_curve(curve: Curve, ax: Axes | None = None, *, label: str | None = None, **options: Any) -> Axes:
    """Draw a curve over its run, with its joints, and epochs above where the run knows them.

    Args:
        curve: the curve.
        ax: Matplotlib axes; new ones by default.
        label: a legend's label.
        options: passed on to Matplotlib's plot.

    Returns:
        The axes.

    Raises:
        SchedulerError: if Matplotlib is not installed.
        ScheduleError: if `ax` is something else.
    """
    if ax is not None and not hasattr(ax, "secondary_xaxis"):
        raise refuse("ax", ax, need="Matplotlib axes", mend="plt.subplots()[1]")
    ax = ax if ax is not None else new_figure(1)[1][0]
    t, values = sample(curve)
    ax.plot(t, values, **{"color": PLANNED, "linewidth": 1.8, "label": label, **options})
    for joint in curve.joints:
        ax.axvline(joint, color="0.85", linewidth=0.8, zorder=0)
    label_axes(ax, curve)
    return ax


def compare_curves(curves: Sequence[Curve], labels: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw several curves on the same axes, each with its label."""
    ax = ax if ax is not None else new_figure(1)[1][0]
    for i, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        plot_curve(curve, ax, label=label, color=f"C{i}")
    ax.legend(frameon=False, fontsize="small")
    return ax


def save_curves(curves: Sequence[Curve], labels: Sequence[str], path: str | Path) -> Path:
    """Draw one or several curves into a PNG file; the file appears whole or not at all."""
    target = check_png(path)
    figure, (ax,) = new_figure(1)
    if len(curves) == 1:
        plot_curve(curves[0], ax)
        ax.set_title(labels[0], fontsize="medium", loc="left")
    else:
        compare_curves(curves, labels, ax)
    return save_png(figure, target)


def run_picture(curve: Curve, ledger: str | Path, path: str | Path, *, key: str = "lr") -> Path:
    """Draw a run from its ledger: planned and used learning rate above, loss and metrics below.

    Args:
        curve: what was planned.
        ledger: the ledger's file.
        path: the PNG file to write; it appears whole or not at all.
        key: what the curve is of, if not of the learning rate.

    Returns:
        The path.

    Raises:
        SchedulerError: if Matplotlib is not installed, or the ledger cannot be read.
    """
    target = check_png(path)
    recorded = columns(ledger)
    figure, (above, below) = new_figure(2)
    plot_curve(curve, above, label="planned")
    updates = recorded.get("update", np.empty(0))
    for name in [name for name in recorded if name.startswith(f"{key}/")][:8]:
        used, base = recorded[name], curve.base
        own = base is None or np.allclose(used[:1], curve.values(int(updates[0]), int(updates[0]) + 1))
        if own:
            label = f"used ({name.partition('/')[2]})" if name != f"{key}/0" else "used"
            above.plot(updates, used, linestyle=(0, (1, 2.5)), linewidth=3, color=USED, label=label)
    above.set_title(str(curve.schedule), fontsize="medium", loc="left")
    if key != "lr":
        above.set_ylabel(key)
    above.legend(frameon=False, fontsize="small")
    _losses(below, updates, recorded)
    below.set_xlim(above.get_xlim())
    below.set_xlabel(curve.unit[:-1])
    above.set_xlabel("")
    return save_png(figure, target)


def _losses(ax: Axes, updates: FloatArray, recorded: dict[str, FloatArray]) -> None:
    loss = recorded.get("loss")
    if loss is not None:
        ax.plot(updates, loss, color=_LOSS, alpha=0.25, linewidth=0.8)
        ax.plot(updates, _smooth(loss), color=_LOSS, linewidth=1.5, label="loss")
        ax.set_ylabel("loss")
        # The first few updates would squeeze the rest into a line.
        finite = loss[np.isfinite(loss)]
        if finite.size:
            ax.set_ylim(min(0.0, float(finite.min())), float(np.quantile(finite, 0.99)) * 1.1 + 1e-12)
    numbers = [n for n in recorded if "/" not in n and n not in ("update", "time", "loss", "lr")]
    metrics = [n for n in numbers if np.isnan(recorded[n]).any() or recorded[n].size == 1][:3]
    if metrics:
        right = ax.twinx()
        for i, name in enumerate(metrics):
            seen = np.isfinite(recorded[name])
            style: dict[str, Any] = {"marker": "os^"[i], "markersize": 3.5, "linewidth": 1}
            right.plot(updates[seen], recorded[name][seen], color=_METRIC, label=name, **style)
        right.set_ylabel(", ".join(metrics), color=_METRIC)
        right.spines[["top"]].set_visible(False)


def _smooth(values: FloatArray) -> FloatArray:
    """A centred moving average over about 3 % of the run: no lag, ends included."""
    half = max(1, values.size // 64)
    kernel = np.ones(2 * half + 1)
    known = np.isfinite(values)
    weight = np.convolve(known, kernel, "same")
    smoothed: FloatArray = np.convolve(np.where(known, values, 0.0), kernel, "same") / np.maximum(weight, 1)
    return smoothed[: values.size]
