"""The options that several subcommands share: how long the run is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter, Token

from rheostat.errors import ScheduleError, brief
from rheostat.schedule import Run
from rheostat.schedule.levels import number

_LENGTH = "--steps N, --epochs E --steps-per-epoch S, --samples, --tokens or --time"


def _whole(_: Any, tokens: Sequence[Token]) -> int:
    """A whole number, also as 1e5; the default converter makes 2 of 2.5."""
    text = tokens[0].value
    for read in (int, float):
        try:
            value = read(text)
        except ValueError:
            continue
        if math.isfinite(value) and value == int(value):
            return int(value)
    raise ValueError(f"need a whole number, not {brief(text)}")


Whole = Annotated[int, Parameter(converter=_whole)]


def base_value(lr: float | None) -> float | None:
    """The base value that --lr gives, checked under that name."""
    return None if lr is None else number("--lr", lr)


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions:
    """How long the run is: one of steps, epochs, samples, tokens or time, and what one update or epoch holds."""

    steps: Annotated[Whole | None, Parameter(help="Optimizer updates.")] = None
    epochs: Annotated[float | None, Parameter(help="Epochs; needs --steps-per-epoch.")] = None
    samples: Annotated[float | None, Parameter(help="Training samples; needs --samples-per-step.")] = None
    tokens: Annotated[float | None, Parameter(help="Training tokens; needs --tokens-per-step.")] = None
    time: Annotated[str | None, Parameter(help="Wall-clock budget, such as '30 min'.")] = None
    steps_per_epoch: Annotated[Whole | None, Parameter(help="Updates in one epoch.")] = None
    samples_per_step: Annotated[float | None, Parameter(help="Samples that one update consumes.")] = None
    tokens_per_step: Annotated[float | None, Parameter(help="Tokens that one update consumes.")] = None
    seconds_per_step: Annotated[float | None, Parameter(help="Seconds that one update takes.")] = None

    def run(self, *, need_length: bool = False) -> Run:
        """The Run that the options describe."""
        run = Run(**vars(self))
        if need_length and all(getattr(self, n) is None for n in ("steps", "epochs", "samples", "tokens", "time")):
            raise ScheduleError(f"no length is given: need one of {_LENGTH}. Try --steps 1000.")
        if run.epochs is not None and run.steps_per_epoch is None:
            raise ScheduleError("--epochs needs --steps-per-epoch as well. Try --steps-per-epoch 391.")
        return run
