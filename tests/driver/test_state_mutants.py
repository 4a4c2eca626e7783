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
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "message"), DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_state_is_told_where(place, value, message):
    with pytest.raises(StateError) as caught:
        decode(changed(place, value))
    assert str(caught.value) == message


@pytest.mark.parametrize("largest", [0, 10**15])
def test_the_limits_themselves_are_sound(largest):
    assert decode(changed(("position",), largest)) is not None
    assert decode(changed(("drives", 0, "metrics", 0, "cuts"), largest)) is not None


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
