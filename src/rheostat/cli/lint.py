"""`rheostat lint`: what is probably wrong with a schedule; for people, and for CI by its exit status."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from rheostat.cli.options import RunOptions, base_value
from rheostat.schedule import lint as findings_of

_DEFAULT = RunOptions()


def lint(
    spec: str,
    *,
    length: RunOptions = _DEFAULT,
    lr: Annotated[float | None, Parameter(help="Base value: the optimizer's learning rate.")] = None,
) -> int:
    """Say what is probably wrong with a schedule over a run. Status: 0 nothing, 1 findings, 2 bad input.

    Parameters
    ----------
    spec
        The schedule, such as "step(every='30 epochs', factor=0.1)".
    """
    found = findings_of(spec, length.run(need_length=True), base=base_value(lr))
    for finding in found:
        print(finding)
    if not found:
        print("nothing stands out")
    return 1 if found else 0
