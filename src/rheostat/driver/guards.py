"""Warnings that point at the user's line, each said once by each scheduler."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from rheostat.errors import RheostatWarning

_OURS = str(Path(__file__).parent.parent)


class Guards:
    """Says each kind of warning once, at the nearest line that is neither ours nor PyTorch's."""

    def __init__(self) -> None:
        self.said: set[str] = set()

    def say(self, category: type[RheostatWarning], message: str) -> None:
        """Warn, unless this kind was said before."""
        if category.__name__ not in self.said:
            self.said.add(category.__name__)
            warnings.warn(message, category, stacklevel=_user_level())


def _user_level() -> int:
    """The stacklevel for warnings.warn, called by the caller, that names the user's line."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the documented way to the calling frame
    level = 2
    while frame is not None and _internal(frame):
        frame, level = frame.f_back, level + 1
    return level if frame is not None else 2


def _internal(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith(_OURS) or str(frame.f_globals.get("__name__", "")).partition(".")[0] == "torch"
