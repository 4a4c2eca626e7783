"""The picture of an audit: planned and used above, their difference below."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rheostat.ledger.audit import Audit
from rheostat.view.canvas import PLANNED, USED, check_png, label_axes, new_figure, save_png
from rheostat.view.points import FloatArray, sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 4000
_EXPLAINED, _FIRST = "#4a4a4a", "#b03030"


def audit_picture(audit: Audit, path: str | Path) -> Path:
    """Draw what a log used beside what was planned, and their difference below.

    Args:
        audit: what `rh.audit` gave.
        path: the PNG file to write; it appears whole or not at all.

    Returns:
        The path.

    Raises:
        SchedulerError: if Matplotlib is not installed, or the file cannot be written.
    """
    target = check_png(path)
    figure, (above, below) = new_figure(2)
    kept = _kept(audit)
    t, used, planned = audit.t[kept], audit.used[kept], audit.planned[kept]
    scale = audit.scale if audit.curve.base is None else 1.0
    positions, values = sample(audit.curve)
    above.plot(positions, values * scale, color=PLANNED, linewidth=1.8, label="planned")
    over: dict[str, Any] = {"linewidth": 3, "linestyle": (0, (1, 2.5))}  # so that what is planned shows through
    above.plot(t, used, color=USED, label="used", **(over if audit.matches else _line(t.size)))
    if audit.explained is not None and not audit.matches:
        explained: dict[str, Any] = {"linewidth": 1.0, "linestyle": (0, (1, 2)), "color": _EXPLAINED}
        above.plot(t, audit.explained[kept], label=audit.hypothesis, **explained)
    label_axes(above, audit.curve)
    above.set_ylabel("value")
    peak = float(np.abs(audit.planned).max()) or 1.0
    below.plot(t, (used - planned) / peak * 100, color=USED, **_line(t.size))
    below.axhline(0, color=PLANNED, linewidth=1)
    below.set_ylabel("used − planned, % of peak")
    below.set_xlabel("update")
    if audit.matches:
        below.set_ylim(-1, 1)
    right = max(float(t[-1]), float(positions[-1]))
    for ax in (above, below):
        ax.set_xlim(-0.02 * right, 1.02 * right)
        _mark(ax, audit)
    above.set_xlabel("")
    above.legend(frameon=False, fontsize="small")
    above.set_title(f"{_short(str(audit.curve.schedule))}\n{_short(audit.finding)}", fontsize="medium", loc="left")
    return save_png(figure, target)


def _mark(ax: Axes, audit: Audit) -> None:
    if audit.first_difference is not None:
        ax.axvline(audit.first_difference.update, color=_FIRST, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)


def _line(size: int) -> dict[str, Any]:
    """Few points are shown as such."""
    return {"linewidth": 1.4, "marker": "." if size < 60 else ""}


def _kept(audit: Audit) -> FloatArray | Any:
    """Enough of a long log, with both sides of its largest changes."""
    n = audit.t.size
    if n <= _MOST:
        return np.arange(n)
    edges = np.argpartition(-np.abs(np.diff(audit.used)), 200)[:200]
    return np.unique(np.concatenate([np.linspace(0, n - 1, _MOST).round().astype(np.int64), edges, edges + 1]))


def _short(text: str, most: int = 110) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
