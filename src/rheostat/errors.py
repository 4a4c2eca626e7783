"""Every error and warning that Rheostat raises, and the one builder of their messages.

ValueError
  ScheduleError          something was described wrongly: a span, run, schedule, argument
    NotationError        a text could not be read as a schedule; knows the column
RuntimeError
  SchedulerError         something was used wrongly: a call, an optimizer, a loop
    StateError           a saved state is damaged, or not one of ours
      ResumeMismatch     a saved state is sound, but belongs to another configuration
UserWarning
  RheostatWarning        something is probably not what was meant; each is said once
    PastEndWarning       training goes on past the end of the schedule
    OverwrittenWarning   a scheduled value was changed by somebody else
    SecondSchedulerWarning   two schedulers want the same value
    OrderWarning             scheduler.step() comes before optimizer.step()
    CadenceWarning           scheduler.step() is called more or less often than its clock means
    NotCalledWarning         scheduler.step() is needed, and never called
    ForgottenRestoreWarning  the optimizer was restored, the schedule was not
    EndedEarlyWarning        the program ends long before the schedule does
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class ScheduleError(ValueError):
    """A schedule, span, run or argument is described wrongly; raised before training starts."""

    def inside(self, where: str) -> ScheduleError:
        """Add one line that says where, on the way out; returns the error itself."""
        self.args = (f"{self.args[0]}\n  in {where}",)
        return self


class NotationError(ScheduleError):
    """A text cannot be read as a schedule. `text` is what was given, `column` (0-based) where it goes wrong."""

    def __init__(self, message: str, text: str, column: int) -> None:
        shown, at = _excerpt(text, column)
        super().__init__(f"{message}\n  {shown}\n  {' ' * at}^ column {column + 1}")
        self.text = text
        self.column = column

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross process boundaries: data loaders, Ray, Optuna.
        return _again, (type(self), self.args, self.__dict__)


class SchedulerError(RuntimeError):
    """The Scheduler, ledger or trainer is used wrongly; nothing was changed."""


class StateError(SchedulerError):
    """A saved state is damaged, of an unknown version, or not one of ours; nothing was loaded."""


class ResumeMismatch(StateError):
    """A saved state belongs to another schedule, run or set of base values; nothing was loaded."""


class RheostatWarning(UserWarning):
    """Something is probably not what was meant; training goes on."""


class PastEndWarning(RheostatWarning):
    """Training goes on past the end of the schedule; the last value is held."""


class OverwrittenWarning(RheostatWarning):
    """A scheduled value was changed by somebody else between two updates."""


class SecondSchedulerWarning(RheostatWarning):
    """A second scheduler was put on an optimizer; the newer one takes over."""


class OrderWarning(RheostatWarning):
    """scheduler.step() is called before optimizer.step(), on a clock where that shifts the schedule."""


class CadenceWarning(RheostatWarning):
    """scheduler.step() is called more or less often than its clock, or the Run, means."""


class NotCalledWarning(RheostatWarning):
    """scheduler.step() was never called, on a clock where it moves the schedule."""


class ForgottenRestoreWarning(RheostatWarning):
    """The optimizer has made many updates, and the schedule begins at 0."""


class EndedEarlyWarning(RheostatWarning):
    """The program ends long before the schedule does."""


def refuse(name: str, value: object, *, need: str, mend: str | None = None) -> ScheduleError:
    """The error for an argument that is not accepted: names it, its value, what is allowed and the likely mend."""
    advice = f" Try {mend}." if mend else ""
    return ScheduleError(f"{name}={brief(value)}: need {need}.{advice}")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant by `word`, or None."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def brief(value: object, limit: int = 80) -> str:
    """The repr of a value, short enough for a line of an error."""
    try:
        text = " ".join(repr(value).split())
        if text.startswith("np.") and text.endswith(")"):
            text = text.partition("(")[2][:-1]  # np.float64(0.1) is read as 0.1
    except Exception:  # noqa: BLE001 - a broken repr must not hide the error that is being reported
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _excerpt(text: str, column: int, width: int = 72) -> tuple[str, int]:
    """The one line of `text` around `column` that fits on a terminal, and the column within it."""
    begin = max(0, min(column - width // 2, len(text) - width))
    line = "".join(c if c.isprintable() else " " for c in text[begin : begin + width])
    return line, column - begin


def _again(error: type[NotationError], args: tuple[Any, ...], known: dict[str, Any]) -> NotationError:
    made = error.__new__(error, *args)
    made.__dict__.update(known)
    return made
