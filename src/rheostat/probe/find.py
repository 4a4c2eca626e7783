"""Finding a learning rate with short runs: a range test for where to look, then the real schedule in small."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from rheostat.driver.plan import rules
from rheostat.errors import refuse
from rheostat.probe.arguments import check_function, checked_scaler, listed
from rheostat.probe.batches import Source
from rheostat.probe.choice import LATE, choose
from rheostat.probe.found import FindResult, answered, guessed
from rheostat.probe.jobs import Jobs
from rheostat.probe.ranged import SCOUT, ranged
from rheostat.probe.result import RangeResult
from rheostat.probe.step import Loss
from rheostat.probe.store import Where
from rheostat.probe.trials import Trial, Trials, Watcher
from rheostat.schedule import Run
from rheostat.schedule.levels import choice, count

Effort = Literal["fast", "balanced", "thorough"] | int

APART = 4.0
"""Between neighbours, until there is a worse one on either side of the best; then half-way, a factor of 2."""
_LEAST_RAMP, _MOST_RAMP = 40, 100  # updates of the slow range test
_FEWEST, _MOST = 30, 200  # updates of a short run
_ROOT = 1.4  # times the root of the training's updates: a short run of a balanced search; a tenth of a thorough one's
_RUNS, _LONG_RUNS = 4, 6  # how many there are in a search of short ones, and of long ones
_GUESSED = 2  # more of them where the range test has no answer
_SHARE, _ENOUGH = 0.25, 400  # updates of a run of the second search: this share of the training, or so many
_LOWER = 2.0  # where the second search begins: the longer a training, the lower the learning rate


@dataclass(frozen=True)
class _Plan:
    """How much is done.

    Attributes:
        updates: of a short run.
        runs: how many there are at most.
        guessed: how many more where the range test has no answer to begin with.
        longer: updates of a run of the second search, made where those of the first had hardly begun; 0 for none.
    """

    updates: int
    runs: int
    guessed: int = 0
    longer: int = 0


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
    warmup as little as may be), and is scored on batches that none of them was trained on. From the range test's answer
    the search goes by factors of 4 to where it gets better, then by 2 around the best. If the best run learned most of
    what it learned at its end, all were too short, and the search is made again with longer ones. The suggestion is
    what the short runs say times (their length / the training's) ** 0.32, since longer trainings want less. A run
    that diverges, crashes or runs out of memory is a result. Afterwards everything is as it was, as after
    `rh.range_test`.

    Args:
        model: as in `rh.range_test`, like all arguments that are not named here.
        optimizer: its optimizer, or several.
        batches: a loader, a list, a function of the epoch's number, or an iterator.
        loss: a function of (model, batch) that returns a scalar tensor.
        run: how long the real training will be, of known length.
        schedule: the schedule it will have, as `rh.Scheduler` takes it.
        effort: "fast" (the range test alone), "balanced" (four runs of 1.4 √updates, within 30 to 200; where these
            are too short, four of a quarter of the training, at most 400), "thorough" (six of 14 √updates, at most
            half of the training), or a number of updates to spend. Two more where the range test has no answer.
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
    amount = _plan(effort, run.updates)
    shared: dict[str, Any] = {"accumulate": accumulate, "scaler": scaler, "clip": clip, "also": also, "store": store}
    trials: Trials | None = None
    if amount is not None:
        options = shared | {"schedule": schedule, "run": run, "score": score, "jobs": jobs}
        trials = Trials(model, optimizer, batches, loss, **options, updates=amount.updates, watch=None)
        trials.close()  # made only to see whether all of it fits, before time is spent
    steps = _ramp_steps(run.updates)
    seen = ranged(model, optimizer, batches, loss, watch=watch, low=min, high=max, steps=steps, **shared)
    ramp, ahead = seen.ramp, seen.updates
    if trials is None or amount is None:
        return FindResult(ramp, ahead, (), None, None, run.updates, effort)

    def searched(centre: float, updates: int, runs: int, *, patient: bool) -> tuple[list[Trial], float]:
        before = ahead
        told: Watcher | None = None if watch is None else lambda done, lr, value: watch(before + done, lr, value)
        with Trials(model, optimizer, batches, loss, **options, updates=updates, watch=told) as trials:
            done = _search(trials, centre, runs, patient=patient)
        if trials.failure is not None and all(math.isinf(t.score) and t.note != "diverged" for t in done):
            raise trials.failure  # none came through: that is no matter of the learning rate
        return done, trials.untrained

    twice = amount.longer > amount.updates
    runs = amount.runs + (amount.guessed if answered(ramp) is None else 0)
    centre = _centre(ramp, trials.bases.first)
    done, untrained = searched(centre, amount.updates, runs, patient=not twice)
    before: list[Trial] = []
    if twice and not _told(done, untrained):
        best = _best(done)
        ahead, before = ahead + sum(t.updates for t in done), done
        centre = best.lr / _LOWER if best.score < untrained else centre
        done, untrained = searched(centre, amount.longer, _RUNS, patient=True)
    chosen = choose(_scores(done), untrained)
    return FindResult(ramp, seen.updates, tuple(done), chosen, untrained, run.updates, effort, tuple(before))


def _plan(effort: Effort, updates: int) -> _Plan | None:
    """How much to do; None for the range test alone."""
    if isinstance(effort, str):
        choice("effort", effort, ("fast", "balanced", "thorough"))
        if effort == "fast":
            return None
        if effort == "balanced":
            longer = min(int(_SHARE * updates), _ENOUGH)
            return _Plan(_within(_ROOT * math.sqrt(updates), _MOST, updates), _RUNS, _GUESSED, longer)
        return _Plan(_within(10 * _ROOT * math.sqrt(updates), updates // 2, updates), _LONG_RUNS, _GUESSED)
    ramp = SCOUT + _ramp_steps(updates)
    left = count("effort", effort, least=ramp) - ramp
    if left < 3 * _FEWEST:
        return None
    runs = min(_RUNS, left // _FEWEST)
    return _Plan(min(left // runs, updates), runs)


def _within(wanted: float, most: int, updates: int) -> int:
    """How long a short run is, at most the training."""
    return min(int(max(_FEWEST, min(most, wanted))), updates)


def _ramp_steps(updates: int) -> int:
    """How long the slow range test is."""
    return int(max(_LEAST_RAMP, min(_MOST_RAMP, 0.075 * updates)))


def usual_updates(effort: Effort, updates: int) -> int:
    """How many updates a search takes at most, but for the second one, which most trainings do not need."""
    amount = _plan(effort, updates)
    ramp = SCOUT + _ramp_steps(updates)
    return 2 * ramp if amount is None else ramp + amount.runs * amount.updates


def _centre(ramp: RangeResult, base: float) -> float:
    """Where to look first: what the range test says, else the optimizer's own learning rate."""
    return answered(ramp) or guessed(ramp) or base


