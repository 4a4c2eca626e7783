"""What a search is given besides model, optimizer and batches, checked before anything is tried."""

from __future__ import annotations

from typing import Any

from rheostat.errors import refuse


def checked_scaler(scaler: Any) -> Any:
    """A GradScaler, or something that can do what one does; None for none."""
    if scaler is not None and not all(hasattr(scaler, name) for name in ("scale", "step", "update", "unscale_")):
        raise refuse("scaler", scaler, need="a GradScaler", mend="torch.amp.GradScaler()")
    return scaler


def listed(also: object) -> list[Any]:
    """What else training changes, as a list."""
    if not isinstance(also, (list, tuple)):
        raise refuse("also", also, need="a list of modules, or of objects with state_dict", mend="also=[ema]")
    return list(also)


def check_function(name: str, function: object) -> None:
    """Refuse what is given in place of a function."""
    if function is not None and not callable(function):
        raise refuse(name, function, need="a function")
