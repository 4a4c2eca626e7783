"""When a ramp has seen enough: on the scale of how far the loss has fallen, never of the loss itself."""

from __future__ import annotations

import math
from bisect import insort

PATIENCE = 3
"""Updates in a row that must lie above the line, so that one bad batch ends nothing."""


class Stop:
    """Watches the losses of one ramp; every decision stays the same if each loss is replaced by a·loss + b, a > 0.

    The line is `lowest + rise × max(first − lowest, 4 × noise)`: first is the mean of the first losses, lowest the
    smallest mean of three in a row, noise the usual difference of two neighbours.

    Args:
        rise: how far above the lowest, in units of how far the loss had fallen.
    """

    def __init__(self, rise: float) -> None:
        self.rise = rise
        self.losses: list[float] = []
        self.steps: list[float] = []  # differences of neighbours, sorted: their median costs next to nothing
        self.first = 0.0
        self.lowest = math.inf
        self.above = 0

    def diverged(self, loss: float) -> bool:
        """Take in one more loss; whether the ramp should end."""
        if not math.isfinite(loss):
            return True
        losses = self.losses
        if losses:
            insort(self.steps, abs(loss - losses[-1]))
        losses.append(loss)
        n = len(losses)
        if n < PATIENCE:
            return False
        if n <= 2 * PATIENCE:
            self.first = sum(losses) / n
        elif loss > self.line():
            self.above += 1
        else:
            self.above = 0
        self.lowest = min(self.lowest, sum(losses[-PATIENCE:]) / PATIENCE)
        return self.above >= PATIENCE

    def line(self) -> float:
        """The loss above which training is as good as lost."""
        return self.lowest + self.rise * max(self.first - self.lowest, 4 * self.noise())

    def noise(self) -> float:
        """What neighbouring losses usually differ by, as the standard deviation of one loss."""
        return self.steps[len(self.steps) // 2] * 1.4826 / math.sqrt(2)
