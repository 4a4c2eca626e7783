"""What a checkpoint of a run holds, and whether it belongs to this one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rheostat.errors import ResumeMismatch, StateError
from rheostat.training.randomness import random_states, restore_random
from rheostat.training.task import Task

_FIELDS: dict[str, type] = {
    "model": dict,
    "optimizers": list,
    "scheduler": dict,
    "epoch": int,
    "batch": int,
    "random": dict,
}
_LARGEST = 10**15
_SHOWN = 4


def check(state: Mapping[str, Any], task: Task, folder: Path) -> None:
    """See that a state is whole in form, and that of this model and these optimizers, before anything is loaded.

    Raises:
        StateError: if it is not whole in form.
        ResumeMismatch: if it is that of another model, or of other optimizers.
    """
    for name, kind in _FIELDS.items():
        value = state.get(name)
        if not isinstance(value, kind) or value is True or (isinstance(value, int) and not 0 <= value <= _LARGEST):
            raise _damaged(name, folder)
    if not all(isinstance(saved, dict) for saved in state["optimizers"]):
        raise _damaged("optimizers", folder)
    _check_random(state["random"], folder)
    differences = _model(state["model"], task.model.state_dict())
    saved, ours = len(state["optimizers"]), len(task.optimizers)
    if saved != ours:
        differences.append(f"optimizers: saved {saved}, now {ours}")
    if differences:
        more = [f"… and {len(differences) - _SHOWN} more"] if len(differences) > _SHOWN + 1 else []
        listed = "\n  ".join([*differences[:_SHOWN], *more] if more else differences)
        raise ResumeMismatch(
            f"{folder}: the checkpoint belongs to another model; nothing was loaded.\n  {listed}\n"
            "Try the task as it was, or another --out to start anew."
        )


def load_optimizers(states: list[dict[str, Any]], task: Task, folder: Path) -> None:
    """Load the optimizers' states.

    Raises:
        ResumeMismatch: if one does not fit.
    """
    for i, (optimizer, saved) in enumerate(zip(task.optimizers, states, strict=True)):
        try:
            optimizer.load_state_dict(saved)
        except (ValueError, KeyError, TypeError) as error:
            raise ResumeMismatch(
                f"{folder}: optimizer {i} is another than the one that was saved: {error}. Try the task as it was."
            ) from error


def _check_random(states: dict[str, Any], folder: Path) -> None:
    """Try them: the generators' own checks are the best."""
    before = random_states()
    try:
        restore_random(states)
    except Exception:  # noqa: BLE001 - three libraries, each with errors of its own
        raise _damaged("random", folder) from None
    finally:
        restore_random(before)


def _damaged(name: str, folder: Path) -> StateError:
    return StateError(f"{folder}: the checkpoint's {name!r} is damaged, or not one of ours. Nothing was loaded.")


def _model(saved: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    differences = [f"{name}: only in the checkpoint" for name in saved if name not in ours]
    for name, value in ours.items():
        if name not in saved:
            differences.append(f"{name}: only now")
        elif _shape(saved[name]) != _shape(value):
            differences.append(f"{name}: saved {_shape(saved[name])}, now {_shape(value)}")
    return differences


def _shape(value: object) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, torch.Tensor) else None
