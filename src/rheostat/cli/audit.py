"""`rheostat audit`: whether a log used what was planned, and if not, which mistake explains it; for people and CI."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from rheostat.cli.options import RunOptions, base_value
from rheostat.ledger.audit import audit as compare

_DEFAULT = RunOptions()


def audit(
    log: str,
    *,
    schedule: Annotated[str, Parameter(help="What was planned, such as \"warmup('5%') >> cosine()\".")],
    length: RunOptions = _DEFAULT,
    lr: Annotated[
        float | None, Parameter(help="Base value: the optimizer's learning rate; else proportions are compared.")
    ] = None,
    key: Annotated[str, Parameter(help="What is compared.")] = "lr",
    group: Annotated[str | None, Parameter(help="A group of the ledger; all of them by default.")] = None,
    step_column: Annotated[str | None, Parameter(help="The column that counts updates from 0; guessed.")] = None,
    lr_column: Annotated[str | None, Parameter(help="The column of values; guessed by default.")] = None,
    tolerance: Annotated[float, Parameter(help="What counts as equal, relative to the value.")] = 1e-6,
    png: Annotated[str | None, Parameter(help="Write a picture of both curves to this PNG file.")] = None,
) -> int:
    """Compare what a log says was used with what was planned, and name the mistake that explains a difference.

    Status: 0 as planned, 1 differs, 2 bad input.

    Parameters
    ----------
    log
        A ledger, the folder of a run, a CSV or JSONL file, or TensorBoard's log folder or event file.
    """
    if png is not None:
        from rheostat.view.canvas import check_png

        check_png(png)
    found = compare(
        log,
        schedule,
        length.run(),
        base_value(lr),
        key=key,
        group=group,
        step_column=step_column,
        lr_column=lr_column,
        tolerance=tolerance,
    )
    print(found)
    if png is not None:
        from rheostat.view.audit import audit_picture

        print(f"picture: {audit_picture(found, png)}")
    return 0 if found.matches else 1
