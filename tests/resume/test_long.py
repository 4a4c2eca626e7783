"""Long runs: resumed at random updates after really stepping there, and at positions that nobody steps to."""

import json
import random
import re
import zlib
from dataclasses import replace

import pytest
import torch

import rheostat as rh
from resume.cases import COMPOSITIONS, SHAPES
from resume.runs import METRICS, Case
from rheostat.driver.state import sealed

CASES = [case for case in SHAPES + COMPOSITIONS if not isinstance(case.schedule, dict)]


def stretched(case, updates):
    """The case over a run of so many updates: an epoch is a third of it, and what was one step is a twelfth."""
    text = repr(case.schedule) if isinstance(case.schedule, rh.Schedule) else case.schedule
    longer = re.sub(r"([\d.]+) steps", lambda found: f"{int(float(found[1]) * updates / 12)} steps", text)
    schedule = case.schedule if "from_function" in text else longer
    run = rh.Run() if case.run == rh.Run() else rh.Run(steps=updates, steps_per_epoch=updates // 3)
    if case.run == rh.Run() and "epochs" in text:
        raise AssertionError
    return replace(case, schedule=schedule, run=run, updates=updates)


class Tiny:
    """One number under plain SGD; `used` is the learning rate that each update read."""

    def __init__(self, case):
        p = torch.nn.Parameter(torch.ones(1))
        p.grad = torch.full((1,), 1e-9)
        self.case, self.used = case, []
        self.optimizer = torch.optim.SGD([p], lr=0.1)
        self.scheduler = rh.Scheduler(self.optimizer, case.schedule, case.run)
        self.optimizer.register_step_post_hook(lambda o, *_: self.used.append(o.param_groups[0]["lr"]))

    def train(self, begin, end):
        listens, every = self.case.metric_every, self.case.updates // 12
        for t in range(begin, end):
            self.optimizer.step()
            if listens and t % every == every - 1:
                self.scheduler.report(METRICS[t // every % 12])
        return self


def random_stops(case, number):
    return sorted(random.Random(zlib.crc32(case.name.encode())).sample(range(case.updates), number))


@pytest.mark.parametrize("case", [stretched(case, 3600) for case in CASES], ids=str)
def test_resumed_at_random_updates(case):
    whole, at, states = Tiny(case), 0, []
    for stop in random_stops(case, 6):
        whole.train(at, stop)
        states.append((stop, json.dumps(whole.scheduler.state_dict())))
        at = stop
    whole.train(at, case.updates)
    for stop, text in states:
        resumed = Tiny(case)
        resumed.scheduler.load_state_dict(json.loads(text))
        end = min(stop + 1100, case.updates)  # values are computed 1024 at a time
        assert resumed.train(stop, end).used == whole.used[stop:end]


def test_a_chain_of_many_resumes_is_one_run():
    case = stretched(
        Case("chain", "(warmup('1 steps') >> cosine(end=0.1)) * plateau(factor=0.9, patience=0)", metric_every=1), 6000
    )
    whole = Tiny(case).train(0, case.updates)
    used, text, at = [], None, 0
    for stop in [*random_stops(case, 60), case.updates]:
        part = Tiny(case)
        if text is not None:
            part.scheduler.load_state_dict(json.loads(text))
        used += part.train(at, stop).used
        text, at = json.dumps(part.scheduler.state_dict()), stop
    assert used == whole.used
    assert json.loads(text) == whole.scheduler.state_dict()


@pytest.mark.parametrize("updates", [10**7, 12 * 10**12])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_at_any_position_the_values_are_those_of_the_curve(case, updates):
    case = stretched(case, updates)
    tiny = Tiny(case)
    curve, state = tiny.scheduler.curve, tiny.scheduler.state_dict()
    chosen = random.Random(zlib.crc32(case.name.encode())).choices(range(updates), k=3)
    for position in [*chosen, updates - 1]:
        tiny.scheduler.load_state_dict(sealed({**state, "position": position}))
        tiny.used.clear()
        tiny.optimizer.step()
        tiny.optimizer.step() if position + 1 < updates else None
        assert tiny.used == curve.values(position, position + len(tiny.used)).tolist()
