"""`rheostat train`: train the Task that a file returns."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from rheostat.cli.options import Whole


def train(
    task: str,
    *,
    schedule: Annotated[str | None, Parameter(help="A schedule in place of the task's own.")] = None,
    lr: Annotated[float | None, Parameter(help="The first group's learning rate; others keep their ratio.")] = None,
    steps: Annotated[Whole | None, Parameter(help="Updates to train, in place of the task's length.")] = None,
    epochs: Annotated[float | None, Parameter(help="Epochs to train, in place of the task's length.")] = None,
    out: Annotated[str | None, Parameter(help="Folder of the run; runs/NAME-1, -2, … by default.")] = None,
    resume: Annotated[bool, Parameter(negative=(), help="Go on from the last checkpoint.")] = False,
    save_every: Annotated[
        int | str | None, Parameter(help="How often to save, besides each epoch's end: '50 steps', '10 min' (default).")
    ] = None,
    on_change: Annotated[
        Literal["stop", "keep", "adopt", "rebase"],
        Parameter(
            help="Resuming with another schedule, length, LR or batch size: keep the saved one, adopt the new one, "
            "or rebase it onto the values in force."
        ),
    ] = "stop",
    quiet: Annotated[bool, Parameter(negative=(), help="No progress bar and no table.")] = False,
) -> int:
    """Train the Task that a file returns, and leave ledger, checkpoint and report.

    Parameters
    ----------
    task
        FILE.py, whose function `task` is called, or FILE.py:NAME.
    """
    if schedule is not None:
        from rheostat.schedule import parse

        parse(schedule)  # before PyTorch is imported and data are read
    from rheostat.training import load_task
    from rheostat.training import train as run

    result = run(
        load_task(task),
        schedule=schedule,
        lr=lr,
        steps=steps,
        epochs=epochs,
        out=out,
        resume=resume,
        save_every=save_every,
        on_change=on_change,
        progress=not quiet,
    )
    return 130 if result.stopped else 0
