"""Metric-driven parts: their states, and what reports make of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rheostat.errors import SchedulerError
from rheostat.schedule import Schedule
from rheostat.schedule.metric import PlateauState

if TYPE_CHECKING:
    from rheostat.driver.writer import Track
    from rheostat.schedule import Curve

Drive = tuple[Schedule, float]
"""A schedule, and since when it counts."""
Metrics = dict[Drive, list[PlateauState]]
Signals = dict[Drive, tuple[float, ...]]


class Feedback:
    """Keeps the states of the metric-driven parts of all tracks; entries of one drive share them."""

    def __init__(self, states: Metrics | None = None) -> None:
        self.states: Metrics = states or {}
        self.last: tuple[int, float] | None = None
        self.ever = False  # whether a metric-driven part has been there: after a cooldown, reports are no mistake

    def start(self, tracks: Iterable[Track]) -> None:
        """Take in tracks, those that are new with the states before any report."""
        for track in tracks:
            self.states.setdefault(track.drive, [control.rule.start() for control in track.curve.controls])
        self.ever = self.ever or any(self.states.values())

    def signals(self, tracks: Iterable[Track]) -> Signals:
        """The factors in force."""
        return {track.drive: self.of(track.curve, track.drive) for track in tracks}

    def of(self, curve: Curve, drive: Drive) -> tuple[float, ...]:
        """The factors in force in a curve that listens to what a drive hears."""
        states = self.states[drive]
        return tuple(control.rule.factor_of(state) for control, state in zip(curve.controls, states, strict=True))

    def hear(self, tracks: Iterable[Track], metric: float, at: float) -> None:
        """Pass a report, made at a place on the axis, to the parts that are in force there."""
        for drive, track in {track.drive: track for track in tracks}.items():
            self.states[drive] = [
                control.rule.update(state, metric) if control.listens(at - drive[1]) else state
                for control, state in zip(track.curve.controls, self.states[drive], strict=True)
            ]

    def listening(self) -> None:
        """Raise SchedulerError unless there is, or was, a metric-driven part."""
        if not self.ever:
            raise SchedulerError(
                "a metric was given, and no schedule here listens to one. Try step() without an argument (where "
                "training is, it counts itself), or cosine() * plateau()."
            )

    def repeated(self, position: int, metric: float) -> bool:
        """Whether the last call was the same report: several processes or hooks may make one report each."""
        same = self.last is not None and self.last[0] == position and repr(self.last[1]) == repr(metric)  # NaN too
        self.last = position, metric
        return same
