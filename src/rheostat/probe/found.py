"""What `find_lr` gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rheostat.probe.choice import DRIFT, LOOSE, Choice, around, settle
from rheostat.probe.result import RangeResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rheostat.probe.trials import Trial


NEAR = 4.0
"""Range test and short runs agree if the one's answer lies within this factor of the other's band."""

USUAL = 0.08
"""The share of a training that a range test makes up where its own answer is right; of a longer one it is too high."""


def answered(ramp: RangeResult) -> float | None:
    """The range test's answer; on a ramp this slow the end of the basin says more than its lowest point."""
    return None if ramp.suggestion is None else ramp.rules["edge"]


def guessed(ramp: RangeResult) -> float | None:
    """What to go by where a range test has no answer: a third of a minimum at its edge, or what is below a rise."""
    known = ramp.rules["minimum"] or ramp.rules["edge"]
    return known or (None if ramp.avoid is None else ramp.avoid / 10)


@dataclass(frozen=True, eq=False)
class FindResult:
    """A learning rate for the first group; other groups keep their ratio to it.

    Attributes:
        ramp: the range test.
        looked: updates of the range test, with the quick one that found its range.
        trials: the short runs in the order in which they were made: lr, score, updates, note, late.
        choice: what they say, or None where there were none, or none learned anything.
        untrained: the score before training.
        run: updates of the real training.
        effort: what was asked for.
        before: runs that were too short, if there were any.
    """

    ramp: RangeResult
    looked: int
    trials: tuple[Trial, ...]
    choice: Choice | None
    untrained: float | None
    run: int
    effort: str | int
    before: tuple[Trial, ...] = ()

    @property
    def suggestion(self) -> float | None:
        """The learning rate to use, or None where there is none to be read."""
        return None if self._settled is None else self._settled[0]

    @property
    def band(self) -> tuple[float, float] | None:
        """From where to where the best learning rate of the whole training probably lies."""
        return None if self._settled is None else self._settled[1]

    @property
    def _settled(self) -> tuple[float, tuple[float, float]] | None:
        if self.choice is not None:
            return settle(self.choice, self._share, stuck=bool(self.before))
        read = answered(self.ramp)
        if read is not None and self.ramp.band is not None:
            read *= min(1.0, self.ramp.lrs.size / self.run / USUAL) ** DRIFT
            return read, around(read, self.ramp.band, LOOSE)
        guess = guessed(self.ramp)
        return None if guess is None else (guess, (guess / 10, guess * 10))

    @property
    def _share(self) -> float:
        """How long the short runs are, as a share of the real training."""
        return min(1.0, _longest(self.trials) / self.run)

    @property
    def factor(self) -> float | None:
        """The suggestion as a factor of the learning rates that the groups have."""
        return None if self.suggestion is None or not self.ramp.base else self.suggestion / self.ramp.base

    @property
    def status(self) -> str:
        """Why the answer is not to be trusted, as in a `RangeResult`, or "ok"."""
        if not self.trials:
            return self.ramp.status
        if self.choice is None:
            return "never fell"
        return "minimum at the edge" if self.choice.open_above or self.choice.open_below else "ok"

    @property
    def updates(self) -> int:
        """What it cost, in updates."""
        return self.looked + sum(trial.updates for trial in self.before + self.trials)

    @property
    def advice(self) -> str:
        """How sure it is, and what would make it surer."""
        if not self.trials:
            if self.ramp.suggestion is None and self.suggestion is not None:
                return f"{self.ramp.advice.partition('. Try')[0]}, so this is a guess. Try effort='balanced'."
            return f"{self.ramp.advice} Surer: effort='balanced'." if self.ramp.status == "ok" else self.ramp.advice
        if self.choice is None:
            return (
                "no short run came below the score before training. Try effort='thorough', or see what the notes say."
            )
        if self.choice.open_above or self.choice.open_below:
            where = "high" if self.choice.open_above else "low"
            more = "'thorough'" if self.effort != "thorough" else 2 * self.run
            return f"the {where}est learning rate that was tried is as good as the best. Try effort={more}."
        ramp, (low, high) = answered(self.ramp), self.choice.band
        agree = ramp is not None and low / NEAR <= ramp <= NEAR * high
        seen = "range test and short runs agree" if agree else "range test and short runs do not agree"
        return f"{seen}." if self.effort == "thorough" else f"{seen}. Surer: effort='thorough'."

    @property
    def again(self) -> dict[str, str]:
        """The arguments with which another search may say more, as text; none where the answer stands."""
        if not self.trials:
            return self.ramp.again if self.suggestion is None else {}
        return {} if self.suggestion is not None else {"effort": "thorough"}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the range test, and the short runs over it.

        Raises:
            SchedulerError: if Matplotlib is not installed.
        """
        from rheostat.view.probe import plot_found

        return plot_found(self, ax)

    def save(self, path: str | Path) -> Path:
        """Draw it into a PNG file, which appears whole or not at all."""
        from rheostat.view.probe import save_found

        return save_found(self, path)

    def __str__(self) -> str:
        lines = [f"status      {self.status}: {self.advice}"]
        if self.suggestion is not None and self.band is not None:
            factor = f"  ({self.factor:.3g} × the present one)" if self.factor is not None else ""
            lines.append(f"suggestion  {self.suggestion:.2g}{factor}")
            lines.append(f"band        {self.band[0]:.2g} to {self.band[1]:.2g}")
        lines.append(f"cost        {self.updates} updates, {self.updates / self.run:.0%} of the run's {self.run}")
        lines.append(f"range test  {self.ramp.status}: {_or_none(answered(self.ramp))}")
        if self.choice is not None:
            low, high = self.choice.band
            lines.append(f"within 5 %  {low:.2g} to {high:.2g} of the short runs")
            best, (less, _) = self.choice.suggestion, settle(self.choice, self._share, stuck=bool(self.before))
            if less < best:
                lines.append(f"their best  {best:.2g}, and the training is longer: times {less / best:.2g}")
        return "\n".join(lines + (self._runs() if self.trials else self.ramp.marks()))

    def _runs(self) -> list[str]:
        """What the short runs came to, by learning rate."""
        by_lr: dict[float, list[str]] = {}
        for t in sorted(self.trials, key=lambda t: t.lr):
            by_lr.setdefault(t.lr, []).append(t.note or f"{t.score:.4g}")
        first = f"first       {len(self.before)} runs of {_longest(self.before)} were too short"
        few = max(t.batches for t in self.trials)
        over = f" over {few} batch{'es' * (few > 1)}" if few else ""
        head = f"short runs  lr, score after {_longest(self.trials)} updates{over} (untrained {self.untrained:.4g})"
        table = [f"            {lr:<9.2g} {', '.join(told)}" for lr, told in by_lr.items()]
        return [*([first] if self.before else []), head, *table]


def _longest(trials: Sequence[Trial]) -> int:
    return max((t.updates for t in trials), default=0)


def _or_none(value: float | None) -> str:
    return "no suggestion" if value is None else f"{value:.2g}"
