"""Any schedule, stopped anywhere, with any reports before and after."""

import json

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import rheostat as rh
from laws.strategies import RUN, schedules
from rheostat.driver.state import sealed

reports = st.lists(
    st.one_of(st.none(), st.floats(-3, 3), st.just(float("nan")), st.just(float("inf"))), min_size=1, max_size=12
)


fewer = settings(max_examples=settings.default.max_examples // 3)


class Tiny:
    """Two numbers in two groups under plain SGD, one of them with a tensor for its learning rate."""

    def __init__(self, schedule, run=RUN):
        groups = [{"params": [self.parameter()], "lr": lr} for lr in (0.1, torch.tensor(0.03))]
        self.optimizer = torch.optim.SGD(groups, lr=0.1)
        try:
            self.scheduler = rh.Scheduler(self.optimizer, schedule, run)
        except rh.ScheduleError:  # its parts do not fit into the run; that is refused, and no matter of these tests
            assume(False)
        self.used = []
        self.optimizer.register_step_post_hook(
            lambda o, *_: self.used.append([float(group["lr"]) for group in o.param_groups])
        )

    @staticmethod
    def parameter():
        p = torch.nn.Parameter(torch.ones(1))
        p.grad = torch.full((1,), 1e-9)
        return p

    def train(self, reports):
        listens = any(self.scheduler.state_dict()["drives"][0]["metrics"])
        for metric in reports:
            self.optimizer.step()
            self.scheduler.step(metric if listens else None)
        return self


@fewer
@given(schedule=schedules, start=st.integers(0, 3970), before=reports, after=reports)
def test_a_resumed_run_is_the_run(schedule, start, before, after):
    whole = Tiny(schedule)
    whole.scheduler.load_state_dict(sealed({**whole.scheduler.state_dict(), "position": start}))
    text = json.dumps(whole.train(before).scheduler.state_dict(), allow_nan=False)
    whole.used.clear()
    whole.train(after)

    resumed = Tiny(schedule)
    resumed.scheduler.load_state_dict(json.loads(text))
    assert resumed.train(after).used == whole.used
    assert resumed.scheduler.state_dict() == whole.scheduler.state_dict()


@fewer
@given(schedule=schedules, stops=st.lists(st.integers(0, 3999), max_size=3))
def test_where_it_was_before_leaves_no_trace(schedule, stops):
    """Loaded here and there, in any order: what counts is the last state alone."""
    fresh, travelled = Tiny(schedule), Tiny(schedule)
    start = fresh.scheduler.state_dict()
    for stop in [*stops, 2000]:
        travelled.scheduler.load_state_dict(sealed({**start, "position": stop}))
        travelled.train([1.0])
    fresh.scheduler.load_state_dict(sealed({**start, "position": 2000}))
    assert travelled.used[-1:] == fresh.train([1.0]).used
