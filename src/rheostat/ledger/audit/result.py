"""What an audit found, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from rheostat.ledger.audit.plan import FloatArray, IntArray
from rheostat.schedule.curve import Curve

AS_PLANNED, NONE = "as planned", "none"


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The first update whose value is not the planned one."""

    update: int
    planned: float
    used: float

    def __str__(self) -> str:
        apart = f", {self.used / self.planned:.6g} times as much" if self.planned else ""
        return f"update {self.update}: planned {self.planned:.6g}, used {self.used:.6g}{apart}"


@dataclass(frozen=True, eq=False)
class Audit:
    """Planned and used, compared; where they differ, the simplest mistake that explains it. str() is a report.

    Attributes:
        matches: whether every update used what was planned.
        hypothesis: "as planned", the mistake's name, such as "off by one" or "stepped per epoch", or "none" where no
            mistake that is known explains the log.
        finding: the same in words, with its figures.
        parameters: the mistake's figures by name, such as {"k": 4}.
        residual: the largest difference between the used and the explained values, relative to the plan's peak (where
            nothing explains it, between used and planned).
        first_difference: the first update that differs, or None.
        compared: how many updates were compared.
        mend: what to do about it.
        where: which file and columns the values are from.
        notes: what was decided on the way.
        curve: what was planned.
        scale: the base value that the plan was multiplied by.
        t, used, planned, explained: the updates that were compared, and three values for each.
    """

    matches: bool
    hypothesis: str
    finding: str
    parameters: dict[str, float]
    residual: float
    first_difference: FirstDifference | None
    compared: int
    mend: str
    where: str
    notes: tuple[str, ...]
    curve: Curve = field(repr=False)
    scale: float = field(repr=False)
    t: IntArray = field(repr=False)
    used: FloatArray = field(repr=False)
    planned: FloatArray = field(repr=False)
    explained: FloatArray | None = field(repr=False)

    def __str__(self) -> str:
        lines = [f"as planned: {self.finding}" if self.matches else f"differs: {self.finding}"]
        if self.first_difference is not None:
            lines.append(f"  first difference: {self.first_difference}")
        if self.explained is not None and not self.matches:
            lines.append(f"  explained: all {self.compared} updates to {self.residual:.1e} of the peak")
        elif not self.matches:
            lines.append(f"  largest difference: {self.residual:.3g} of the peak")
        lines += [f"  mend: {self.mend}"] if self.mend else []
        lines.append(f"  compared: {self.where}, {self.compared} updates from {self.t[0]} to {self.t[-1]}")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])
