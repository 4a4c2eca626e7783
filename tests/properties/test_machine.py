"""Everything that may happen to a Scheduler, in any order, held against a model that is a list of what should be used.

The model knows the present schedule only as text, run and place (`Leg`), and computes each value from these alone.
"""

import copy
import json
import math
import pickle
from dataclasses import dataclass

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RULE_MARKER, RuleBasedStateMachine, initialize, invariant, precondition, rule

import rheostat as rh
from driver.loops import RecordingSGD, parameter, recording
from rheostat import errors

SPECS = [
    "warmup('4 steps') >> cosine(end=0.1)",
    "linear()",
    "step(every='7 steps', factor=0.5)",
    "wsd(warmup='3 steps', cooldown='30%')",
    "inverse_sqrt('5 steps')",
    "constant()",
]
BASES = (0.1, 0.03)
ORDERS = st.permutations(["optimizer", "scheduler"])


@dataclass
class Leg:
    """What is in force: a schedule as text, the run, and since when it counts."""

    text: str
    run: rh.Run
    since: int = 0

    def value(self, t, base):
        rest = rh.Run(steps=max(1, self.run.updates - self.since))
        return rh.parse(self.text).over(rest, base=base).at(max(0, t - self.since))

    def factor(self, t):
        return self.value(t, 1.0)


@dataclass
class Save:
    """A checkpoint, and what the model knew when it was made."""

    scheduler: dict
    optimizer: dict
    leg: Leg
    t: int
    bases: list


def optimizers(kind):
    lrs = [torch.tensor(lr, dtype=torch.float64) for lr in BASES] if kind == "tensor" else BASES
    groups = [{"params": [parameter()], "lr": lr} for lr in lrs]
    if kind == "adamw":
        return recording(torch.optim.AdamW)(groups)
    return RecordingSGD(groups, fused=kind == "fused" or None)


