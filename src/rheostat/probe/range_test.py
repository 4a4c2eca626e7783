"""The range test as a ready-made loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from rheostat.errors import refuse
from rheostat.probe.arguments import check_function, listed
from rheostat.probe.batches import Source
from rheostat.probe.result import RangeResult
from rheostat.probe.step import Loss, Step, wants_closure
from rheostat.probe.store import Where
from rheostat.probe.sweep import Sweep
from rheostat.schedule.levels import count, flag, number

Watcher = Callable[[int, float, float], None]


def range_test(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer],
    batches: Source,
    loss: Loss,
    *,
    min: float = 1e-6,  # noqa: A002 - the word for it
    max: float = 10.0,  # noqa: A002 - the word for it
    steps: int = 100,
    repeats: int = 1,
    accumulate: int = 1,
    scaler: Any = None,
    clip: float | None = None,
    evaluate: Callable[[Any], float] | None = None,
    closure: bool | None = None,
    backward: Callable[[torch.Tensor], None] | None = None,
    rise: float = 2.0,
    also: Sequence[Any] = (),
    store: Where = "auto",
    watch: Watcher | None = None,
) -> RangeResult:
    """Train over an exponential ramp of the learning rate, read from the losses which one to use, and undo it all.

    Afterwards model, optimizer, scaler, schedulers, random numbers and, where it can be had, the loader's position are
    as they were, bit for bit; also after Ctrl-C, and after an error in the loss.

    Args:
        model: the model; trained in train mode, modules within it keep the mode they have.
        optimizer: its optimizer, or several that step together. All groups keep their ratio to the first.
        batches: a DataLoader, a list, a function of the epoch's number, or an iterator; started again when it ends. A
            batch is anything: tensors in it are moved to where the model is.
        loss: a function of (model, batch) that returns a scalar tensor. Mixed precision belongs in it.
        min: the first learning rate of the ramp, of the first group (> 0).
        max: the last one.
        steps: updates from min to max (≥ 10).
        repeats: passes over other batches, each from the same weights (≥ 1): the band gets narrower.
        accumulate: batches for each update (≥ 1).
        scaler: a GradScaler.
        clip: the norm that gradients are clipped to (> 0).
        evaluate: a function of the model that returns a validation loss, taken after each update in place of the
            training loss. It is called in eval mode without gradients.
        closure: whether the optimizer's step takes a function that computes the loss; by default where it must (LBFGS).
        backward: what is called in place of loss.backward(), such as accelerator.backward.
        rise: ends a pass when the loss lies above its lowest by this many times what it had fallen by (> 0).
        also: what else training changes, as in `rh.Sweep`.
        store: where copies of the weights lie meanwhile, as in `rh.Sweep`.
        watch: a function that is told, after each update, how many are done, the learning rate and the loss.

    Returns:
        A `RangeResult`: print it, or `.plot()` it.

    Raises:
        ScheduleError: if an argument is not accepted; nothing was changed.

    Example:
        >>> import rheostat as rh, torch
        >>> _ = torch.manual_seed(0)
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> result = rh.range_test(model, optimizer, [torch.ones(4, 2)], lambda model, x: (model(x) - 1).pow(2).mean())
        >>> result.status, result.band[0] < result.suggestion < result.avoid
        ('ok', True)

    Source: Smith, Cyclical Learning Rates for Training Neural Networks, 2017, section 3.3, for the test itself.
    """
    count("repeats", repeats, least=1)
    if not isinstance(model, torch.nn.Module):
        raise refuse("model", model, need="a torch.nn.Module")
    if not callable(loss):
        raise refuse("loss", loss, need="a function")
    for name, function in (("evaluate", evaluate), ("backward", backward), ("watch", watch)):
        check_function(name, function)
    also = [*listed(also), *(f for f in (loss, evaluate) if isinstance(f, torch.nn.Module))]
    options: dict[str, Any] = {"min": min, "max": max, "steps": steps, "accumulate": accumulate, "rise": rise}
    sweep = Sweep(model, optimizer, batches, **options, scaler=scaler, also=also, store=store)
    several = list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
    closed = any(map(wants_closure, sweep.optimizers)) if closure is None else flag("closure", closure)
    if closed and scaler is not None:
        raise refuse("scaler", type(scaler).__name__, need="no scaler where the optimizer takes a closure")
    clip = None if clip is None else number("clip", clip, above=0.0)
    step = Step(model, several, loss, accumulate, scaler, clip, backward or torch.autograd.backward)
    done = 0
    with sweep:
        for _ in range(repeats):
            for lr, drawn in sweep.updates():
                step.closed(drawn) if closed else step.plain(drawn)
                value = step.value() if evaluate is None else _evaluated(model, evaluate)
                sweep.record(value)
                done += 1
                if watch is not None:
                    watch(done, lr, value)
    return sweep.result()


def _evaluated(model: torch.nn.Module, evaluate: Callable[[Any], float]) -> float:
    """A validation loss, in eval mode; every module's own mode is put back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            value: Any = evaluate(model)
        return float(value)
    except (TypeError, ValueError):
        raise refuse("evaluate", value, need="a function of the model that returns one number") from None
    finally:
        for module, mode in modes:
            module.training = mode
