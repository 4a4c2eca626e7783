"""PyTorch's ReduceLROnPlateau, version 2.13.0, fed the same metrics as ours.

Where 2.13.0 is wrong (a metric that is not finite, a relative threshold on negative metrics, its `eps`), the row
says so, and ours is held to the rule written out here: a metric that is not finite changes nothing; better, in mode
"min", is below best - threshold * |best|, or best - threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.optim import lr_scheduler as pt

import rheostat as rh

if TYPE_CHECKING:
    from collections.abc import Callable

BASES = (0.1, 0.03, 2e-3)  # as in conftest
PYTORCH_2_13 = torch.__version__.startswith("2.13.")
nan, inf = math.nan, math.inf


@dataclass(frozen=True)
class Row:
    """Settings in our words, the metrics, and what PyTorch 2.13 gets wrong, if anything."""

    name: str
    metrics: list[float]
    settings: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    theirs: dict[str, Any] = field(default_factory=dict)


NOISY = [1 / (1 + 0.1 * t) + 0.05 * math.sin(7 * t) for t in range(120)]
ROWS = [
    Row("defaults", [*NOISY, *[0.05] * 60]),
    Row("impatient", NOISY, {"patience": 1, "factor": 0.5}),
    Row("no patience at all", [3.0, 3.0, 2.0, 2.0, 2.0, 1.0], {"patience": 0}),
    Row("with a cooldown", NOISY, {"patience": 2, "factor": 0.5, "cooldown": 3}),
    Row("a cooldown during which it improves", [1, 1, 1, 0.5, 0.4, 0.4, 0.4, 0.4], {"patience": 1, "cooldown": 2}),
    Row("absolute threshold", NOISY, {"patience": 2, "threshold": 0.02, "relative": False}),
    Row("relative threshold", NOISY, {"patience": 2, "threshold": 0.1}),
    Row("larger is better", [-m for m in NOISY], {"mode": "max", "patience": 2, "relative": False}),
    Row(
        "larger is better, relative",
        [m + 1 for m in reversed(NOISY)],
        {"mode": "max", "patience": 1, "threshold": 0.01},
    ),
    Row("negative metrics, absolute threshold", [m - 5 for m in NOISY], {"patience": 3, "relative": False}),
    Row("down to a floor", [1.0] * 30, {"patience": 1, "floor": 1e-3}, theirs={"min_lr": [1e-3 * b for b in BASES]}),
    Row(
        "negative metrics, relative threshold",
        [-1.0 + 5e-5 * t for t in range(40)],
        {"patience": 3},
        "a metric that grows worse counts as better, for it multiplies the negative best by 1 - threshold",
    ),
    Row(
        "negative metrics, relative, larger is better",
        [-1.0 - 0.05 * t for t in range(12)],
        {"patience": 2, "mode": "max", "threshold": 0.1},
        "the same with 1 + threshold",
    ),
    Row("NaN", [1.0, nan, nan, nan, 0.9, 0.8], {"patience": 1}, "each NaN counts as a bad report, and cuts"),
    Row("NaN from the first", [nan, nan, nan, 1.0, 0.9], {"patience": 1}, "each NaN counts as a bad report, and cuts"),
    Row(
        "one -inf",
        [1.0, -inf, *[0.9 - 0.1 * t for t in range(8)]],
        {"patience": 1},
        "it is the best for ever: every later report is bad",
    ),
    Row("+inf", [1.0, inf, inf, inf, 0.9], {"patience": 1}, "each inf counts as a bad report, and cuts"),
]


def rule(row: Row) -> list[float]:
    """The factor in force after each report, by the rule as it is written down."""
    given = {
        "factor": 0.1,
        "patience": 10,
        "threshold": 1e-4,
        "relative": True,
        "mode": "min",
        "cooldown": 0,
        "floor": 0.0,
    }
    s = {**given, **row.settings}
    sign = 1 if s["mode"] == "min" else -1
    best, bad, resting, cuts, factors = inf, 0, 0, 0, []
    for metric in row.metrics:
        if math.isfinite(metric):
            m = sign * metric
            better = (
                m < best - (s["threshold"] * abs(best) if s["relative"] else s["threshold"]) if best < inf else True
            )
            best, bad = (m, 0) if better else (best, bad + 1)
            if resting:
                resting, bad = resting - 1, 0
            if bad > s["patience"]:
                bad, resting, cuts = 0, s["cooldown"], cuts + 1
        factors.append(max(s["factor"] ** cuts, s["floor"]))
    return factors


def ours(row: Row, optimizer: Any) -> list[list[float]]:
    """What stands in the groups after each report; one update per report."""
    scheduler = rh.Scheduler(optimizer, rh.plateau(**row.settings), rh.Run(steps=len(row.metrics)))
    return _after_each(optimizer, row.metrics, lambda metric: scheduler.step(metric))


def theirs(row: Row, optimizer: Any) -> list[list[float]]:
    """The same from PyTorch's; its eps, below which it no longer cuts, out of the way."""
    names = {"relative": "threshold_mode", "floor": "min_lr"}
    given = {names.get(key, key): value for key, value in row.settings.items()}
    if "threshold_mode" in given:
        given["threshold_mode"] = "rel" if given["threshold_mode"] else "abs"
    scheduler = pt.ReduceLROnPlateau(optimizer, **{**given, **row.theirs, "eps": 0.0})
    return _after_each(optimizer, row.metrics, scheduler.step)


