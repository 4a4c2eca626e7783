"""Whichever way the loop calls it, each update uses the value that is meant for it."""

import copy
import pickle

import pytest
import torch

import rheostat as rh
from driver.loops import RUN, SPEC, RecordingSGD, parameter, planned, recording, sgd


def never(optimizer, scheduler):
    optimizer.step()


def once(optimizer, scheduler):
    optimizer.step()
    scheduler.step()


def three_times(optimizer, scheduler):
    optimizer.step()
    for _ in range(3):
        scheduler.step()


def before(optimizer, scheduler):
    scheduler.step()
    optimizer.step()


def per_micro_batch(optimizer, scheduler):
    scheduler.step()
    scheduler.step()
    optimizer.step()
    scheduler.step()


def with_closure(optimizer, scheduler):
    optimizer.step(lambda: torch.tensor(1.0))
    scheduler.step()


@pytest.mark.parametrize("loop", [never, once, three_times, before, per_micro_batch, with_closure])
def test_every_way_of_calling_step_gives_the_right_values(loop):
    optimizer = sgd(0.1, 0.02)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for _ in range(20):
        loop(optimizer, scheduler)
    assert [used[0] for used in optimizer.used] == planned(0.1, 20)
    assert [used[1] for used in optimizer.used] == planned(0.02, 20)
    assert scheduler.last_epoch == 20


def test_between_the_two_calls_the_groups_show_what_was_used():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for t in range(20):
        optimizer.step()
        assert scheduler.get_last_lr() == [optimizer.used[-1][0]] == planned(0.1, 20)[t : t + 1]
        scheduler.step()
        assert scheduler.get_last_lr() == scheduler.get_lr() == planned(0.1, 21)[t + 1 : t + 2]


@pytest.mark.parametrize("fused", [False, True])
def test_skipped_mixed_precision_updates_do_not_count(fused):
    """A fused optimizer's hooks fire on a skipped update too; the overflow is what tells."""
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.AdamW([p], lr=0.1, fused=fused)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    done = 0
    for i in range(15):
        before_step = p.detach().clone()
        scaler.scale((p * (float("inf") if i % 3 == 1 else 1.0)).sum()).backward()
        lr = optimizer.param_groups[0]["lr"]
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        moved = not torch.equal(before_step, p.detach())
        assert lr == planned(0.1, 20)[done]
        done += moved
        optimizer.zero_grad()
    assert done == 10
    assert scheduler.position == 10


def test_an_optimizer_whose_step_calls_its_parents_counts_once():
    torch.optim.SGD([parameter()], lr=0.1)  # from now on the parent's own step has hooks as well
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for _ in range(10):
        optimizer.step()
    assert scheduler.position == 10


def test_a_step_that_raised_did_not_happen():
    class Fragile(torch.optim.SGD):
        fail = False

        def step(self, closure=None):
            if self.fail:
                raise MemoryError
            return super().step(closure)

    optimizer = sgd(0.1, cls=recording(Fragile))
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for i in range(6):
        optimizer.fail = i % 2 == 1
        try:
            optimizer.step()
        except MemoryError:
            optimizer.used.pop()
        scheduler.step()
    assert scheduler.position == 3
    assert [used[0] for used in optimizer.used] == planned(0.1, 3)


def test_lbfgs_evaluates_its_closure_often_and_counts_once():
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.LBFGS([p], lr=0.1, max_iter=5)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    for t in range(5):
        assert optimizer.param_groups[0]["lr"] == planned(0.1, 5)[t]
        optimizer.step(closure)
        scheduler.step()
    assert scheduler.position == 5


def test_several_optimizers_share_one_clock():
    matrix = torch.nn.Parameter(torch.eye(3))
    matrix.grad = torch.eye(3)
    muon = recording(torch.optim.Muon)([matrix], lr=0.02)
    adam = recording(torch.optim.AdamW)([parameter()], lr=0.001)
    scheduler = rh.Scheduler([muon, adam], SPEC, RUN)
    for _ in range(20):
        muon.step()
        adam.step()
        scheduler.step()
    assert [used[0] for used in muon.used] == planned(0.02, 20)
    assert [used[0] for used in adam.used] == planned(0.001, 20)
    assert scheduler.position == 20


def test_alternating_optimizers_count_complete_rounds():
    critic, generator = sgd(0.1), sgd(0.01)
    scheduler = rh.Scheduler([critic, generator], SPEC, RUN)
    for _ in range(4):
        for _ in range(3):
            critic.step()
        generator.step()
        scheduler.step()
    assert scheduler.position == 4
    assert [used[0] for used in generator.used] == planned(0.01, 4)


def test_clock_calls_counts_calls_alone():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN, clock="calls")
    for t in range(20):
        assert scheduler.get_last_lr() == planned(0.1, 20)[t : t + 1]
        scheduler.step()
    optimizer.step()
    assert scheduler.position == 20


def test_clock_epochs_is_torchs_cadence():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, "step(every='2 epochs', factor=0.1)", rh.Run(epochs=6), clock="epochs")
    theirs = sgd(0.1)
    reference = torch.optim.lr_scheduler.StepLR(theirs, 2, 0.1)
    for _ in range(6):
        for _ in range(3):
            optimizer.step()
            theirs.step()
        assert scheduler.get_last_lr() == pytest.approx(reference.get_last_lr(), rel=1e-12)
        scheduler.step()
        reference.step()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_goes_on_counting_by_itself(copied):
    optimizer = torch.optim.SGD([parameter()], lr=0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    for _ in range(3):
        optimizer.step()
    optimizer2, scheduler2 = copied((optimizer, scheduler))
    optimizer2.step()
    scheduler2.step()
    assert (scheduler.position, scheduler2.position) == (3, 4)
    assert optimizer2.param_groups[0]["lr"] == planned(0.1, 5)[4]
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == planned(0.1, 5)[3]


def test_close_lets_go():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)
    scheduler.close()
    optimizer.param_groups[0]["lr"] = 7.0
    optimizer.step()
    assert optimizer.used == [[7.0]]
    assert scheduler.position == 0


def test_past_the_end_it_holds_and_says_so_once():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, rh.Run(steps=6))
    for _ in range(6):
        optimizer.step()
        scheduler.step()  # the regular end says nothing
    with pytest.warns(rh.PastEndWarning, match="7 updates of 6") as caught:
        for _ in range(5):
            optimizer.step()
            scheduler.step()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    # The present run is no mend: what is advised must lengthen it.
    assert "longer than Run(steps=6), say so in the Run, or with scheduler.extend(...)" in str(caught[0].message)
    assert [used[0] for used in optimizer.used[6:]] == [rh.parse(SPEC).over(rh.Run(steps=6), base=0.1).at(6)] * 5


def test_it_is_one_of_torchs_schedulers():
    scheduler = rh.Scheduler(sgd(0.1), SPEC, RUN)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    assert not hasattr(scheduler, "total_steps")
    assert repr(scheduler) == (
        f"Scheduler({{'lr': \"{SPEC}\"}}, Run(steps=20, steps_per_epoch=5), clock='updates', position=0)"
    )
    assert RecordingSGD
