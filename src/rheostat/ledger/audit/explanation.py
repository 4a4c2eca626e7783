"""One explanation of how a log came to differ from its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rheostat.ledger.audit.plan import FloatArray


@dataclass(frozen=True, eq=False)
class Explanation:
    """One mistake, with the values that would have been used had it been made.

    Attributes:
        name: what the mistake is called; stable between versions.
        text: what happened, with its figures.
        expected: the values at the log's updates.
        parameters: the figures by name.
        mend: what to do about it.
    """

    name: str
    text: str
    expected: FloatArray = field(repr=False)
    parameters: Mapping[str, float]
    mend: str
