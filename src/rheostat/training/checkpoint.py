"""Saving so that a crash at any moment loses nothing: written aside, made durable, renamed; two generations, checksums.

A state file is one line `rheostat checkpoint 1`, the SHA-256 of what follows as 64 hex digits, and what torch.save
makes of the state. At any moment at least one of three files in the folder is whole:

state.pt       the newest
state.prev.pt  the one before
state.tmp      the next, while it is written; whole, and the newest, where a crash fell between the two renames

A damaged file never takes the place of a sound one: it is kept as state.damaged.pt.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import torch

from rheostat.errors import RheostatWarning, StateError
from rheostat.training import disk

FORMAT = 1
NEWEST, PREVIOUS, ASIDE, DAMAGED = "state.pt", "state.prev.pt", "state.tmp", "state.damaged.pt"
_HEADER = b"rheostat checkpoint %d\n" % FORMAT
_HEAD = len(_HEADER) + 64


def save(folder: Path, state: dict[str, Any], *, prove: bool = False) -> None:
    """Save a state in a folder; the newest so far becomes the previous one.

    Args:
        folder: where to.
        state: names, numbers, lists and tensors.
        prove: whether to read the file back before it counts, to be sure that what is in the state can be.

    Raises:
        StateError: if that fails in any way. The states saved before are as they were, and no half file is left.
    """
    aside, newest = folder / ASIDE, folder / NEWEST
    try:
        finish(folder)
        disk.write(aside, lambda file: _encode(file, state))
        try:
            if prove:
                read(aside)
            _step_back(folder)
            aside.replace(newest)
        except BaseException:
            _put_back(folder)
            raise
        disk.sync(folder)
    except OSError as error:
        reason = error.strerror or error
        raise StateError(
            f"{newest}: cannot be written: {reason}. The states saved before are kept. Try again with room and "
            "permission to write, and --resume."
        ) from error


def load(folder: Path) -> tuple[dict[str, Any], str | None]:
    """The newest sound state in a folder, and a message if it is not the newest that was written. Changes nothing.

    Raises:
        StateError: if there is none.
    """
    problems = []
    for name in _candidates(folder):
        try:
            state = read(folder / name)
        except StateError as error:
            problems.append(str(error))
        else:
            return state, f"{problems[0]} The previous one is used." if name == PREVIOUS else None
    raise StateError(f"{folder}: no checkpoint to resume from. " + " ".join(problems))


def finish(folder: Path) -> None:
    """Finish a save that was killed between its two renames: its file is whole, and must not be written over."""
    if not (folder / NEWEST).exists() and _sound(folder / ASIDE):
        (folder / ASIDE).replace(folder / NEWEST)


def set_aside(folder: Path) -> None:
    """Take a damaged newest state out of the way, as the next save would, and keep it."""
    if not _sound(folder / NEWEST) and (folder / NEWEST).exists():
        (folder / NEWEST).replace(folder / DAMAGED)


def never_saved(folder: Path) -> bool:
    """Whether no state was ever saved in a folder: a run that was killed before its first save."""
    return not any((folder / name).exists() for name in (NEWEST, PREVIOUS, DAMAGED)) and not _sound(folder / ASIDE)


def read(path: Path) -> dict[str, Any]:
    """One state file, if it is whole.

    Raises:
        StateError: if it is not, or holds anything but data.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(_HEAD)
            _check_format(begin, path)
            return decode(begin + file.read(), path)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}.") from None


def decode(content: bytes | bytearray, path: Path) -> dict[str, Any]:
    """What a state file with this content holds; the path is for messages."""
    _check_format(content[:_HEAD], path)
    data = memoryview(content)[_HEAD:]
    if content[:_HEAD] != _HEADER + hashlib.sha256(data).hexdigest().encode():
        raise StateError(f"{path}: damaged or torn.")
    try:
        _check_archive(data)
        state = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except Exception as error:  # noqa: BLE001 - a checksum is no signature: hostile data can fail in any way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StateError(f"{path}: holds something else than data: {reason[:200]}") from None
    if not isinstance(state, dict):
        raise StateError(f"{path}: holds a {type(state).__name__}, and needs to hold named values.")
    return state


class _Hashing:
    """What torch.save writes to: passes on and hashes. It never fails inside of torch, which could end the process."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest = file, hashlib.sha256()
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        size = memoryview(data).nbytes
        if self.error is None:
            try:
                self.file.write(data)
                self.digest.update(data)
            except BaseException as error:  # noqa: BLE001 - raised again behind torch.save; Ctrl-C too
                self.error = error
        return size

    def flush(self) -> None:
        """Left to the end."""


def _encode(file: BinaryIO, state: dict[str, Any]) -> None:
    """Stream a state into a file: in memory there is never more than a copy of its largest tensor."""
    file.write(_HEADER.ljust(_HEAD))
    body = _Hashing(file)
    try:
        torch.save(state, cast("IO[bytes]", body))
    except Exception as error:
        raise StateError(f"the state is no data: {error}. Try tensors, numbers and text in state_dict().") from error
    if body.error is not None:
        raise body.error
    file.seek(len(_HEADER))
    file.write(body.digest.hexdigest().encode())


def _check_format(begin: bytes | bytearray, path: Path) -> None:
    match = re.match(rb"rheostat checkpoint ([0-9]{1,9})\n", begin)
    if match is None:
        raise StateError(f"{path}: damaged or torn.")
    if int(match[1]) != FORMAT:
        found = int(match[1])
        raise StateError(
            f"{path}: damaged, or of format {found}, where this version reads {FORMAT}. Try the version that wrote it."
        )


def _check_archive(data: memoryview) -> None:
    """Refuse an archive that unpacks to more than it is: torch.save compresses nothing."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if any(e.compress_type for e in entries) or sum(e.file_size for e in entries) > len(data):
            raise ValueError("it is compressed.")


def _candidates(folder: Path) -> tuple[str, ...]:
    return (NEWEST, PREVIOUS) if (folder / NEWEST).exists() else (NEWEST, ASIDE, PREVIOUS)


def _sound(path: Path) -> bool:
    """Whether a state file is whole, by its checksum alone."""
    try:
        with path.open("rb") as file:
            begin = file.read(_HEAD)
            return begin == _HEADER + hashlib.file_digest(file, "sha256").hexdigest().encode()
    except OSError:
        return False


def _step_back(folder: Path) -> None:
    """Make the newest the previous one, if it is sound."""
    newest = folder / NEWEST
    if not newest.exists():
        return
    if _sound(newest):
        newest.replace(folder / PREVIOUS)
    else:
        newest.replace(folder / DAMAGED)
        warnings.warn(f"{newest}: damaged; kept as {DAMAGED}, beside the sound ones.", RheostatWarning, stacklevel=3)


def _put_back(folder: Path) -> None:
    """After a save that failed at its end: the newest that was, and nothing of the next."""
    (folder / ASIDE).unlink(missing_ok=True)
    if not (folder / NEWEST).exists() and (folder / PREVIOUS).exists():
        (folder / PREVIOUS).replace(folder / NEWEST)
