"""What a checkpoint holds of a Scheduler: plain JSON-able data, strict and versioned."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from rheostat.driver.feedback import Drive, Metrics
from rheostat.errors import ResumeMismatch, StateError
from rheostat.schedule.metric import PlateauState

if TYPE_CHECKING:
    from rheostat.driver.plan import Entry
    from rheostat.driver.scheduler import Scheduler

FORMAT = 1
State = dict[str, Any]
_LARGEST = 10**15

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "rheostat": int,
    "position": int,
    "elapsed": (int, float),
    "clock": str,
    "run": str,
    "drives": list,
    "entries": list,
}
_DRIVE: dict[str, type | tuple[type, ...]] = {"schedule": str, "since": (int, float), "metrics": list}
_ENTRY: dict[str, type | tuple[type, ...]] = {
    "group": str,
    "key": str,
    "base": (int, float),
    "drive": int,
}


def encode(scheduler: Scheduler) -> State:
    """The state of a Scheduler. Each drive is a schedule as text, since when it counts, and its metric states."""
    drives = list(dict.fromkeys((e.schedule, e.since) for e in scheduler.entries))
    metrics = scheduler.feedback.states
    return {
        "rheostat": FORMAT,
        "position": scheduler.position,
        "elapsed": scheduler.elapsed(),
        "clock": scheduler.clock,
        "run": repr(scheduler.run),
        "drives": [
            {"schedule": repr(schedule), "since": since, "metrics": [asdict(m) for m in metrics[schedule, since]]}
            for schedule, since in drives
        ],
        "entries": [
            {"group": e.label, "key": e.key, "base": e.base, "drive": drives.index((e.schedule, e.since))}
            for e in scheduler.entries
        ],
    }


def since(saved: State, entries: list[Entry]) -> list[Entry]:
    """Our entries, each counted from the update that the checkpoint says."""
    counted = {(e["group"], e["key"]): saved["drives"][e["drive"]]["since"] for e in saved["entries"]}
    return [replace(e, since=counted[e.label, e.key]) for e in entries]


def metrics_of(saved: State, drives: Iterable[Drive]) -> Metrics:
    """The metric states in a checkpoint, checked, for the drives that now exist."""
    by_text = {(d["schedule"], d["since"]): [_plateau(m) for m in d["metrics"]] for d in saved["drives"]}
    return {drive: by_text[repr(drive[0]), drive[1]] for drive in drives}


def check(state: object) -> State:
    """The state, if it is one of ours and sound in form."""
    if not isinstance(state, dict) or "rheostat" not in state:
        names = sorted(map(str, state))[:8] if isinstance(state, dict) else type(state).__name__
        raise StateError(f"state: need a state_dict() of rheostat.Scheduler; this one has {names}. Nothing was loaded.")
    if state["rheostat"] != FORMAT:
        raise StateError(
            f"state: need format {FORMAT}; this one has {state['rheostat']!r}. Try the version that wrote it."
        )
    _check_fields(state, _FIELDS, "state")
    for i, entry in enumerate(state["entries"]):
        _check_fields(entry, _ENTRY, f"state['entries'][{i}]")
        if not 0 <= entry["drive"] < len(state["drives"]):
            raise StateError(f"state['entries'][{i}]: its drive does not exist. Nothing was loaded.")
    for i, drive in enumerate(state["drives"]):
        _check_fields(drive, _DRIVE, f"state['drives'][{i}]")
        _check_size(drive, "since", f"state['drives'][{i}]")
    for name in ("position", "elapsed"):
        _check_size(state, name, "state")
    return state


def compare(saved: State, ours: State) -> None:
    """Raise ResumeMismatch, naming each difference, unless the two describe the same training."""
    differences = [
        f"{name}: saved {saved[name]}, now {ours[name]}" for name in ("clock", "run") if saved[name] != ours[name]
    ]
    theirs, mine = _by_place(saved), _by_place(ours)
    for place in theirs.keys() | mine.keys():
        if theirs.get(place) != mine.get(place):
            differences.extend(_named(place, theirs.get(place), mine.get(place)))
    if differences:
        listed = "\n  ".join(sorted(set(differences)))
        raise ResumeMismatch(
            f"the checkpoint was made with another configuration; nothing was loaded.\n  {listed}\n"
            "Try the saved configuration, or start anew from the weights alone."
        )


def _by_place(state: State) -> dict[tuple[str, str], tuple[float, str, int]]:
    found = {}
    for e in state["entries"]:
        drive = state["drives"][e["drive"]]
        place = float(e["base"]), drive["schedule"], len(drive["metrics"])
        found[e["group"], e["key"]] = place
    return found


def _named(place: tuple[str, str], theirs: Any, mine: Any) -> list[str]:
    group, key = place
    if theirs is None or mine is None:
        return [f"group {group}, {key}: {'only now' if theirs is None else 'only in the checkpoint'}"]
    names = ("base value", "schedule", "metric-driven parts")
    return [
        f"group {group}, {key}: {name}: saved {a}, now {b}"
        for name, a, b in zip(names, theirs, mine, strict=True)
        if a != b
    ]


def _plateau(saved: object) -> PlateauState:
    fields: dict[str, type | tuple[type, ...]] = {
        "best": (int, float, type(None)),
        "bad": int,
        "resting": int,
        "cuts": int,
    }
    _check_fields(saved, fields, "state['metrics']")
    assert isinstance(saved, dict)
    if min(saved["bad"], saved["resting"], saved["cuts"]) < 0:
        raise StateError(f"state['metrics']: {saved} is out of range. Nothing was loaded.")
    return PlateauState(**saved)


def _check_size(data: State, name: str, where: str) -> None:
    if not 0 <= data[name] <= _LARGEST:
        raise StateError(f"{where}[{name!r}]={data[name]!r}: need a number ≥ 0, at most 1e15. Nothing was loaded.")


def _check_fields(data: object, fields: dict[str, type | tuple[type, ...]], where: str) -> None:
    if not isinstance(data, dict) or data.keys() != fields.keys():
        have = sorted(data) if isinstance(data, dict) else type(data).__name__
        raise StateError(f"{where}: need the fields {', '.join(fields)}; it has {have}. Nothing was loaded.")
    for name, kind in fields.items():
        value = data[name]
        if isinstance(value, bool) or not isinstance(value, kind):
            raise StateError(f"{where}[{name!r}]={value!r}: of the wrong type. Nothing was loaded.")
        if isinstance(value, float) and not math.isfinite(value):
            raise StateError(f"{where}[{name!r}]={value!r}: need a finite number. Nothing was loaded.")