def _search(trials: Trials, centre: float, runs: int, *, patient: bool) -> list[Trial]:
    """Two runs a factor of 4 apart, on towards where it gets better, then those half-way on both sides of the best.

    It ends early where the best had hardly begun, unless it is `patient`.
    """
    done = trials.all([centre, centre * APART])
    while len(done) < runs and (patient or not _hurried(done, trials.untrained)):
        following = _following(done, trials.untrained)
        if not following:
            break
        done += trials.all(following[: runs - len(done)])
    return done


def _best(done: list[Trial]) -> Trial:
    return min(done, key=lambda t: (t.score, t.lr))


def _hurried(done: list[Trial], untrained: float) -> bool:
    """Whether the best run learned, but had hardly begun when it ended."""
    best = _best(done)
    return best.score < untrained and best.late > LATE


def _told(done: list[Trial], untrained: float) -> bool:
    """Whether the runs were long enough to learn something, and not only at their end."""
    return _best(done).score < untrained and not _hurried(done, untrained)


def _scores(done: list[Trial]) -> list[tuple[float, float]]:
    return [(t.lr, t.score) for t in done]


def _following(done: list[Trial], untrained: float) -> list[float]:
    """The learning rates to try next; none where the neighbours of the best are a factor of 2 away."""
    lrs = sorted(t.lr for t in done)
    best = _best(done)
    if not best.score < untrained:
        return [lrs[0] / APART]
    at = lrs.index(best.lr)
    if at == len(lrs) - 1:
        return [best.lr * APART]
    if at == 0:
        return [best.lr / APART]
    half = math.sqrt(APART)
    above, below = lrs[at + 1] / best.lr, best.lr / lrs[at - 1]
    sides = ((best.lr * half, above), (best.lr / half, below))
    return [lr for lr, gap in sides if gap > (half + APART) / 2]