def _after_each(optimizer: Any, metrics: list[float], report: Callable[[float], None]) -> list[list[float]]:
    rows = []
    for metric in metrics:
        optimizer.step()
        report(metric)
        rows.append([group["lr"] for group in optimizer.param_groups])
    return rows


def same(found: list[list[float]], wanted: list[list[float]]) -> bool:
    return all(row == pytest.approx(want, rel=1e-12, abs=0) for row, want in zip(found, wanted, strict=True))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_ours_is_the_rule_after_every_report(row: Row, sgd: Any) -> None:
    assert same(ours(row, sgd()), [[factor * base for base in BASES] for factor in rule(row)])


@pytest.mark.parametrize("row", [row for row in ROWS if not row.reason], ids=lambda row: row.name)
def test_ours_is_pytorchs_after_every_report(row: Row, sgd: Any) -> None:
    found = ours(row, sgd())
    assert len({tuple(values) for values in found}) > 1, "nothing was cut"
    assert same(found, theirs(row, sgd()))


@pytest.mark.skipif(not PYTORCH_2_13, reason="says what PyTorch 2.13 does")
@pytest.mark.parametrize("row", [row for row in ROWS if row.reason], ids=lambda row: row.name)
def test_pytorch_departs_from_the_rule_where_the_row_says(row: Row, sgd: Any) -> None:
    assert not same(theirs(row, sgd()), [[factor * base for base in BASES] for factor in rule(row)])


@pytest.mark.skipif(not PYTORCH_2_13, reason="says what PyTorch 2.13 does")
def test_pytorch_stops_cutting_at_a_learning_rate_of_1e_8(sgd: Any) -> None:
    optimizer = sgd(lr=1e-7)
    scheduler = pt.ReduceLROnPlateau(optimizer, patience=0)
    rows = _after_each(optimizer, [1.0] * 6, scheduler.step)
    assert rows[-1] == pytest.approx([1e-8] * 3)
    row = Row("", [1.0] * 6, {"patience": 0})
    assert ours(row, sgd(lr=1e-7))[-1] == pytest.approx([1e-12] * 3)


def test_a_report_once_an_epoch_holds_through_the_next_epoch(sgd: Any) -> None:
    optimizer, metrics = sgd(), [1.0, 0.9, 0.9, 0.9, 0.5]
    scheduler = rh.Scheduler(optimizer, rh.plateau(patience=1, factor=0.5), rh.Run(epochs=5, steps_per_epoch=4))
    seen = []
    for metric in metrics:
        for _ in range(4):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        scheduler.report(metric)
    assert seen == pytest.approx([0.1] * 16 + [0.05] * 4)


def test_a_plateau_goes_with_a_schedule_in_time_where_pytorch_refuses(sgd: Any) -> None:
    optimizer = sgd()
    parts = [pt.LinearLR(optimizer, 0.1), pt.ReduceLROnPlateau(optimizer)]
    with pytest.raises(ValueError, match="ReduceLROnPlateau"):
        pt.SequentialLR(optimizer, parts, [5])
    optimizer = sgd()
    schedule = rh.warmup("4 steps") >> rh.linear() * rh.plateau(patience=0, factor=0.5)
    scheduler = rh.Scheduler(optimizer, schedule, rh.Run(steps=12))
    seen = []
    for t in range(12):
        seen.append(optimizer.param_groups[0]["lr"] / 0.1)
        optimizer.step()
        scheduler.step(1.0 if t in (5, 8) else None)
    linear = [1 - t / 8 for t in range(8)]
    assert seen == pytest.approx([0.25, 0.5, 0.75, 1.0, *linear[:5], *[x / 2 for x in linear[5:]]])
