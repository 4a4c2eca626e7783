"""A ledger as a table of pandas or Polars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rheostat.errors import SchedulerError
from rheostat.ledger.reading import columns

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


def to_pandas(path: str | Path) -> pd.DataFrame:
    """A ledger as a pandas DataFrame: one row for each update, and the columns of `columns`; "update" is an integer.

    Args:
        path: the ledger's file.

    Raises:
        SchedulerError: if pandas is not installed, or as `columns`.
    """
    try:
        import pandas as pd
    except ImportError:
        raise missing("pandas", "frames") from None
    return pd.DataFrame(_table(path))


def to_polars(path: str | Path) -> pl.DataFrame:
    """A ledger as a Polars DataFrame: one row for each update, as `to_pandas`.

    Args:
        path: the ledger's file.

    Raises:
        SchedulerError: if Polars is not installed, or as `columns`.
    """
    try:
        import polars as pl
    except ImportError:
        raise missing("polars", "frames") from None
    return pl.DataFrame(_table(path))


def missing(package: str, extra: str) -> SchedulerError:
    """The error for an optional package that is not installed."""
    return SchedulerError(f"this needs {package}. Try pip install 'rheostat[{extra}]'.")


def _table(path: str | Path) -> dict[str, Any]:
    return {name: v.astype(np.int64) if name == "update" else v for name, v in columns(path).items()}
