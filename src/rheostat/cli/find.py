"""`rheostat find`: a learning rate for the Task that a file returns."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from rheostat.probe import RangeResult
    from rheostat.training import Task


def find(
    task: str,
    *,
    low: Annotated[float, Parameter(name="--min", help="First learning rate of the ramp, of the first group.")] = 1e-6,
    high: Annotated[float, Parameter(name="--max", help="Last learning rate of the ramp.")] = 10.0,
    steps: Annotated[int, Parameter(help="Updates in the ramp.")] = 100,
    repeats: Annotated[int, Parameter(help="Ramps over other batches; the band gets narrower.")] = 1,
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
        from rheostat.view import check_png

        check_png(png)  # before PyTorch is imported and data are read
    from rheostat.probe.ramp import ramp
    from rheostat.schedule.levels import count

    ramp(low, high, steps)
    total = steps * count("repeats", repeats, least=1)
    from rheostat.training import load_task

    found = load_task(task)
    with _watched(total, show=not quiet) as watch:
        result = tested(found, min=low, max=high, steps=steps, repeats=repeats, watch=watch)
    print(_told(task, found, result))
    if png is not None:
        print(f"picture: {os.fspath(result.save(png))}")
    return 0 if result.suggestion is not None else 1


def tested(task: Task, **options: Any) -> RangeResult:
    """The range test of a Task, as `rheostat train` would train it."""
    import torch

    from rheostat.probe import range_test
    from rheostat.training.randomness import seed_all

    task.model.to("cuda" if torch.cuda.is_available() else "cpu")
    task.model.train()
    seed_all(task.seed, 0)
    accumulate = task.accumulate
    return range_test(task.model, task.optimizers, task.batches, task.loss, accumulate=accumulate, **options)


def _told(spec: str, task: Task, result: RangeResult) -> str:
    """What a person wants to know, line by line, and the command to go on with."""
    ends = "" if result.updates >= result.curve.losses.size else ", ended early"
    lines = [f"{task.name}: range test, {result.updates} updates{ends}", str(result)]
    other = "".join(f" --{name} {value}" for name, value in result.again.items())
    following = (
        f"find {shlex.quote(spec)}{other}" if other else f"train {shlex.quote(spec)} --lr {result.suggestion:.2g}"
    )
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
        TextColumn("ramp"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("lr {task.fields[lr]}"),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as bar:
        job = bar.add_task("ramp", total=total, lr="", loss="")
        yield lambda done, lr, loss: bar.update(job, completed=done, lr=f"{lr:.1e}", loss=f"{loss:.4f}")
