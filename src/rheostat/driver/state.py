"""What a checkpoint holds of a Scheduler: plain JSON-able data, strict and versioned."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rheostat.errors import StateError, brief
from rheostat.schedule.metric import PlateauState

if TYPE_CHECKING:
    from rheostat.driver.engine import Engine
    from rheostat.driver.plan import Asked

FORMAT = 2
State = dict[str, Any]
Fields = dict[str, type | tuple[type, ...]]
_LARGEST = 10**15

_NUMBER = (int, float)
_FIELDS: Fields = {
    "rheostat": int,
    "position": int,
    "elapsed": _NUMBER,
    "clock": str,
    "run": str,
    "asked_run": str,
    "written": _NUMBER,
    "stepped": list,
    "drives": list,
    "entries": list,
    "checksum": str,
}
_FORMAT_1 = ("rheostat", "position", "elapsed", "clock", "run", "drives", "entries")
_DRIVE: Fields = {"schedule": str, "since": _NUMBER, "metrics": list}
_ENTRY: Fields = {"group": str, "key": str, "base": _NUMBER, "drive": int, "asked": dict}
_ASKED: Fields = {"schedule": str, "base": _NUMBER, "since": _NUMBER}
_PLATEAU: Fields = {"best": (int, float, type(None)), "bad": int, "resting": int, "cuts": int}


@dataclass(frozen=True, slots=True)
class SavedEntry:
    """One scheduled value in a checkpoint: what is in force, and what the code had asked for."""

    base: float
    schedule: str
    since: float
    metrics: tuple[PlateauState, ...]
    asked: Asked


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint, checked. Entries are found by the label of their group and their key."""

    position: int
    elapsed: float
    clock: str
    run: str
    asked_run: str
    written: float
    stepped: list[bool]
    entries: dict[tuple[str, str], SavedEntry]

    @property
    def due(self) -> bool:
        """Whether the next update's values were still to be computed, where the time of it matters."""
        return bool(self.stepped) and all(self.stepped)


def encode(scheduler: Engine) -> State:
    """The state of a Scheduler.

    Each drive is a schedule as text, since when it counts, and its metric states. Of a timed run, `written` is the time
    for which the next update's values were computed, or would be now. `stepped` says which of several optimizers have
    made the update that is under way; all have where, by the clock, the next update's values are still to come.
    """
    timed, elapsed = scheduler.axis == "seconds", scheduler.elapsed()
    written = elapsed if scheduler.due else scheduler.writer.coordinate
    drives = list(dict.fromkeys((e.schedule, e.since) for e in scheduler.entries))
    metrics = scheduler.feedback.states
    state = {
        "rheostat": FORMAT,
        "position": scheduler.position,
        "elapsed": elapsed,
        "clock": scheduler.clock,
        "run": repr(scheduler.run),
        "asked_run": repr(scheduler.asked_run),
        "written": written if timed else 0,
        "stepped": [stepped or (timed and scheduler.due) for stepped in scheduler.stepped()],
        "drives": [
            {"schedule": repr(schedule), "since": since, "metrics": [asdict(m) for m in metrics[schedule, since]]}
            for schedule, since in drives
        ],
        "entries": [
            {
                "group": e.label,
                "key": e.key,
                "base": e.base,
                "drive": drives.index((e.schedule, e.since)),
                "asked": dict(zip(_ASKED, e.asked_for, strict=True)),
            }
            for e in scheduler.entries
        ],
    }
    return sealed(state)


def sealed(state: State) -> State:
    """The state with the checksum that belongs to it: a flipped digit would be another number, and look as good."""
    kept = {name: value for name, value in state.items() if name != "checksum"}
    text = json.dumps(_canonical(kept), sort_keys=True, separators=(",", ":"))
    return {**kept, "checksum": hashlib.sha256(text.encode()).hexdigest()}


