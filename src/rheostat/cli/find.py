"""`rheostat find`: a learning rate for the Task that a file returns."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from rheostat.cli.options import Whole
from rheostat.errors import refuse
from rheostat.schedule.levels import choice, count

if TYPE_CHECKING:
    from rheostat.probe import FindResult, RangeResult
    from rheostat.training import Task

_DIGITS = 19  # of a number of updates


def find(
    task: str,
    *,
    effort: Annotated[
        str | None,
        Parameter(
            help="fast (the range test alone), balanced (default: then about four short runs), thorough, or N updates."
        ),
    ] = None,
    low: Annotated[float, Parameter(name="--min", help="First learning rate of the ramp, of the first group.")] = 1e-6,
    high: Annotated[float | None, Parameter(name="--max", help="Last one; 100, or 10 with --steps.")] = None,
    steps: Annotated[Whole | None, Parameter(help="Updates in the ramp; with effort fast.")] = None,
    repeats: Annotated[Whole | None, Parameter(help="Ramps over other batches; with effort fast.")] = None,
    jobs: Annotated[Whole, Parameter(help="Short runs side by side; -1 for as many as there are cores.")] = 1,
    png: Annotated[Path | None, Parameter(help="Draw the result into this PNG file.")] = None,
    quiet: Annotated[bool, Parameter(negative=(), help="No progress bar.")] = False,
) -> int:
    """Find a learning rate for the Task that a file returns, and leave nothing but the answer.

    Status: 0 with a suggestion, 1 where none can be read, 2 for bad input.

    Parameters
    ----------
    task
        FILE.py, whose function `task` is called, or FILE.py:NAME.
    """
    if png is not None:
        from rheostat.view.canvas import check_png

        check_png(png)  # before PyTorch is imported and data are read
    amount = effort_of(effort, only_ramp=steps is not None or repeats is not None)
    from rheostat.probe.ramp import ramp

    limits: dict[str, Any] = {"min": low} if high is None else {"min": low, "max": high}
    ramp(low, limits.get("max", 10.0), 100 if steps is None else steps)
    by_hand = None
    if steps is not None or repeats is not None:
        repeats = 1 if repeats is None else count("repeats", repeats, least=1)
        by_hand = {"steps": 100 if steps is None else steps, "repeats": repeats}
    more = limits if by_hand else {**limits, "jobs": jobs}
    from rheostat.training import load_task

    found = load_task(task)
    result = search(found, amount, by_hand, show=not quiet, **more)
    print(told(task, found, result))
    if png is not None:
        print(f"picture: {os.fspath(result.save(png))}")
    return 0 if result.suggestion is not None else 1


def search(
    task: Task, amount: Any, by_hand: Mapping[str, int] | None = None, *, show: bool, **options: Any
) -> RangeResult | FindResult:
    """A search, or the plain range test of so many steps and repeats, of a Task, with a progress bar."""
    from rheostat.probe.effort import usual_updates

    total = by_hand["steps"] * by_hand["repeats"] if by_hand else usual_updates(amount, task.run().updates or 0)
    with _watched(total, show=show) as watch:
        options["watch"] = watch
        return tested(task, **by_hand, **options) if by_hand else searched(task, effort=amount, **options)


def tested(task: Task, **options: Any) -> RangeResult:
    """The range test of a Task, as `rheostat train` would train it."""
    from rheostat.probe import range_test

    _prepare(task)
    accumulate = task.accumulate
    return range_test(task.model, task.optimizers, task.batches, task.loss, accumulate=accumulate, **options)


def searched(task: Task, **options: Any) -> FindResult:
    """`find_lr` for a Task, with the schedule and length of its own."""
    from rheostat.probe import find_lr

    _prepare(task)
    options |= {"run": task.run(), "schedule": task.schedule, "accumulate": task.accumulate}
    return find_lr(task.model, task.optimizers, task.batches, task.loss, **options)


def _prepare(task: Task) -> None:
    """As training begins: on the device, in train mode, seeded."""
    import torch

    from rheostat.training.randomness import seed_all

    task.model.to("cuda" if torch.cuda.is_available() else "cpu")
    task.model.train()
    seed_all(task.seed, 0)


def effort_of(given: str | None, *, only_ramp: bool = False) -> Any:
    """What was asked for: --steps and --repeats are the range test's."""
    if given is None:
        return "fast" if only_ramp else "balanced"
    effort = (
        int(given)
        if given.isdecimal() and len(given) < _DIGITS
        else choice("effort", given, ("fast", "balanced", "thorough"))
    )
    if only_ramp and effort != "fast":
        raise refuse("effort", given, need="'fast' beside --steps and --repeats, which are the range test's")
    return effort


def told(spec: str, task: Task, result: RangeResult | FindResult, *, tuning: bool = False) -> str:
    """What a person wants to know, line by line, and the command to go on with, unless training does so by itself."""
    lines = [f"{task.name}: {result.updates} updates", str(result)]
    if tuning and result.suggestion is not None:
        return "\n".join(lines)
    other = "".join(f" --{name} {value}" for name, value in result.again.items())
    if other or result.suggestion is None:
        following = f"find {shlex.quote(spec)}{other}"
    else:
        following = f"train {shlex.quote(spec)} --lr {result.suggestion:.2g}"
    lines.append(f"next        rheostat {following}")
    return "\n".join(lines)


@contextmanager
def _watched(total: int, *, show: bool) -> Iterator[Callable[[int, float, float], None] | None]:
    """A progress bar."""
    if not show:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("update"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("lr {task.fields[lr]}"),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as bar:
        job = bar.add_task("find", total=total, lr="", loss="")

        def watch(done: int, lr: float, loss: float) -> None:
            bar.update(job, completed=done, total=max(total, done), lr=f"{lr:.1e}", loss=f"{loss:.4f}")

        yield watch
