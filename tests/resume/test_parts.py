"""Only a part is restored, or at an odd moment: the scheduler alone, the optimizer alone, between the loop's two calls."""

import copy

import pytest
import torch

import rheostat as rh
from resume import orders, runs, same
from resume.cases import CASES, COMPOSITIONS, SHAPES
from resume.runs import Training


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_scheduler_alone_brings_every_value_back(case):
    whole = Training(case).begin().train(5)
    saved, before = runs.through_json(whole.checkpoint()), len(whole.used)
    whole.train(case.updates - 5)
    resumed = orders.scheduler_only(case, saved).train(case.updates - 5)
    assert resumed.used == whole.used[before:]
    if not any(optimizer["state"] for optimizer in saved["optimizers"]):  # plain SGD has nothing else to remember
        assert resumed.weights() == whole.weights()


@pytest.mark.parametrize("case", [c for c in SHAPES + COMPOSITIONS if not c.metric_every], ids=str)
def test_the_optimizer_alone_and_the_position_as_pytorch_takes_it(case):
    whole = Training(case).begin().train(7)
    saved = runs.through_torch(whole.checkpoint())
    whole.train(case.updates - 7)
    resumed = Training(case)
    resumed.net.load_state_dict(saved["model"])
    resumed.optimizers[0].load_state_dict(saved["optimizers"][0])
    resumed.done = 7
    resumed.begin(last_epoch=6)
    same.assert_goes_on(whole, resumed, 7)


@pytest.mark.parametrize("fresh", [True, False])
def test_an_optimizer_at_5000_under_a_scheduler_that_was_at_0(fresh):
    """What was written meanwhile leaves no trace: neither in the values nor in what they are factors of."""
    run, spec = rh.Run(steps=10_000), "warmup('1000 steps') >> cosine(end=0.1)"
    p = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.AdamW([p], lr=0.1)
    scheduler = rh.Scheduler(optimizer, spec, run)
    p.grad = torch.ones(1)
    for _ in range(5000):
        optimizer.step()
    position, saved = runs.through_json({"scheduler": scheduler.state_dict()})["scheduler"], optimizer.state_dict()
    assert saved["state"][0]["step"] == 5000

    resumed = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    if fresh:
        resumed.load_state_dict(copy.deepcopy(saved))
    again = rh.Scheduler(resumed, spec, run)
    resumed.load_state_dict(copy.deepcopy(saved))
    assert (again.position, again.get_last_lr()) == (0, [0.1 / 1000])
    again.load_state_dict(position)
    assert (again.position, again.base_lrs) == (5000, [0.1])
    assert again.get_last_lr() == again.get_lr() == [rh.parse(spec).over(run, base=0.1).at(5000)]


@pytest.mark.parametrize("order", orders.ORDERS[:4], ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", COMPOSITIONS, ids=str)
def test_a_checkpoint_between_optimizer_step_and_scheduler_step(case, order):
    """As a signal handler makes it: the update is done, the next one's value not yet written."""
    whole = Training(case).begin()
    between = []
    whole.optimizers[0].register_step_post_hook(lambda *_: between.append(copy.deepcopy(whole.checkpoint())))
    whole.train(6)
    saved = runs.through_torch(between[5]) | {"done": 6}
    assert saved["scheduler"]["position"] == 6
    whole.train(2)
    resumed = order(case, saved)
    resumed.scheduler.step(*([runs.METRICS[5]] if case.metric_every else []))
    same.assert_same_from(whole, resumed, 6, 8)


@pytest.mark.filterwarnings("ignore::rheostat.errors.PastEndWarning")
def test_past_the_end_the_last_value_is_held_by_the_resumed_run_too():
    case = runs.Case("past_the_end", "warmup('3 steps') >> linear(end=0.1)", updates=runs.UPDATES + 6)
    whole, checkpoints = same.uninterrupted(case)
    assert whole.used[-1][1][0]["lr"] == 0.1 * 0.1
    for stop in range(runs.UPDATES - 1, case.updates + 1):
        saved = copy.deepcopy(checkpoints[stop])
        same.assert_goes_on(whole, orders.built_then_optimizer_then_scheduler(case, saved), stop)


def test_loading_changes_neither_the_state_nor_another_scheduler():
    case = CASES[0]
    first, second = Training(case).begin().train(3), Training(case).begin()
    state = first.scheduler.state_dict()
    kept = copy.deepcopy(state)
    second.scheduler.load_state_dict(state)
    second.train(2)
    assert state == kept == first.scheduler.state_dict()


def test_in_a_notebook_a_second_scheduler_goes_on_from_the_saved_state():
    """The cell that builds everything is run again, and the state of the first is loaded."""
    case = COMPOSITIONS[0]
    whole = Training(case).begin().train(case.updates)
    training = Training(case).begin().train(5)
    saved = training.scheduler.state_dict()
    with pytest.warns(rh.SecondSchedulerWarning):
        training.scheduler = rh.Scheduler(training.optimizers[0], case.schedule, case.run)
    training.scheduler.load_state_dict(saved)
    training.train(case.updates - 5)
    assert training.used == whole.used
    assert training.weights() == whole.weights()


def test_loading_again_and_again_adds_no_hooks():
    training = Training(CASES[0]).begin().train(3)
    optimizer, state = training.optimizers[0], training.scheduler.state_dict()

    def hooks():
        return [len(hooks) for name, hooks in vars(optimizer).items() if name.endswith("_hooks")]

    before = hooks()
    for _ in range(5):
        training.scheduler.load_state_dict(state)
        optimizer.load_state_dict(optimizer.state_dict())
    assert hooks() == before


@pytest.mark.parametrize("fused", [False, True])
def test_mixed_precision_with_skipped_updates(fused):
    """Updates 2 and 6 overflow and are skipped: no update of the schedule, before or after resuming."""

    def build():
        p = torch.nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9, fused=fused)
        return p, optimizer, torch.amp.GradScaler("cpu", init_scale=8.0), rh.Scheduler(optimizer, SPEC, rh.Run(steps=8))

    def train(p, optimizer, scaler, scheduler, begin, end):
        seen = []
        for t in range(begin, end):
            scaler.scale((p * (float("inf") if t in (2, 6) else t + 1.0)).sum()).backward()
            before = optimizer.param_groups[0]["lr"]
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            optimizer.zero_grad()
            seen.append((before, p.tolist(), scheduler.position))
        return seen

    SPEC = "warmup('3 steps') >> cosine(end=0.1)"
    whole = train(*build(), 0, 10)
    assert whole[-1][2] == 8
    for stop in range(10):
        first = build()
        seen = train(*first, 0, stop)
        saved = runs.through_torch([first[0], *(part.state_dict() for part in first[1:])])
        p, optimizer, scaler, scheduler = build()
        with torch.no_grad():
            p.copy_(saved[0])
        for part, state in zip((scheduler, optimizer, scaler), (saved[3], saved[1], saved[2]), strict=True):
            part.load_state_dict(state)
        assert seen + train(p, optimizer, scaler, scheduler, stop, 10) == whole
