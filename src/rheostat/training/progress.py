"""The progress bar: update, learning rate and loss as they go by."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rheostat.driver import Scheduler


class Progress:
    """A progress bar over the updates of a run; silent if not shown.

    Args:
        total: updates in the run.
        scheduler: whose position and learning rate are shown.
        show: whether to show anything.
    """

    def __init__(self, total: int, scheduler: Scheduler, *, show: bool) -> None:
        self.scheduler = scheduler
        self.bar: Any = _bar() if show else None
        self.task = self.bar and self.bar.add_task("train", total=total, lr="", loss="")

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bar:
            self.bar.stop()

    def advance(self, loss: float) -> None:
        """One update is done."""
        if self.bar:
            lr = self.scheduler.get_last_lr()[0]
            self.bar.update(self.task, completed=self.scheduler.position, lr=f"{lr:.3e}", loss=f"{loss:.4f}")

    def note(self, epoch: int, metrics: dict[str, float]) -> None:
        """One epoch is done and evaluated."""
        if self.bar and metrics:
            values = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
            self.bar.console.print(f"epoch {epoch:>3}  {values}")


def _bar() -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("update"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("lr {task.fields[lr]}"),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
    )
