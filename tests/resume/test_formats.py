"""States that released versions wrote are loaded for ever, and mean what they meant.

One file for each format, written once by the version that introduced it and never rewritten: a change that needs a new
file here needs a new format number, and reads the old ones.
"""

import json
from pathlib import Path

import pytest
import torch

import rheostat as rh

FILES = sorted(Path(__file__).with_name("fixtures").glob("scheduler-format-*.json"))
WRITTEN = [
    pytest.param(entry, id=f"{file.stem}-{entry['name']}")
    for file in FILES
    for entry in json.loads(file.read_text(encoding="utf-8"))
]


class Timer:
    now = 512.0

    def __call__(self):
        return self.now


def rebuilt(entry):
    """The optimizers and the scheduler that an entry describes."""
    optimizers = []
    for described in entry["optimizers"]:
        groups = []
        for options in described["groups"]:
            p = torch.nn.Parameter(torch.ones(1))
            p.grad = torch.ones(1)
            groups.append({**options, "params": [p]})
        optimizers.append(getattr(torch.optim, described["class"])(groups, **described["options"]))
    timer = Timer()
    run = rh.Run(**entry["run"])
    scheduler = rh.Scheduler(optimizers, entry["schedule"], run, clock=entry["clock"], timer=timer)
    return optimizers, scheduler, timer


def value(group, key):
    return group["betas"][0] if key == "betas[0]" else group[key]


def values(optimizers, keys):
    """{key: the value in each group that has it}."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    return {key: [value(g, key) for g in groups if key.partition("[")[0] in g] for key in keys}


def go_on(entry, optimizers, scheduler, timer):
    """What the next updates read: the loop that the entry describes."""
    read = []
    for metric in entry["metrics"]:
        read.append(values(optimizers, entry["keys"]))
        for optimizer in optimizers:
            optimizer.step()
        timer.now += 0.5
        scheduler.step(metric)
    return read


def assert_read(entry, read):
    """To a few units in the last place: NumPy's cosine may differ by one between processors."""
    assert [{key: pytest.approx(v, rel=1e-15) for key, v in update.items()} for update in entry["read"]] == read


@pytest.mark.parametrize("entry", WRITTEN)
def test_a_state_of_a_released_format_is_loaded(entry):
    optimizers, scheduler, timer = rebuilt(entry)
    scheduler.load_state_dict(entry["state"])
    assert scheduler.position == entry["position"]
    assert_read(entry, go_on(entry, optimizers, scheduler, timer))
    assert_read({"read": [entry["then"]]}, [values(optimizers, entry["keys"])])


@pytest.mark.parametrize("entry", WRITTEN)
def test_and_what_is_written_today_can_be_loaded_again(entry):
    optimizers, scheduler, _ = rebuilt(entry)
    scheduler.load_state_dict(entry["state"])
    today = json.loads(json.dumps(scheduler.state_dict()))
    optimizers, scheduler, timer = rebuilt(entry)
    scheduler.load_state_dict(today)
    assert_read(entry, go_on(entry, optimizers, scheduler, timer))


def test_every_format_so_far_has_its_file():
    scheduler = rh.Scheduler(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1), "linear()", rh.Run(steps=2))
    assert [file.stem for file in FILES] == [
        f"scheduler-format-{n}" for n in range(1, scheduler.state_dict()["rheostat"] + 1)
    ]
