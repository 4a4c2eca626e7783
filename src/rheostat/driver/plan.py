"""Which schedule drives which key of which group, and from which base value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rheostat.driver.columns import Group, base_of, value_of
from rheostat.errors import ScheduleError, nearest, refuse
from rheostat.schedule import Curve, Run, Schedule, Span, parse
from rheostat.schedule.run import Axis

if TYPE_CHECKING:
    from torch.optim import Optimizer

Rules = dict[str, dict[str, Schedule]]
REST = "*"
Asked = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """One scheduled value: where it is, its base, and the schedule that drives it.

    The schedule counts from `since`, a place on the axis: the number of updates, epochs or seconds done. What the code
    asked for is kept beside what is in force, where the two differ because training was extended or cooled down.
    """

    optimizer: int
    group: int
    label: str
    key: str
    base: float
    schedule: Schedule
    since: float = 0
    asked: Asked | None = None
    given: Schedule | None = None

    @property
    def own(self) -> Schedule:
        """The schedule that the code gave, itself: its text cannot name a function in it."""
        return self.given or self.schedule

    @property
    def asked_for(self) -> Asked:
        """What the code asked for: the schedule's text, the base value, and since when it counts."""
        return self.asked or (repr(self.schedule), self.base, self.since)

    def amended(self, schedule: Schedule, since: float) -> Entry:
        """This entry with another schedule in force; what was asked for stays known."""
        return replace(self, schedule=schedule, since=since, asked=self.asked_for, given=self.own)


def rules(spec: object) -> Rules:
    """The schedule argument in one form: {key: {group name or "*": Schedule}}."""
    if not isinstance(spec, Mapping):
        return {"lr": {REST: _schedule(spec, "schedule")}}
    if not spec:
        raise refuse("schedule", {}, need="at least one key", mend="{'lr': schedule}")
    found: Rules = {}
    for key, value in spec.items():
        if not isinstance(key, str):
            raise refuse("schedule", key, need="the name of a key as text", mend="{'lr': schedule}")
        by_group = value if isinstance(value, Mapping) else {REST: value}
        if not by_group:
            raise refuse(f"schedule[{key!r}]", {}, need="at least one group", mend="{'*': schedule}")
        found[key] = {str(name): _schedule(s, f"schedule[{key!r}]") for name, s in by_group.items()}
    return found


def in_force(entries: Sequence[Entry]) -> dict[str, Any]:
    """What drives each key, as text: one schedule for all groups, or one for each; with where it begins to count."""
    found: dict[str, dict[str, str]] = {}
    for e in entries:
        since = f", from {e.since:g} on" if e.since else ""
        found.setdefault(e.key, {})[e.label] = f"{e.schedule}{since}"
    return {key: by[min(by)] if len(set(by.values())) == 1 else by for key, by in found.items()}


def label_of(group: Group, optimizer: int, index: int, optimizers: int, taken: set[str]) -> str:
    """What a group is called: its name, or its number; "1.0" is group 0 of a second optimizer.

    A name that is taken gets the number behind it, so that every group is told apart in ledgers and checkpoints.
    """
    number = f"{optimizer}.{index}" if optimizers > 1 else str(index)
    name = str(group.get("name", number))
    return f"{name}#{number}" if name in taken else name


def plan(optimizers: Sequence[Optimizer], by_key: Rules) -> list[Entry]:
    """Every scheduled value of every group; refuses unknown keys, unknown group names, and groups left out."""
    groups: list[tuple[int, int, str, Group]] = []
    for o, optimizer in enumerate(optimizers):
        for g, group in enumerate(optimizer.param_groups):
            taken = {name for _, _, name, _ in groups}
            groups.append((o, g, label_of(group, o, g, len(optimizers), taken), group))
    labels = [str(group.get("name", name)) for _, _, name, group in groups]
    entries = []
    for key, by_group in by_key.items():
        check_names(key, by_group, labels, [group for *_, group in groups])
        mine = [place for place in groups if has(place[3], key) and not _left_alone(key, by_group, place[3], place[2])]
        found = [entry(o, g, name, group, key, by_group) for o, g, name, group in mine]
        if not any(e.base > 0 for e in found):
            need = "a base value above 0 in at least one group, because schedules are factors of it"
            raise refuse(f"{key} of every group", 0.0, need=need, mend=f"a {key} above 0 when building the optimizer")
        entries.extend(found)
    return entries


