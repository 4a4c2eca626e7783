"""The picture of a range test: loss, smoothed loss, what each rule says, the band, the region to avoid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rheostat.view.canvas import check_png, new_figure, save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOSS, _SMOOTH, _BAND, _AVOID, _SCORE = "#4a4a4a", "#1f5fa8", "#2a8a57", "#c0392b", "#e07b39"
_MARKS = {"minimum": ("o", "minimum ÷ 3"), "steepest": ("v", "steepest"), "valley": ("s", "valley")} | {
    "divergence": ("D", "divergence ÷ 10"),
    "edge": ("<", "edge ÷ 6"),
}


def plot_range(result: Any, ax: Axes | None = None) -> Axes:
    """Draw a range test.

    Args:
        result: a `RangeResult`.
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes.

    Raises:
        SchedulerError: if Matplotlib is not installed.
    """
    ax = ax if ax is not None else new_figure(1)[1][0]
    low, high = _limits(result)
    for i, losses in enumerate(result.curve.losses):
        shown = np.where(np.isfinite(losses), losses, np.nan)
        ax.plot(result.lrs, shown, color=_LOSS, alpha=0.5, linewidth=0.9, label=None if i else "loss")
    reached = np.isfinite(result.curve.losses).any(0)
    ax.plot(result.lrs[reached], result.smoothed[reached], color=_SMOOTH, linewidth=2, label="smoothed")
    ax.set_xscale("log")
    ax.set_xlim(float(result.lrs[0]), float(result.lrs[-1]))
    ax.set_ylim(low, high)
    ax.set_xlabel("learning rate of the first group")
    ax.set_ylabel("loss")
    _regions(ax, result)
    _marks(ax, result)
    said = "no suggestion" if result.suggestion is None else f"suggestion {result.suggestion:.2g}"
    ax.set_title(f"range test: {result.status}, {said}", fontsize="medium", loc="left")
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def save_range(result: Any, path: str | Path) -> Path:
    """Draw a range test into a PNG file; the file appears whole or not at all."""
    target = check_png(path)
    figure, (ax,) = new_figure(1)
    plot_range(result, ax)
    return save_png(figure, target)


def _limits(result: Any) -> tuple[float, float]:
    """What is worth seeing: from the lowest loss to a little above where the ramp began, not up the cliff."""
    losses = result.curve.losses[np.isfinite(result.curve.losses)]
    if not losses.size:
        return 0.0, 1.0
    low, high = (
        float(losses.min()),
        max(float(result.smoothed.max()), float(np.quantile(losses[: losses.size // 2 + 1], 0.99))),
    )
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _regions(ax: Axes, result: Any) -> None:
    if result.band is not None:
        ax.axvspan(*result.band, color=_BAND, alpha=0.13, linewidth=0, label="band")
    if result.suggestion is not None:
        ax.axvline(result.suggestion, color=_BAND, linewidth=1.5)
    if result.avoid is not None:
        ax.axvspan(result.avoid, float(result.lrs[-1]), color=_AVOID, alpha=0.10, linewidth=0, label="avoid")


def _marks(ax: Axes, result: Any) -> None:
    """Each rule's answer, on the smoothed curve."""
    for name, value in result.rules.items():
        if value is not None and result.lrs[0] <= value <= result.lrs[-1]:
            marker, label = _MARKS[name]
            height = float(np.interp(np.log(value), np.log(result.lrs), result.smoothed))
            style: dict[str, Any] = {"color": _BAND if name == "minimum" else "#e07b39", "zorder": 5}
            ax.plot([value], [height], marker=marker, linestyle="none", markersize=7, label=label, **style)


def plot_found(result: Any, ax: Axes | None = None) -> Axes:
    """Draw what `find_lr` found: the range test, and the short runs' scores over it.

    Args:
        result: a `FindResult`.
        ax: Matplotlib axes; new ones by default.

    Returns:
        The axes.
    """
    if not result.trials:
        return plot_range(result.ramp, ax)
    ax = ax if ax is not None else new_figure(1)[1][0]
    ramp = result.ramp
    reached = np.isfinite(ramp.curve.losses).any(0)
    ax.plot(ramp.lrs[reached], ramp.smoothed[reached], color=_SMOOTH, linewidth=1.5, alpha=0.5, label="range test")
    ran = sorted((t.lr, t.score) for t in result.trials)
    ended = [(lr, score) for lr, score in ran if np.isfinite(score)]
    ax.plot(*zip(*ended, strict=True), marker="o", color=_SCORE, label="short runs") if ended else None
    for i, lr in enumerate(lr for lr, score in ran if not np.isfinite(score)):
        ax.axvline(lr, color=_AVOID, linestyle=":", label=None if i else "came to nothing")
    ax.set_xscale("log")
    low, high = _limits(ramp)
    scores = [score for _, score in ended]
    ax.set_ylim(min([low, *scores]) - 0.03 * (high - low), high)
    lrs = [*ramp.lrs.tolist(), *(lr for lr, _ in ran)]
    ax.set_xlim(min(lrs), max(lrs))
    ax.set_xlabel("learning rate of the first group")
    ax.set_ylabel("loss")
    if result.band is not None:
        ax.axvspan(*result.band, color=_BAND, alpha=0.13, linewidth=0, label="band")
        ax.axvline(result.suggestion, color=_BAND, linewidth=1.5)
    said = "no suggestion" if result.suggestion is None else f"suggestion {result.suggestion:.2g}"
    ax.set_title(f"{len(ran)} short runs: {result.status}, {said}", fontsize="medium", loc="left")
    ax.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax


def save_found(result: Any, path: str | Path) -> Path:
    """Draw what `find_lr` found into a PNG file; the file appears whole or not at all."""
    target = check_png(path)
    figure, (ax,) = new_figure(1)
    plot_found(result, ax)
    return save_png(figure, target)
