"""Optional packages, imported where they are used, with a message that names the extra to install."""

from __future__ import annotations

import importlib
from typing import Any

from rheostat.errors import SchedulerError

_EXTRAS = {"matplotlib": "plot", "plotext": "cli", "rich": "cli"}


def need(module: str) -> Any:
    """Import an optional module."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        extra = _EXTRAS[package]
        raise SchedulerError(f"this needs {package}. Try pip install 'rheostat[{extra}]'.") from None
