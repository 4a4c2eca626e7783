"""Where a file is, as an argument says it."""

from __future__ import annotations

import os
from pathlib import Path

from rheostat.errors import refuse


def path_of(name: str, path: object, mend: str) -> Path:
    """A path from text or a Path; refuses what is neither, and the empty text, which would be the present folder."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path) or "\0" in os.fsdecode(path):
        raise refuse(name, path, need="a path, as text or a Path", mend=mend)
    return Path(os.fsdecode(path))
