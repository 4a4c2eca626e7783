"""Files that are there whole or not at all: written aside, made durable, and only then given their name."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)


def write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write a file and make it durable; where that fails, whichever way, there is no file."""
    try:
        with path.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:  # also a second Ctrl-C
        path.unlink(missing_ok=True)
        raise


def replace(path: Path, text: str) -> None:
    """Give a file another content, in one step."""
    aside = path.with_name(f"{path.name}.tmp")
    write(aside, lambda file: file.write(text.encode()))
    aside.replace(path)


def sync(folder: Path) -> None:
    """Make renames in a folder durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:  # some network file systems sync no folder, and need none
            raise
    finally:
        os.close(handle)
