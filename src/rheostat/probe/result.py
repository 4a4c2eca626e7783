"""What a range test gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rheostat.probe.curve import RangeCurve
from rheostat.schedule.base import FloatArray

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

Status = Literal["ok", "minimum at the edge", "never fell", "diverged at once", "too noisy"]

HOW = {
    "minimum": "a third of where the smoothed loss is lowest",
    "steepest": "where it falls most for each decade",
    "valley": "the middle of the longest fall",
    "divergence": "a tenth of where half of the fall is lost again",
    "edge": "a sixth of the last that is as good as the lowest",
}
_SENTENCE: dict[Status, str] = {
    "ok": "the loss fell, and rose again within the ramp",
    "minimum at the edge": "the minimum is not inside the ramp",
    "never fell": "the loss never fell beyond its noise",
    "diverged at once": "the loss rose, or was not finite, from the first learning rates on",
    "too noisy": "the loss fell, but its minimum is lost in the noise",
}


@dataclass(frozen=True, eq=False)
class RangeResult:
    """What a range test says about the first group's learning rate; other groups keep their ratio to it.

    Attributes:
        curve: what was recorded.
        smoothed: the loss without its noise, float64, shape (N,).
        status: "ok", or why the answer is not to be trusted: "minimum at the edge", "never fell", "diverged at once",
            "too noisy".
        suggestion: the learning rate to use, or None where there is none to be read.
        band: the lowest and highest learning rate among which the best one probably is, or None.
        rules: what each rule says: "minimum" (the suggestion), "steepest", "valley", "divergence", "edge".
        minimum: where the smoothed loss is lowest.
        avoid: the learning rate from which on the loss rises again.
        base: the first group's own learning rate, where it is known.
    """

    curve: RangeCurve
    smoothed: FloatArray
    status: Status
    suggestion: float | None
    band: tuple[float, float] | None
    rules: dict[str, float | None]
    minimum: float | None
    avoid: float | None
    base: float | None = None

    @property
    def lrs(self) -> FloatArray:
        """The learning rates of the ramp, (N,)."""
        return self.curve.lrs

    @property
    def losses(self) -> FloatArray:
        """The mean loss over the passes, (N,); inf where one had diverged, NaN where none came."""
        known = ~np.isnan(self.curve.losses)
        total: FloatArray = np.where(known, self.curve.losses, 0.0).sum(0)
        return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)

    @property
    def factor(self) -> float | None:
        """The suggestion as a factor of the learning rates that the groups have."""
        return None if self.suggestion is None or not self.base else self.suggestion / self.base

    @property
    def updates(self) -> int:
        """What it cost, in updates."""
        losses = self.curve.losses
        return int(np.isfinite(losses).sum() + np.isinf(losses).any(1).sum())

    @property
    def advice(self) -> str:
        """One sentence: what was seen, and what to do where it is not enough."""
        low, high, seen = float(self.lrs[0]), float(self.lrs[-1]), _SENTENCE[self.status]
        if self.status == "minimum at the edge":
            seen = f"the loss still falls at {high:.2g}" if self.avoid is None else f"it falls already at {low:.2g}"
        other = ", ".join(f"{name}={value}" for name, value in self.again.items())
        besides = {"never fell": ", or see whether the loss depends on the weights", "too noisy": ", or larger batches"}
        return f"{seen}. Try {other}{besides.get(self.status, '')}." if other else f"{seen}."

    @property
    def again(self) -> dict[str, str]:
        """The arguments with which another test may say more, as text."""
        low, high = float(self.lrs[0]), float(self.lrs[-1])
        if self.status == "minimum at the edge":
            return {"max": f"{high * 100:.1g}"} if self.avoid is None else {"min": f"{low / 1000:.1g}"}
        if self.status == "diverged at once":
            return {"min": f"{low / 1000:.1g}"}
        if self.status == "ok":
            return {}
        if self.status == "never fell" and self.avoid is None:
            return {"max": f"{high * 100:.1g}"}
        return {"repeats": str(max(3, 3 * self.curve.losses.shape[0])), "steps": str(2 * self.lrs.size)}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw loss, smoothed loss, the rules' marks, the band, and the region to avoid.

        Args:
            ax: Matplotlib axes; new ones by default.

        Raises:
            SchedulerError: if Matplotlib is not installed.
        """
        from rheostat.view.probe import plot_range

        return plot_range(self, ax)

    def save(self, path: str | Path) -> Path:
        """Draw it into a PNG file, which appears whole or not at all."""
        from rheostat.view.probe import save_range

        return save_range(self, path)

    def __str__(self) -> str:
        lines = [f"status      {self.status}: {self.advice}"]
        if self.suggestion is not None and self.band is not None:
            factor = f"  ({self.factor:.3g} × the present one)" if self.factor is not None else ""
            lines.append(f"suggestion  {self.suggestion:.2g}{factor}")
            lines.append(f"band        {self.band[0]:.2g} to {self.band[1]:.2g}")
        return "\n".join(lines + self.marks())

    def marks(self) -> list[str]:
        """Lines for where the loss rises, and for what each rule says."""
        lines = [] if self.avoid is None else [f"avoid       {self.avoid:.2g} and above"]
        said = {name: value for name, value in self.rules.items() if value is not None}
        return lines + [f"{name:<10}  {value:<8.2g}  {HOW[name]}" for name, value in said.items()]


def as_data(result: RangeResult) -> dict[str, Any]:
    """The result as JSON-able data."""
    names = ("status", "suggestion", "band", "rules", "minimum", "avoid", "base", "updates")
    return {name: getattr(result, name) for name in names} | {
        "lrs": result.lrs.tolist(),
        "losses": [[value if np.isfinite(value) else None for value in row] for row in result.curve.losses.tolist()],
    }
