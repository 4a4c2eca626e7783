"""Ignite: a plain event handler, its own LRScheduler handler, its common setup, its Checkpoint, its warmup helper."""

from __future__ import annotations

import pytest
import torch

import rheostat as rh

pytest.importorskip("ignite")
from ignite.contrib.engines.common import setup_common_training_handlers
from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint, DiskSaver, create_lr_scheduler_with_warmup
from ignite.handlers.param_scheduler import LRScheduler

pytestmark = pytest.mark.frameworks

UPDATES = 10  # 2 epochs of 5 batches


@pytest.fixture
def parts(recorder, text):
    """parts(): an engine that makes one update an iteration, its optimizer and a scheduler that follows `text`."""

    def make(every=1):
        net = torch.nn.Linear(1, 1)
        optimizer = recorder(net.parameters())

        def update(engine, batch):
            loss = net(batch).sum()
            loss.backward()
            if engine.state.iteration % every == 0:
                optimizer.step()
                optimizer.zero_grad()
            return loss.item()

        return Engine(update), optimizer, rh.Scheduler(optimizer, text, rh.Run(steps=UPDATES))

    return make


def go(engine, epochs=2, batches=5):
    engine.run([torch.ones(1, 1)] * batches, max_epochs=epochs)


def call_step(engine, scheduler):
    engine.add_event_handler(Events.ITERATION_COMPLETED, lambda _: scheduler.step())


def common_setup(engine, scheduler):
    setup_common_training_handlers(engine, lr_scheduler=scheduler, with_pbars=False)


def own_handler(engine, scheduler):
    LRScheduler(scheduler).attach(engine)  # ITERATION_STARTED: writes get_lr(), then last_epoch += 1; never step()


def legacy_handler(engine, scheduler):
    with pytest.warns(UserWarning, match="ITERATION_COMPLETED"):
        handler = LRScheduler(scheduler, use_legacy=True)
    handler.attach(engine, Events.ITERATION_COMPLETED)


ATTACHED = [call_step, common_setup, own_handler, legacy_handler]


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("attach", ATTACHED)
def test_every_update_uses_its_value(parts, wanted, attach, every):
    engine, optimizer, scheduler = parts(every)
    attach(engine, scheduler)
    go(engine, batches=5 * every)
    assert optimizer.used == wanted(UPDATES)


@pytest.mark.parametrize("order", [("optimizer", "scheduler"), ("scheduler", "optimizer")])
@pytest.mark.parametrize("wrap", [lambda scheduler: scheduler, LRScheduler])
def test_its_checkpoint_resumes_exactly_in_either_order(parts, wanted, tmp_path, order, wrap):
    def session(resume=None):
        engine, optimizer, scheduler = parts()
        call_step(engine, scheduler)
        every = {"trainer": engine, "optimizer": optimizer, "scheduler": wrap(scheduler)}
        saved = {name: every[name] for name in ("trainer", *order)}
        if resume:
            Checkpoint.load_objects(saved, torch.load(resume, weights_only=True))
        else:
            engine.add_event_handler(Events.EPOCH_COMPLETED(once=1), Checkpoint(saved, DiskSaver(tmp_path)))
        go(engine)
        return optimizer.used

    assert session() == wanted(UPDATES)
    (resume,) = tmp_path.iterdir()
    assert session(resume) == wanted(UPDATES)[5:]


def test_the_bound_method_as_handler_is_refused(parts):
    engine, _, scheduler = parts()
    engine.add_event_handler(Events.ITERATION_COMPLETED, scheduler.step)  # ignite passes the engine: not a metric
    engine.logger.disabled = True
    with pytest.raises(rh.ScheduleError, match="metric"):
        go(engine)


def test_its_warmup_helper_is_noticed(parts):
    engine, _, scheduler = parts()
    helper = create_lr_scheduler_with_warmup(scheduler, warmup_start_value=0.0, warmup_duration=3)
    engine.add_event_handler(Events.ITERATION_STARTED, helper)
    with pytest.warns(rh.OverwrittenWarning):
        go(engine)
