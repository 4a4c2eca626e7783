"""The orders in which people restore: each makes a Training that goes on from a checkpoint."""

from resume.runs import WEIGHTS, Training


def built_then_optimizer_then_scheduler(case, saved):
    training = _model(case, saved)
    _build(training, saved)
    _load_optimizers(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


def optimizer_then_built_then_scheduler(case, saved):
    training = _model(case, saved)
    if _joined(case, saved):
        training.join(by_scheduler=False)
    _load_optimizers(training, saved)
    training.begin(schedule=_with_late(case) if _joined(case, saved) else case.schedule)
    training.timer.now += 4.5
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


def scheduler_then_optimizer(case, saved):
    training = _model(case, saved)
    _build(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    _load_optimizers(training, saved)
    return training


def scheduler_only(case, saved):
    training = _model(case, saved)
    _build(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


def scheduler_and_optimizer_twice(case, saved):
    """As a framework does that restores once by itself and once more for the user."""
    training = scheduler_then_optimizer(case, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    _load_optimizers(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


def back_to_an_earlier_state(case, saved):
    """In the same process, without building anything anew: after a divergence, say."""
    training = _model(case, saved)
    _build(training, saved)
    ahead = case.updates if case.late is None or _joined(case, saved) else case.late[0]
    if not case.timed:
        training.train(min(3, ahead - training.done))
    training.used.clear(), training.losses.clear()
    training.net.load_state_dict(saved["model"])
    training.done = saved["done"]
    _load_optimizers(training, saved)
    training.scheduler.load_state_dict(saved["scheduler"])
    return training


ORDERS = [
    built_then_optimizer_then_scheduler,
    optimizer_then_built_then_scheduler,
    scheduler_then_optimizer,
    scheduler_and_optimizer_twice,
    back_to_an_earlier_state,
]


def _model(case, saved):
    training = Training(
        case, origin=1024.0, weights=WEIGHTS[1]
    )  # another process: another timer, other initial weights
    training.net.load_state_dict(saved["model"])
    training.done = saved["done"]
    return training


def _joined(case, saved):
    return case.late is not None and saved["done"] > case.late[0]


def _build(training, saved):
    training.begin()
    if _joined(training.case, saved):
        training.join()
    training.timer.now += 4.5  # reading the checkpoint takes its time, which is not training's


def _with_late(case):
    """The schedule as one mapping, for a scheduler built over all groups at once."""
    own = case.late[1]
    if own is None:
        return case.schedule
    schedules = case.schedule if isinstance(case.schedule, dict) else {"lr": case.schedule}
    owned = own if isinstance(own, dict) else {"lr": own}
    return {key: {"late": owned.get(key, s), "*": s} for key, s in schedules.items()} | {
        key: {"late": s} for key, s in owned.items() if key not in schedules
    }


def _load_optimizers(training, saved):
    for optimizer, state in zip(training.optimizers, saved["optimizers"], strict=True):
        optimizer.load_state_dict(state)