def _canonical(value: Any) -> Any:
    """Some who write JSON make 0 of 0.0: a whole number is the same in both."""
    if isinstance(value, dict):
        return {name: _canonical(v) for name, v in value.items()}
    if isinstance(value, list):
        return [_canonical(v) for v in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST
    return int(value) if whole else value


def decode(state: object) -> Saved:
    """The state, if it is one of ours and sound in form.

    Raises:
        StateError: if not.
    """
    if not isinstance(state, dict) or "rheostat" not in state:
        names = sorted(map(str, state))[:8] if isinstance(state, dict) else type(state).__name__
        raise StateError(f"state: need a state_dict() of rheostat.Scheduler; this one has {names}. Nothing was loaded.")
    version = state["rheostat"]
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise StateError(
            f"state: need format {FORMAT} or older; this one has {brief(version)}. Try the version that wrote it."
        )
    state = _from_format_1(state) if version == 1 else state
    _check_fields(state, _FIELDS, "state")
    for name in ("position", "elapsed", "written"):
        _check_size(state, name, "state")
    for i, drive in enumerate(state["drives"]):
        _check_fields(drive, _DRIVE, f"state['drives'][{i}]")
        _check_size(drive, "since", f"state['drives'][{i}]")
    metrics = [tuple(map(_plateau, drive["metrics"])) for drive in state["drives"]]
    entries: dict[tuple[str, str], SavedEntry] = {}
    for i, entry in enumerate(state["entries"]):
        where = f"state['entries'][{i}]"
        _check_entry(entry, where, len(state["drives"]))
        place = entry["group"], entry["key"]
        if place in entries:
            raise StateError(f"{where}: group {place[0]}, {place[1]} is there twice. Nothing was loaded.")
        entries[place] = _entry(entry, state["drives"][entry["drive"]], metrics[entry["drive"]])
    if any(type(flag) is not bool for flag in state["stepped"]):
        raise StateError(f"state['stepped']={brief(state['stepped'])}: need true or false. Nothing was loaded.")
    if sealed(state)["checksum"] != state["checksum"]:
        raise StateError("state: damaged: its checksum is another. Nothing was loaded. Try the checkpoint before it.")
    return Saved(
        state["position"],
        float(state["elapsed"]),
        state["clock"],
        state["run"],
        state["asked_run"],
        float(state["written"]),
        state["stepped"],
        entries,
    )


def _entry(entry: State, drive: State, metrics: tuple[PlateauState, ...]) -> SavedEntry:
    asked = entry["asked"]["schedule"], float(entry["asked"]["base"]), entry["asked"]["since"]
    return SavedEntry(float(entry["base"]), drive["schedule"], drive["since"], metrics, asked)


def _from_format_1(state: State) -> State:
    """Format 1 knew no difference between what was asked for and what is in force, and had no checksum."""
    _check_fields(state, {name: _FIELDS[name] for name in _FORMAT_1}, "state")
    entries = []
    for i, entry in enumerate(state["entries"]):
        _check_fields(entry, {name: kind for name, kind in _ENTRY.items() if name != "asked"}, f"state['entries'][{i}]")
        drive = state["drives"][entry["drive"]] if 0 <= entry["drive"] < len(state["drives"]) else None
        text, since = (drive["schedule"], drive["since"]) if isinstance(drive, dict) else ("", 0)
        asked = {"schedule": text, "base": entry["base"], "since": since}
        entries.append({**entry, "asked": asked})
    new = {"asked_run": state["run"], "written": state["elapsed"], "stepped": [], "entries": entries}
    return sealed({**state, **new, "rheostat": FORMAT})


def _check_entry(entry: object, where: str, drives: int) -> None:
    _check_fields(entry, _ENTRY, where)
    assert isinstance(entry, dict)
    _check_fields(entry["asked"], _ASKED, f"{where}['asked']")
    _check_size(entry, "base", where)
    for name in ("base", "since"):
        _check_size(entry["asked"], name, f"{where}['asked']")
    if not 0 <= entry["drive"] < drives:
        raise StateError(f"{where}: its drive does not exist. Nothing was loaded.")


def _plateau(saved: object) -> PlateauState:
    _check_fields(saved, _PLATEAU, "state['metrics']")
    assert isinstance(saved, dict)
    for name in ("bad", "resting", "cuts"):
        _check_size(saved, name, "state['metrics']")
    if isinstance(saved["best"], int) and abs(saved["best"]) > _LARGEST:
        raise StateError(f"state['metrics']['best']={brief(saved['best'])}: is out of range. Nothing was loaded.")
    return PlateauState(**saved)


def _check_size(data: State, name: str, where: str) -> None:
    if not 0 <= data[name] <= _LARGEST:
        raise StateError(f"{where}[{name!r}]={brief(data[name])}: need a number ≥ 0, at most 1e15. Nothing was loaded.")


def _check_fields(data: object, fields: Fields, where: str) -> None:
    if not isinstance(data, dict) or data.keys() != fields.keys():
        have = brief(sorted(map(brief, data)), 200) if isinstance(data, dict) else type(data).__name__
        raise StateError(f"{where}: need the fields {', '.join(fields)}; it has {have}. Nothing was loaded.")
    for name, kind in fields.items():
        value = data[name]
        if isinstance(value, bool) or not isinstance(value, kind):
            raise StateError(f"{where}[{name!r}]={brief(value)}: of the wrong type. Nothing was loaded.")
        if isinstance(value, float) and not math.isfinite(value):
            raise StateError(f"{where}[{name!r}]={brief(value)}: need a finite number. Nothing was loaded.")
