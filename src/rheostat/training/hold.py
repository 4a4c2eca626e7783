"""One process for each run's folder, by a lock that dies with the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rheostat.errors import SchedulerError

if sys.platform != "win32":
    import fcntl

_HELD: set[int] = set()


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder. Where the system cannot lock folders, nothing happens.

    Raises:
        SchedulerError: if another process holds it.
    """
    if sys.platform == "win32" or not folder.is_dir():
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        _HELD.add(handle)
        yield
    finally:
        _HELD.discard(handle)
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SchedulerError(
            f"out={str(folder)!r}: another process is training in it. Try another folder, or wait until it ends."
        ) from None
    except OSError:  # some network file systems lock no folder
        return


def _let_go() -> None:
    """Forked loader workers share the lock, and would keep it for seconds after the run was killed."""
    while _HELD:
        os.close(_HELD.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
