"""Saving so that a crash at any moment loses nothing: written aside, flushed, renamed; two generations, a checksum."""

from __future__ import annotations

import hashlib
import io
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rheostat.errors import StateError

_MAGIC = b"rheostat checkpoint 1\n"
_DIGEST = 64
NEWEST, PREVIOUS = "state.pt", "state.prev.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    """Save a state in a folder; the newest so far becomes the previous one."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    aside, newest = folder / "state.tmp", folder / NEWEST
    try:
        with aside.open("wb") as file:
            file.write(_MAGIC + hashlib.sha256(data).hexdigest().encode() + data)
            file.flush()
            os.fsync(file.fileno())
        if newest.exists():
            newest.replace(folder / PREVIOUS)
        aside.replace(newest)
        _sync(folder)
    except OSError as error:
        raise StateError(
            f"checkpoint in {folder}: cannot be written: {error.strerror}. The last one is kept."
        ) from error


def load(folder: Path) -> tuple[dict[str, Any], str | None]:
    """The newest sound state in a folder, and a message if it is not the newest that was written.

    Raises:
        StateError: if there is none.
    """
    problems = []
    for name in (NEWEST, PREVIOUS):
        try:
            state = read(folder / name)
        except StateError as error:
            problems.append(str(error))
        else:
            if problems and (folder / NEWEST).exists():  # or the next save would put it in the place of the sound one
                (folder / NEWEST).replace(folder / "state.damaged.pt")
            return state, f"{problems[0]} The previous one is used." if problems else None
    raise StateError(f"{folder}: no checkpoint to resume from. " + " ".join(problems))


def read(path: Path) -> dict[str, Any]:
    """One state file, if it is whole."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}.") from None
    head = len(_MAGIC) + _DIGEST
    digest = hashlib.sha256(data[head:]).hexdigest().encode()
    if data[:head] != _MAGIC + digest:
        raise StateError(f"{path}: damaged or torn.")
    state = torch.load(io.BytesIO(data[head:]), weights_only=True, map_location="cpu")
    assert isinstance(state, dict)
    return state


def random_states() -> dict[str, Any]:
    """The random number generators' states, as data that torch.load reads with weights_only."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    version, numbers, following = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, float(gauss)],
        "python": [version, list(numbers), following],
    }


def restore_random(states: dict[str, Any]) -> None:
    """Put the random number generators back."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
    name, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, gauss))
    version, numbers, following = states["python"]
    random.setstate((version, tuple(numbers), following))


def seed_all(seed: int, epoch: int) -> None:
    """Seed every generator for an epoch, so that its batches are the same whenever it is run."""
    mixed = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
    random.seed(mixed)
    np.random.seed(mixed)
    torch.manual_seed(mixed)


def _sync(folder: Path) -> None:
    """Make the renames themselves durable, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
