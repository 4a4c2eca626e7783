"""What was planned, at any position, and one log beside it, ready to be compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rheostat.errors import ScheduleError, refuse
from rheostat.schedule import Run, Schedule
from rheostat.schedule.curve import Curve

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Positions = Callable[[IntArray], IntArray]

_TABLE = 2**24  # positions whose values are kept
_NEGLIGIBLE = 1e-9  # of the peak: what no training notices, and no two roundings agree on


@dataclass(frozen=True, eq=False)
class Plan:
    """The values that a schedule plans, at any position; past the end the last one is held.

    Attributes:
        curve: the schedule over its run.
        scale: what factors are multiplied by.
        reach: the last position that is asked for where the run has no end.
    """

    curve: Curve
    scale: float
    reach: int

    @staticmethod
    def of(schedule: Schedule, run: Run, base: float | None, reach: int) -> Plan:
        """The plan of a schedule over a run; without a base value it gives factors."""
        curve = schedule.over(run, base=base)
        if curve.axis != "updates":
            raise refuse("run", run, need="a run whose positions are updates", mend="rh.Run(steps=...)")
        if curve.controls:
            need = "a schedule without plateau: what it does depends on metrics, which a log of values does not tell"
            raise refuse("schedule", schedule, need=need)
        return Plan(curve, 1.0 if base is None else base, reach)

    @property
    def length(self) -> int | None:
        """Updates of the run."""
        return self.curve.length

    @property
    def asked(self) -> int | None:
        """Updates of the run, as people say it."""
        return self.length

    @cached_property
    def end(self) -> int:
        """The position whose value is held ever after, or the last one that is asked for."""
        return self.reach if self.length is None else self.length

    @cached_property
    def peak(self) -> float:
        """The largest value; of a very long run the largest of many."""
        few = np.linspace(0, self.end, min(self.end + 1, 2**18)).astype(np.int64)
        joints = np.array([j for j in self.curve.joints if j <= self.end], dtype=np.int64)
        return float(np.abs(self.few(np.concatenate([few, joints]))).max()) or 1.0

    def few(self, positions: IntArray) -> FloatArray:
        """Values at positions ≥ 0, computed for these alone."""
        return self._values(np.minimum(positions, self.end))

    def __call__(self, positions: IntArray) -> FloatArray:
        """Values at positions; those before 0 count as 0."""
        inside = np.clip(positions, 0, self.end)
        if self._table is not None:
            return self._table[inside]
        return self._values(inside)

    def where(self, value: float) -> IntArray:
        """Positions, of the many of a long run, between which the values pass through `value`."""
        low = np.unique(np.linspace(0, self.end, 2**17).astype(np.int64))
        above = self(low) >= value
        crossing = np.flatnonzero(above[1:] != above[:-1])
        rises, low, high = above[crossing + 1], low[crossing], low[crossing + 1]
        while (high - low > 1).any():
            middle = (low + high) // 2
            beyond = (self(middle) >= value) == rises
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        return np.concatenate([low, high])

    def over(self, steps: int) -> Plan | None:
        """The same schedule over a run of another length, or None where it does not fit."""
        run = replace(self.curve.run, steps=steps, epochs=None, samples=None, tokens=None)
        return self.of_schedule(self.curve.schedule, run)

    def of_schedule(self, schedule: Schedule, run: Run | None = None) -> Plan | None:
        """Another schedule, over this run or another, with the same base value; None where it does not fit."""
        try:
            curve = schedule.over(self.curve.run if run is None else run, base=self.curve.base)
        except ScheduleError:
            return None
        return Few(curve, self.scale, self.reach)

    def scaled(self, scale: float) -> Plan:
        """The same times a constant."""
        return replace(self, scale=self.scale * scale)

    @cached_property
    def _table(self) -> FloatArray | None:
        return self._values(np.arange(self.end + 1)) if self.end < _TABLE else None

    def _values(self, positions: IntArray) -> FloatArray:
        flat = positions.astype(np.float64).ravel()
        return (self.curve.factors(flat) * self.scale).reshape(positions.shape)


class Few(Plan):
    """A plan that is asked for a few positions only."""

    _table = None


@dataclass(frozen=True, eq=False)
class Case:
    """A log beside its plan.

    Attributes:
        plan: what was planned.
        t: the updates that the log holds, in rising order.
        used: their values.
        tolerance: what counts as equal, relative to the value.
        grain: half the last digit that the log shows of each value, or 0.
    """

    plan: Plan
    t: IntArray
    used: FloatArray
    tolerance: float
    grain: FloatArray = field(repr=False)

    @staticmethod
    def of(plan: Plan, t: IntArray, used: FloatArray, tolerance: float) -> Case:
        """A case whose grain is read off the values."""
        return Case(plan, t, used, tolerance, grain(used))

    @cached_property
    def planned(self) -> FloatArray:
        """The planned values of the log's updates."""
        return self.plan.few(self.t)

    def slack(self, expected: FloatArray, at: int | slice = slice(None)) -> FloatArray:
        """How far a value may lie from the expected one and count as equal."""
        return self.tolerance * np.abs(expected) + _NEGLIGIBLE * self.plan.peak + self.grain[at]

    def misses(self, expected: FloatArray) -> NDArray[np.bool_]:
        """Where the log is not what is expected."""
        with np.errstate(invalid="ignore"):
            return ~(np.abs(self.used - expected) <= self.slack(expected))

    def explained(self, expected: FloatArray) -> bool:
        """Whether the log is what is expected, everywhere."""
        few = self.points
        with np.errstate(invalid="ignore"):
            near = np.abs(self.used[few] - expected[few]) <= self.slack(expected)[few]
        return bool(near.all()) and not self.misses(expected).any()

    def residual(self, expected: FloatArray) -> float:
        """The largest difference, relative to the peak."""
        return float(np.abs(self.used - expected).max() / self.plan.peak)

    @cached_property
    def first(self) -> int:
        """The index of the first update that differs from the plan."""
        return int(np.argmax(self.misses(self.planned)))

    @cached_property
    def last(self) -> int:
        """The index of the last update that differs from the plan."""
        return int(np.flatnonzero(self.misses(self.planned))[-1])

    @cached_property
    def points(self) -> IntArray:
        """Indices of about 60 updates that tell most: where the values change at once, and others between."""
        n = self.t.size
        even = np.linspace(0, n - 1, min(n, 28)).round().astype(np.int64)
        change = np.abs(np.diff(self.used))
        edges = np.argsort(change, kind="stable")[::-1][:12].astype(np.int64)
        around = [i for i in (self.first - 1, self.first, self.first + 1, self.last) if 0 <= i < n]
        found = np.unique(np.concatenate([even, edges, edges + 1, np.array(around, dtype=np.int64)]))
        return np.random.default_rng(0).permutation(found)

    def survivors(
        self, parameters: IntArray, positions: Callable[[IntArray, int], IntArray], since: int = 0
    ) -> IntArray:
        """Those whole-numbered parameters for which the plan at `positions(parameters, t)` is the log, at `points`."""
        for i in self.points:
            if i < since:
                continue
            values = self.plan(positions(parameters, int(self.t[i])))
            parameters = parameters[np.abs(values - self.used[i]) <= self.slack(values, int(i))]
            if not parameters.size:
                break
        return parameters

    def thinned(self, most: int) -> Case:
        """The case with fewer updates: both sides of every edge are kept."""
        n = self.t.size
        if n <= 2 * most:
            return self
        even = np.linspace(0, n - 1, most).round().astype(np.int64)
        edges = np.argpartition(-np.abs(np.diff(self.used)), most // 8)[: most // 8].astype(np.int64)
        sides = np.array([i + d for i in (self.first, self.last) for d in (-1, 0, 1)], dtype=np.int64)
        kept = np.unique(np.clip(np.concatenate([even, edges, edges + 1, sides, self.points]), 0, n - 1))
        return Case(self.plan, self.t[kept], self.used[kept], self.tolerance, self.grain[kept])

    def moved(self, by: int) -> Case:
        """The same log with its updates counted from elsewhere."""
        t = self.t + by
        kept = t >= 0
        return Case(self.plan, t[kept], self.used[kept], self.tolerance, self.grain[kept])

    def against(self, plan: Plan) -> Case:
        """The same log beside another plan."""
        return Case(plan, self.t, self.used, self.tolerance, self.grain)


def grain(values: FloatArray) -> FloatArray:
    """Half the last digit that values were rounded to, decimal or binary, as far as they show it; 0 where they do not.

    Judged only where there are many different values: 0.1 alone does not tell how it was rounded.
    """
    distinct = np.unique(values[np.isfinite(values) & (values != 0)])
    if distinct.size < 20:
        return np.zeros_like(values)
    some = [float(v) for v in distinct[np.linspace(0, distinct.size - 1, 200).astype(int)]]
    result = np.zeros_like(values)
    for places in range(4, 13):
        if all(float(f"{v:.{places}f}") == v for v in some) and abs(max(some)) * 10**places >= 100:
            result[:] = 0.5000001 * 10.0**-places
            break
    for digits in range(3, 9):
        if all(float(f"{v:.{digits - 1}e}") == v for v in some):
            with np.errstate(divide="ignore"):
                decade = np.floor(np.log10(np.abs(values)))
            return np.maximum(result, np.where(values == 0, 0.0, 0.5000001 * 10.0 ** (decade + 1 - digits)))
    for bits in (8, 11, 24):
        if all(math.ldexp(math.frexp(v)[0], bits).is_integer() for v in some):
            return np.maximum(result, np.abs(values) * 2.0**-bits)
    return result