def entry(  # noqa: PLR0917 - one place, told apart by type
    o: int, g: int, name: str, group: Group, key: str, by_group: Mapping[str, Schedule], since: float = 0
) -> Entry:
    """The entry of one key of one group."""
    schedule = by_group.get(str(group.get("name", name)), by_group.get(REST))
    if schedule is None:
        mend = f"{{'{name}': ..., }} or {{'*': ...}} for all others"
        raise refuse(f"schedule[{key!r}]", sorted(by_group), need=f"a schedule for group {name!r} too", mend=mend)
    return Entry(o, g, name, key, base_of(group, key, name), schedule, since)


def joining(
    o: int, g: int, group: Group, by_key: Rules, own: Rules, *, optimizers: int, taken: set[str], since: float
) -> list[Entry]:
    """The entries of a group that comes in later: a schedule of its own counts from `since`, others from the start."""
    name = label_of(group, o, g, optimizers, taken)
    for key, by_group in own.items():
        check_names(key, by_group, [str(group.get("name", name))], [group])
    return [
        entry(o, g, name, group, key, by_group, since if key in own else 0)
        for key, by_group in {**by_key, **own}.items()
        if has(group, key) and not _left_alone(key, by_group, group, name)
    ]


def _left_alone(key: str, by_group: Mapping[str, Schedule], group: Group, name: str) -> bool:
    """Whether a group's value is not scheduled: only of other keys, for a learning rate left out is an oversight."""
    return key != "lr" and REST not in by_group and str(group.get("name", name)) not in by_group


def has(group: Group, key: str) -> bool:
    """Whether a group has the key."""
    try:
        value_of(group, key)
    except KeyError:
        return False
    return True


def curve_of(e: Entry, run: Run, axis: Axis) -> Curve:
    """The curve that drives an entry, over what was left of the run when it began."""
    try:
        return e.schedule.over(_rest(run, e.since, axis), base=e.base, axis=axis)
    except ScheduleError as error:
        raise error.inside(f"{e.key} of group {e.label}, base value {e.base:g}") from None


def _rest(run: Run, since: float, axis: Axis) -> Run:
    """The run that is left on an axis after `since`, with the same rates."""
    whole = run.horizon(axis) if since else None
    if whole is None:
        return run
    others: dict[str, Any] = dict.fromkeys(("steps", "epochs", "samples", "tokens", "time"))
    if axis == "seconds":
        return replace(run, **{**others, "time": Span(max(1e-3, float(whole) - since), "s")})
    return replace(run, **{**others, "steps" if axis == "updates" else "epochs": max(1, int(whole - int(since)))})


def _schedule(spec: object, name: str) -> Schedule:
    if isinstance(spec, (Schedule, str)):
        return parse(spec)
    raise refuse(name, spec, need="a schedule, or its text", mend="rh.cosine(end=0.1)")


def check_names(key: str, by_group: Mapping[str, Schedule], labels: list[str], groups: list[Group]) -> None:
    """Refuse a key that no group has, and the name of a group that does not exist."""
    if not any(has(group, key) for group in groups):
        known = sorted({k for group in groups for k in group if k != "params" and not k.startswith("initial_")})
        mend: str | None
        if key in labels:
            mend = f"{{'lr': {{{key!r}: ...}}}}; the outer names are keys, the inner ones groups"
        else:
            mend = _quoted(nearest(key, known)) or (
                "'betas[0]' for the momentum of Adam" if key == "momentum" else None
            )
        raise refuse("schedule", key, need=f"a key of the optimizer's groups: {', '.join(known)}", mend=mend)
    for name in by_group:
        if name != REST and name not in labels:
            need = f"a group's name: {', '.join(labels)}, or '*' for all others"
            raise refuse(f"schedule[{key!r}]", name, need=need, mend=_quoted(nearest(name, labels)))


def _quoted(name: str | None) -> str | None:
    return None if name is None else repr(name)
