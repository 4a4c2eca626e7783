"""Finding a learning rate with short runs: a range test for where to look, then the real schedule in small."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from rheostat.driver.plan import rules
from rheostat.errors import refuse
from rheostat.probe.arguments import check_function, checked_scaler, listed
from rheostat.probe.batches import Batches, Source
from rheostat.probe.choice import choose
from rheostat.probe.effort import Effort, planned, ramp_steps
from rheostat.probe.found import FindResult, answered, guessed
from rheostat.probe.jobs import Jobs
from rheostat.probe.ranged import ranged
from rheostat.probe.search import scores, searched
from rheostat.probe.step import Loss
from rheostat.probe.store import Where
from rheostat.probe.trials import Trials, Watcher
from rheostat.schedule import Run


def find_lr(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
    batches: Source,
    loss: Loss,
    *,
    run: Run,
    schedule: Any = "warmup('5%') >> cosine(end=0.1)",
    effort: Effort = "balanced",
    score: Callable[[Any], float] | None = None,
    min: float = 1e-6,  # noqa: A002 - the word for it
    max: float = 100.0,  # noqa: A002 - the word for it
    accumulate: int = 1,
    scaler: Any = None,
    clip: float | None = None,
    also: Sequence[Any] = (),
    store: Where = "auto",
    watch: Watcher | None = None,
    jobs: int | None = 1,
) -> FindResult:
    """Find a learning rate: a range test says where to look, then a few short runs of the real schedule decide.

    Each short run starts from the same weights, goes through the whole schedule compressed to a few dozen updates (a
    warmup as little as may be), and is scored on batches that none of them was trained on. Where the training sees
    its samples more than four times, a short run sees fewer, as often, and so learns them by heart as far. From the
    range test's answer the search goes by factors of 4 to where it gets better, then by 2 around the best; a thorough
    one begins a factor of 8 below and above it too. If the best run learned most of what it learned at its end, or
    next to nothing, all were too short, and the search is made again with longer ones. The suggestion is what the
    short runs say times (their length / the training's) ** 0.32, since longer trainings want less. A run that
    diverges, crashes or runs out of memory is a result. Afterwards everything is as it was, as after `rh.range_test`.

    Args:
        model: as in `rh.range_test`, like all arguments that are not named here.
        optimizer: its optimizer, or several.
        batches: a loader, a list, a function of the epoch's number, or an iterator. How many an epoch has is `len()` of
            them, or what `run` says; let it say so where they are a sample of the data.
        loss: a function of (model, batch) that returns a scalar tensor.
        run: how long the real training will be, of known length.
        schedule: the schedule it will have, as `rh.Scheduler` takes it.
        effort: "fast" (the range test alone), "balanced" (four runs of 1.4 √updates, within 30 to 200; where these
            are too short, four of a quarter of the training, at most 400), "thorough" (six of 14 √updates, at most
            half of the training; the best three of shorter ones again, over other batches), or a number of updates to
            spend. By name, up to two more while the best lies at an end; "balanced", two where the range test has no
            answer.
        score: a function of the model that returns a number, lower is better; by default the loss on batches held out.
        min: where the range test begins.
        max: where it ends.
        accumulate: batches for each update (≥ 1).
        scaler: a GradScaler.
        clip: the norm that gradients are clipped to (> 0).
        also: what else training changes.
        store: where copies of the weights lie meanwhile.
        watch: a function that is told, after each update (with `jobs`, after each short run), how many are done, the
            learning rate and the loss.
        jobs: how many short runs go side by side, through joblib, with the same result: 1 in this process, −1 as many
            as there are cores, None what an enclosing `joblib.parallel_config(...)` says (Dask, Ray).

    Returns:
        A `FindResult`.

    Raises:
        ScheduleError: if an argument is not accepted; nothing was changed.

    Example:
        >>> import rheostat as rh, torch
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> batches = [torch.randn(8, 2) for _ in range(50)]
        >>> loss = lambda model, x: (model(x) - x.sum(1, keepdim=True)).pow(2).mean()
        >>> found = rh.find_lr(model, optimizer, batches, loss, run=rh.Run(steps=500), schedule="cosine()")
        >>> found.band[0] <= found.suggestion <= found.band[1]
        True

    Source: Bjorck et al., Scaling Optimal LR Across Token Horizons, 2024, for the power of the length.
    """
    if not isinstance(run, Run) or run.updates is None:
        raise refuse("run", run, need="a Run of known length in updates", mend="rh.Run(steps=1000)")
    if score is not None and not callable(score):
        raise refuse("score", score, need="a function of the model that returns a number, lower is better")
    check_function("watch", watch)
    checked_scaler(scaler)
    listed(also)
    Jobs(jobs)
    rules(schedule)
    plan = planned(effort, run.updates)
    source = Batches(batches)
    shared: dict[str, Any] = {"accumulate": accumulate, "scaler": scaler, "clip": clip, "also": also, "store": store}
    options = shared | {"schedule": schedule, "run": run, "score": score, "jobs": 1 if plan is None else jobs}
    steps = ramp_steps(run.updates)
    # Made before time is spent: what does not fit is refused here.
    trials = Trials(model, optimizer, source, loss, **options, updates=steps, watch=None)
    seen = ranged(model, optimizer, trials.first(), loss, watch=watch, low=min, high=max, steps=steps, **shared)
    ramp = seen.ramp
    if plan is None:
        return FindResult(ramp, seen.updates, (), None, None, run.updates, effort)

    def runs_of(updates: int, spent: int) -> Trials:
        before = seen.updates + spent
        tell: Watcher | None = None if watch is None else lambda done, lr, value: watch(before + done, lr, value)
        return Trials(model, optimizer, source, loss, **options, updates=updates, watch=tell)

    start = answered(ramp) or guessed(ramp) or trials.bases.first
    found = searched(plan, start, runs_of, guessed=answered(ramp) is None)
    chosen, done, before = choose(scores(found.done), found.untrained), tuple(found.done), tuple(found.before)
    return FindResult(ramp, seen.updates, done, chosen, found.untrained, run.updates, effort, before)
