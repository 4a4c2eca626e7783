"""Plans that count as PyTorch's schedulers do: past the end, and with a one-cycle's joints an update early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from rheostat.ledger.audit.plan import FloatArray, IntArray, Plan, Positions
from rheostat.schedule import Span
from rheostat.schedule.combine import Sequence, sequence
from rheostat.schedule.shapes.decay import Decay

_FAR = 16  # runs that a plan is followed past its end


@dataclass(frozen=True, eq=False)
class Continued(Plan):
    """A plan that is not held past its end: positions there are read elsewhere in it."""

    plain: Plan | None = None
    past: Positions = lambda s: s

    @staticmethod
    def of_plan(plan: Plan, past: Positions) -> Continued:
        """A plan with another reading of the positions past its end."""
        return Continued(plan.curve, plan.scale, _far(plan), plan, past)

    @property
    def length(self) -> None:
        """None: it has no end."""
        return

    @property
    def _table(self) -> None:
        """None of its own: it reads the plain one's, which is shorter."""
        return

    def scaled(self, scale: float) -> Plan:
        """The same times a constant."""
        plain = None if self.plain is None else self.plain.scaled(scale)
        return replace(self, plain=plain, scale=self.scale * scale)

    def _values(self, positions: IntArray) -> FloatArray:
        return super()._values(positions) if self.plain is None else self.plain(self.past(positions))


@dataclass(frozen=True, eq=False)
class OneCycle(Plan):
    """A one-cycle as PyTorch's OneCycleLR(total_steps=N) counts it: each phase ends an update early."""

    plain: Plan | None = None

    @property
    def asked(self) -> int | None:
        """N, and not the N − 1 intervals."""
        return None if self.plain is None else self.plain.length

    def over(self, steps: int) -> Plan | None:
        """The same over a run of another length."""
        plain = None if self.plain is None else self.plain.over(steps)
        return None if plain is None else one_cycle(plain, FewOfCycle)


class FewOfCycle(OneCycle):
    """A one-cycle that is asked for a few positions only."""

    _table = None


def variants(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Other readings of a plan, each with the words that say so."""
    cycle = one_cycle(plan)
    if cycle is not None:
        words = "counted as OneCycleLR(total_steps) does, whose phases end an update early"
        yield words, Continued.of_plan(cycle, continuations(cycle)["climb"])
        yield words, cycle
    on = went_on(plan)
    if on is not None:
        yield "past the end the values went on", on
    for how, past in continuations(plan).items():
        if how != "held":
            yield f"past the end the values {how} again", Continued.of_plan(plan, past)


def continuations(plan: Plan) -> dict[str, Callable[[IntArray], IntArray]]:
    """Where positions past the end are read: held, back up the last part as a cosine does, or from the start again."""
    end = plan.length
    if end is None:
        return {"held": lambda s: s}
    span = end - max([j for j in plan.curve.joints if j < end], default=0)

    def climb(s: IntArray) -> IntArray:
        over = (s - end) % (2 * span)
        return np.where(s <= end, s, end - np.minimum(over, 2 * span - over))

    return {"held": lambda s: s, "climb": climb, "start": lambda s: s % end}


def went_on(plan: Plan) -> Plan | None:
    """The plan as if its run were longer, where it is the same until the end and then goes on: stairs, for example."""
    end = plan.length
    if end is None:
        return None
    longer = plan.over(_far(plan))
    if longer is None:
        return None
    some = np.unique(np.linspace(0, end - 1, 64).astype(np.int64))
    beyond = np.linspace(end, _far(plan), 64).astype(np.int64)
    same = np.array_equal(longer.few(some), plan.few(some))
    if not same or np.array_equal(longer.few(beyond), plan.few(beyond)):
        return None
    return Continued(longer.curve, plan.scale, _far(plan))


def one_cycle(plan: Plan, kind: type[OneCycle] = OneCycle) -> OneCycle | None:
    """The plan with PyTorch's phases, where it is a rise to the full value and a fall; None where it is none."""
    run, schedule, n = plan.curve.run, plan.curve.schedule, plan.length
    phases = [p for p in schedule.parts if isinstance(p, Decay)] if isinstance(schedule, Sequence) else []
    if (
        n is None
        or len(phases) not in (2, 3)
        or not isinstance(schedule, Sequence)
        or len(schedule.parts) > len(phases)
    ):
        return None
    *first, last = phases
    lengths = [run.convert(p.span, "updates", "over") - 1 for p in first if p.span is not None]
    rises = first[0].end == 1.0 != first[0].start
    if not rises or last.span is not None or len(lengths) < len(first) or min(lengths) <= 0:
        return None
    shorter = [replace(p, span=Span(length, "steps")) for p, length in zip(first, lengths, strict=True)]
    made = plan.of_schedule(sequence(*shorter, last), replace(run, steps=n - 1, epochs=None, samples=None, tokens=None))
    return None if made is None else kind(made.curve, plan.scale, plan.reach, plan)


def _far(plan: Plan) -> int:
    return max(plan.reach, _FAR * plan.end)