class Driving(RuleBasedStateMachine):
    @initialize(
        text=st.sampled_from(SPECS),
        steps=st.integers(12, 60),
        kind=st.sampled_from(["float", "tensor", "adamw", "fused"]),
    )
    def begin(self, text, steps, kind):
        self.kind, self.text, self.run = kind, text, rh.Run(steps=steps)
        self.leg, self.t, self.save = Leg(text, self.run), 0, None
        self.bases = list(BASES)
        self.build()

    def build(self):
        self.optimizer = optimizers(self.kind)
        self.scheduler = rh.Scheduler(self.optimizer, self.text, self.run)
        self.optimizer.used.clear()

    def over(self):
        return self.t > self.leg.run.updates - 1

    def check_used(self):
        """What the last update read is what the model says for it."""
        used = self.optimizer.used[-1]
        assert used == [pytest.approx(self.leg.value(self.t, base), rel=1e-13, abs=1e-18) for base in self.bases]

    @precondition(lambda self: not self.over())
    @rule(calls=st.integers(0, 2))
    def update(self, calls):
        self.optimizer.step()
        self.check_used()
        self.t += 1
        for _ in range(calls):
            self.scheduler.step()

    @rule()
    def call_without_an_update(self):
        self.scheduler.step()

    @precondition(lambda self: self.kind == "fused" and not self.over())
    @rule()
    def skipped_update(self):
        self.optimizer.found_inf = torch.tensor(1.0)
        self.optimizer.step()
        del self.optimizer.found_inf
        self.optimizer.used.pop()

    @rule(carrier=st.sampled_from(["json", "pickle"]))
    def saved(self, carrier):
        state = self.scheduler.state_dict()
        state = json.loads(json.dumps(state)) if carrier == "json" else pickle.loads(pickle.dumps(state))
        optimizer = copy.deepcopy(self.optimizer.state_dict())
        self.save = Save(state, optimizer, self.leg, self.t, list(self.bases))

    @precondition(lambda self: self.save is not None and len(self.save.bases) == len(self.bases))
    @rule(order=ORDERS)
    def loaded(self, order):
        """Back to the last checkpoint, in the same process."""
        self.restore(order)

    @precondition(lambda self: self.save is not None)
    @rule(order=ORDERS)
    def killed(self, order):
        """What was done since the last checkpoint is lost, with the process."""
        self.scheduler.close()
        self.build()
        for base in self.save.bases[len(BASES) :]:
            self.optimizer.add_param_group({"params": [parameter()], "lr": base})
        self.restore(order)
        assert self.scheduler.state_dict() == self.save.scheduler

    def restore(self, order):
        for what in order:
            if what == "optimizer":
                self.optimizer.load_state_dict(copy.deepcopy(self.save.optimizer))
            else:
                self.scheduler.load_state_dict(self.save.scheduler)
        self.leg, self.t, self.bases = self.save.leg, self.save.t, list(self.save.bases)

    @rule()
    def optimizer_loaded_in_the_middle(self):
        self.optimizer.load_state_dict(self.optimizer.state_dict())

    @rule()
    def deepcopied(self):
        self.go_on_with(copy.deepcopy((self.optimizer, self.scheduler)))

    @precondition(lambda self: self.kind == "float")  # the classes of the others cannot be named in a pickle
    @rule()
    def pickled(self):
        self.go_on_with(pickle.loads(pickle.dumps((self.optimizer, self.scheduler))))

    def go_on_with(self, twins):
        self.scheduler.close()
        used = self.optimizer.used
        self.optimizer, self.scheduler = twins
        self.optimizer.used = used

    @precondition(lambda self: not self.over())
    @rule(more=st.integers(1, 40))
    def extended(self, more):
        before, run = self.leg.factor(self.t), rh.Run(steps=max(self.t + 1, self.leg.run.updates) + more)
        try:
            self.scheduler.extend(run)
        except rh.ScheduleError:
            stays = Leg(self.leg.text, run, self.leg.since)
            assert stays.factor(self.leg.run.updates) == stays.factor(run.updates - 1) == 0
            return
        plain = self.leg.text.partition(".rebase(")[0].strip("()") if ".rebase(" in self.leg.text else self.leg.text
        self.leg = Leg(self.in_force(), run, self.leg.since)
        if ".rebase(" not in self.leg.text:
            assert rh.parse(self.leg.text) == rh.parse(plain)
        assert math.isclose(self.leg.factor(self.t), before, rel_tol=1e-13, abs_tol=1e-18)

    @precondition(lambda self: not self.over())
    @rule(
        over=st.integers(1, 20),
        shape=st.sampled_from(["linear", "cosine", "one_minus_sqrt"]),
        to=st.sampled_from([0.0, 0.01]),
    )
    def cooled_down(self, over, shape, to):
        factor = self.leg.factor(self.t)
        try:
            self.scheduler.cooldown(over=f"{over} steps", to=to, shape=shape)
        except rh.ScheduleError:
            assert to > factor
            return
        self.leg = Leg(
            f"{shape}(start={factor!r}, end={to!r}, over='{over} steps')", rh.Run(steps=self.t + over), self.t
        )

    @precondition(lambda self: not self.over())
    @rule()
    def branched(self):
        other = copy.deepcopy(self.optimizer)
        other.used = []
        branch = self.scheduler.branch(other)
        branch.cooldown(over="3 steps")
        other.step()
        branch.step()
        branch.close()

    @precondition(lambda self: len(self.optimizer.param_groups) < 5)
    @rule()
    def group_added(self):
        self.optimizer.add_param_group({"params": [parameter()], "lr": 0.02})
        self.bases.append(0.02)

    @precondition(lambda self: not self.over())
    @rule(value=st.sampled_from([0.5, 0.0, 1e-9]))
    def overwritten_from_outside(self, value):
        self.scheduler.step()
        group = self.optimizer.param_groups[0]
        ours = float(group["lr"])
        if self.kind == "tensor":
            group["lr"].fill_(value)
        else:
            group["lr"] = value
        self.scheduler.guards.said.clear()
        due = self.leg.value(self.t, self.bases[0])
        if value in (ours, due):
            return
        with pytest.warns(errors.OverwrittenWarning):
            self.scheduler.write()

    def in_force(self):
        return repr(self.scheduler.entries[0].schedule)

    @invariant()
    def the_position_is_the_number_of_updates(self):
        if hasattr(self, "scheduler"):
            assert self.scheduler.position == self.t

    @invariant()
    def the_next_values_are_those_of_the_model(self):
        if hasattr(self, "scheduler") and not self.over():
            planned = [pytest.approx(self.leg.value(self.t, base), rel=1e-13, abs=1e-18) for base in self.bases]
            assert [float(lr) for lr in self.scheduler.get_lr()] == planned
            assert json.loads(json.dumps(self.scheduler.state_dict()))["position"] == self.t

    def teardown(self):
        if hasattr(self, "scheduler"):
            self.scheduler.close()


NIGHTLY = settings().max_examples > 1000
Driving.TestCase.settings = settings(max_examples=settings().max_examples if NIGHTLY else 60, stateful_step_count=25)
test_driving = Driving.TestCase


ASKED_FOR = {"update", "skipped_update", "saved", "loaded", "killed", "extended", "cooled_down", "group_added"}
ASKED_FOR |= {"overwritten_from_outside", "deepcopied", "pickled"}


def test_everything_that_may_happen_has_a_rule_of_its_own():
    assert {name for name in ASKED_FOR if hasattr(getattr(Driving, name, None), RULE_MARKER)} == ASKED_FOR
