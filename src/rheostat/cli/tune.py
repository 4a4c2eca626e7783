"""`rheostat tune`: find a learning rate, look over the schedule, train, and compare what was used with the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from rheostat.cli.find import effort_of, search, told
from rheostat.cli.options import Whole

if TYPE_CHECKING:
    from rheostat.training import Result, Task


def tune(
    task: str,
    *,
    effort: Annotated[str, Parameter(help="For finding the learning rate: fast, balanced, thorough, or N updates.")] = (
        "balanced"
    ),
    schedule: Annotated[str | None, Parameter(help="A schedule in place of the task's own.")] = None,
    steps: Annotated[Whole | None, Parameter(help="Updates to train, in place of the task's length.")] = None,
    epochs: Annotated[float | None, Parameter(help="Epochs to train, in place of the task's length.")] = None,
    out: Annotated[str | None, Parameter(help="Folder of the run; runs/NAME-1, -2, … by default.")] = None,
    quiet: Annotated[bool, Parameter(negative=(), help="No progress bars and no table.")] = False,
) -> int:
    """Find a learning rate for a Task, train with it, and leave ledger, checkpoint, pictures and a report.

    Status: 0 trained as planned, 1 where no learning rate could be found or the audit differs, 2 for bad input.

    Parameters
    ----------
    task
        FILE.py, whose function `task` is called, or FILE.py:NAME.
    """
    if schedule is not None:
        from rheostat.schedule import parse

        parse(schedule)  # before PyTorch is imported and data are read
    amount = effort_of(effort)
    from rheostat.training import load_task, report, train
    from rheostat.training.folder import find_folder, make, put

    made = load_task(task)
    made.schedule = made.schedule if schedule is None else schedule
    if steps is not None or epochs is not None:
        made.run(steps, epochs)  # refused before anything is done
        made.steps, made.epochs = steps, epochs
    folder = find_folder(made.name, out, resume=False)
    _look_over(made)
    found = search(made, amount, show=not quiet)
    print(told(task, made, found, tuning=True))
    if found.suggestion is None:
        return 1
    make(folder)
    put(folder / report.FOUND, f"{found}\n")  # before training, which may be interrupted
    _draw(found, folder / report.FOUND_PICTURE)
    result = train(made, lr=found.suggestion, out=folder, progress=not quiet)
    said, right = _as_planned(made, result, found.suggestion)
    if said:
        print(f"audit: {said}")
    page = report.write(result, audit=said)
    if page is not None:
        print(f"report: {page}")
    return 0 if right else 1


def _look_over(task: Task) -> None:
    """Say what looks wrong with the schedule, before anything is spent on it."""
    from rheostat.schedule import lint

    if isinstance(task.schedule, dict):
        return
    base = float(task.optimizers[0].param_groups[0]["lr"])
    for finding in lint(task.schedule, task.run(), base=base):
        print(f"! {finding}")


def _draw(found: Any, path: Path) -> None:
    try:
        import matplotlib as mpl  # noqa: F401
    except ImportError:
        return
    print(f"picture: {found.save(path)}")


def _as_planned(task: Task, result: Result, lr: float) -> tuple[str, bool]:
    """What the ledger says beside the plan, from the files alone, and whether all is right; "" where it cannot say."""
    from rheostat.ledger.audit import audit
    from rheostat.schedule import parse
    from rheostat.schedule.combine import walk
    from rheostat.schedule.metric import Plateau

    if result.stopped or isinstance(task.schedule, dict):
        return "", not result.stopped
    schedule = parse(task.schedule)
    if any(isinstance(part, Plateau) for part in walk(schedule)):
        return "", True
    found = audit(result.out / "ledger.jsonl", schedule, task.run(), lr)
    return str(found), found.matches
