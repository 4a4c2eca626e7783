"""What a damaged state is told, word for word, and what the first format becomes."""

import copy

import pytest
import torch

import rheostat as rh
from rheostat.driver.state import decode, sealed
from rheostat.errors import StateError


def state():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    return rh.Scheduler(optimizer, rh.cosine() * rh.plateau(), rh.Run(steps=10)).state_dict()


def changed(place, value):
    data = copy.deepcopy(state())
    inner = data
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return sealed({k: v for k, v in data.items() if k != "checksum"} if "checksum" in data else data)


DAMAGED = [
    (("position",), -1, "state['position']=-1: need a number ≥ 0, at most 1e15. Nothing was loaded."),
    (("position",), 10**16, "state['position']=10000000000000000: need a number ≥ 0, at most 1e15. Nothing was loaded."),
    (("position",), True, "state['position']=True: of the wrong type. Nothing was loaded."),
    (("position",), "5", "state['position']='5': of the wrong type. Nothing was loaded."),
    (("elapsed",), float("inf"), "state['elapsed']=inf: need a finite number. Nothing was loaded."),
    (("entries", 0, "base"), -0.5, "state['entries'][0]['base']=-0.5: need a number ≥ 0, at most 1e15. Nothing was loaded."),
    (("entries", 0, "drive"), 1, "state['entries'][0]: its drive does not exist. Nothing was loaded."),
    (("entries", 0, "drive"), -1, "state['entries'][0]: its drive does not exist. Nothing was loaded."),
    (("drives", 0, "metrics", 0, "bad"), -1, "state['metrics']['bad']=-1: need a number ≥ 0, at most 1e15. Nothing was loaded."),
    (("drives", 0, "metrics", 0, "best"), 10**16, "state['metrics']['best']=10000000000000000: is out of range. Nothing was loaded."),
    (("drives", 0, "metrics", 0), None, "state['metrics']: need the fields best, bad, resting, cuts; it has NoneType. Nothing was loaded."),
    (("drives", 0), {"since": 0}, "state['drives'][0]: need the fields schedule, since, metrics; it has [\"'since'\"]. Nothing was loaded."),
    (("drives", 0, "since"), -1, "state['drives'][0]['since']=-1: need a number ≥ 0, at most 1e15. Nothing was loaded."),
    (("entries", 0), [], "state['entries'][0]: need the fields group, key, base, drive, asked; it has list. Nothing was loaded."),
    (("entries", 0, "asked"), {}, "state['entries'][0]['asked']: need the fields schedule, base, since; it has []. Nothing was loaded."),
    (("entries", 0, "asked", "since"), -2.5, "state['entries'][0]['asked']['since']=-2.5: need a number ≥ 0, at most 1e15. Nothing was loaded."),
    (("entries",), state()["entries"] * 2, "state['entries'][1]: group 0, lr is there twice. Nothing was loaded."),
    (("stepped",), [True, 1], "state['stepped']=[True, 1]: need true or false. Nothing was loaded."),
    (("rheostat",), 3, "state: need format 2 or older; this one has 3. Try the version that wrote it."),
    (("rheostat",), True, "state: need format 2 or older; this one has True. Try the version that wrote it."),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "message"), DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_state_is_told_where(place, value, message):
    with pytest.raises(StateError) as caught:
        decode(changed(place, value))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (3, "state: need a state_dict() of rheostat.Scheduler; this one has int. Nothing was loaded."),
        (
            {str(i): 0 for i in range(1, 10)},
            (
                "state: need a state_dict() of rheostat.Scheduler; "
                "this one has ['1', '2', '3', '4', '5', '6', '7', '8']. Nothing was loaded."
            ),
        ),
        (
            {**state(), "position": 1},
            "state: damaged: its checksum is another. Nothing was loaded. Try the checkpoint before it.",
        ),
        (
            {"rheostat": 1, "x": 2},
            (
                "state: need the fields rheostat, position, elapsed, clock, run, drives, entries; "
                "it has [\"'rheostat'\", \"'x'\"]. Nothing was loaded."
            ),
        ),
    ],
)
def test_what_is_none_of_ours_is_told_what_it_lacks(data, message):
    with pytest.raises(StateError) as caught:
        decode(data)
    assert str(caught.value) == message


def test_of_many_fields_only_the_first_are_named():
    with pytest.raises(StateError) as caught:
        decode({"rheostat": 2, **{f"field {i}": 0 for i in range(100)}})
    have = str(caught.value).partition("it has ")[2].partition(". Nothing")[0]
    assert (len(have), have[-1]) == (200, "…")


def test_the_checksum_is_that_of_the_format():
    """It is on disk: another way to compute it would refuse every state that was written before."""
    assert sealed({"rheostat": 2, "position": 3, "drives": [{"since": 0.0, "base": 0.1}], "stepped": [True]}) == {
        "rheostat": 2,
        "position": 3,
        "drives": [{"since": 0.0, "base": 0.1}],
        "stepped": [True],
        "checksum": "1c6ae5d4772de47cdc917b9b3db43e9f67ad810dd2a437b4d2334fa70602b2f8",
    }


@pytest.mark.parametrize("whole", [0, 1, -7, 10**15, -(10**15)])
def test_a_whole_number_has_the_same_checksum_however_it_is_written(whole):
    a, b = (sealed({"entries": [{"base": value}]})["checksum"] for value in (whole, float(whole)))
    assert a == b != sealed({"entries": [{"base": whole + 0.5}]})["checksum"]


def test_the_order_of_names_does_not_matter():
    data = state()
    assert decode(dict(reversed(data.items()))) == decode(data)


def test_only_a_run_by_the_clock_says_when_it_has_written():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = rh.Scheduler(optimizer, "cosine()", rh.Run(steps=10))
    optimizer.step()
    scheduler.step()
    assert (scheduler.state_dict()["position"], scheduler.state_dict()["written"]) == (1, 0)


@pytest.mark.parametrize("largest", [0, 10**15])
def test_the_limits_themselves_are_sound(largest):
    assert decode(changed(("position",), largest)) is not None
    assert decode(changed(("drives", 0, "metrics", 0, "cuts"), largest)) is not None
    assert decode(changed(("drives", 0, "metrics", 0, "best"), -largest)) is not None


def test_the_first_format_asked_for_what_was_in_force():
    old = {
        "rheostat": 1, "position": 3, "elapsed": 1.5, "clock": "updates", "run": "Run(steps=10)",
        "drives": [{"schedule": "cosine()", "since": 0, "metrics": []}],
        "entries": [{"group": "0", "key": "lr", "base": 0.1, "drive": 0}],
    }  # fmt: skip
    saved = decode(old)
    (entry,) = saved.entries.values() if isinstance(saved.entries, dict) else saved.entries
    assert (entry.base, entry.schedule, entry.asked) == (0.1, "cosine()", ("cosine()", 0.1, 0))
    for broken in (
        {**old, "entries": [{"group": "0"}]},
        {**old, "drives": []},
        {**old, "entries": [{**old["entries"][0], "drive": 1}]},
    ):
        with pytest.raises(
            StateError, match=r"state\['entries'\]\[0\]: (need the fields group|its drive does not exist)"
        ):
            decode(broken)
