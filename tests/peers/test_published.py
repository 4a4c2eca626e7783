"""Schedules as other projects publish them: their formulas, derived again here, and golden numbers at a few updates.

Sources: transformers 5.23.0, optimization.py (get_linear_, get_cosine_, get_cosine_with_min_lr_schedule_with_warmup,
get_inverse_sqrt_schedule); timm, scheduler/cosine_lr.py (CosineLRScheduler, `_get_lr`), read at 16664ea; optax,
schedules/_schedule.py (warmup_cosine_decay_schedule), read at 006cebd; nanoGPT, train.py (`get_lr`).
Numbers only: nothing is imported from them, except that transformers' own functions are run where it is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from mpmath import mp, mpf

import rheostat as rh

if TYPE_CHECKING:
    from collections.abc import Callable

mp.dps = 40
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Row:
    """Ours over a run from a base value, the published closed form, and golden numbers {update: value}."""

    name: str
    ours: rh.Schedule
    run: rh.Run
    base: float
    value: Callable[[int], mpf]
    golden: dict[int, float]


def falling(t: int, over: int) -> mpf:
    """(1 + cos(πt/over))/2."""
    return mp.sin(mp.pi / 2 * (1 - mpf(t) / over)) ** 2


def timm_prefixed(t: int) -> mpf:
    """warmup_t=5, warmup_lr_init=1e-6, warmup_prefix=True, t_initial=45, lr_min=1e-5 on a base of 5e-4."""
    base, first, least = mpf("5e-4"), mpf("1e-6"), mpf("1e-5")
    return first + t * (base - first) / 5 if t < 5 else least + (base - least) * falling(t - 5, 45)


def optax_cosine(t: int) -> mpf:
    """init_value=1e-5, peak_value=1e-3, warmup_steps=20, decay_steps=200 (warmup included), end_value=1e-4."""
    first, peak, last = mpf("1e-5"), mpf("1e-3"), mpf("1e-4")
    return first + (peak - first) * t / 20 if t < 20 else last + (peak - last) * falling(t - 20, 180)


ROWS = [
    Row(
        "transformers: cosine with warmup",
        rh.warmup("100 steps", start=0) >> rh.cosine(),
        rh.Run(steps=1000),
        5e-5,
        lambda t: mpf(5e-5) * (mpf(t) / 100 if t < 100 else falling(t - 100, 900)),
        {0: 0.0, 50: 2.5e-5, 100: 5e-5, 325: 4.267766952966369e-5, 550: 2.5e-5, 775: 7.322330470336311e-6},
    ),
    Row(
        "transformers: cosine with min_lr_rate=0.1 and warmup",
        rh.warmup("100 steps", start=0) >> rh.cosine(end=0.1),
        rh.Run(steps=1000),
        5e-5,
        lambda t: mpf(5e-5) * (mpf(t) / 100 if t < 100 else mpf("0.1") + mpf("0.9") * falling(t - 100, 900)),
        {0: 0.0, 50: 2.5e-5, 100: 5e-5, 550: 2.75e-5, 775: 1.159009742330268e-5},
    ),
    Row(
        "transformers: linear with warmup",
        rh.warmup("100 steps", start=0) >> rh.linear(),
        rh.Run(steps=1000),
        5e-5,
        lambda t: mpf(5e-5) * (mpf(t) / 100 if t < 100 else mpf(1000 - t) / 900),
        {0: 0.0, 50: 2.5e-5, 100: 5e-5, 550: 2.5e-5, 991: 5e-7},
    ),
    Row(
        "transformers: inverse square root, timescale = warmup",
        rh.warmup("100 steps", start=0) >> rh.inverse_sqrt("100 steps"),
        rh.Run(steps=1000),
        5e-5,
        lambda t: mpf(5e-5) * (mpf(t) / 100 if t < 100 else 1 / mp.sqrt(mpf(t) / 100)),
        {0: 0.0, 100: 5e-5, 400: 2.5e-5, 900: 5e-5 / 3},
    ),
    Row(
        "timm: warmup_prefix=True",
        rh.warmup("5 epochs", start=rh.absolute(1e-6)) >> rh.cosine(end=rh.absolute(1e-5)),
        rh.Run(epochs=50, steps_per_epoch=1),
        5e-4,
        timm_prefixed,
        {0: 1e-6, 1: 1.008e-4, 5: 5e-4, 20: 3.775e-4, 35: 1.325e-4},
    ),
    Row(
        "optax: warmup_cosine_decay_schedule",
        rh.warmup("20 steps", start=0.01) >> rh.cosine(end=0.1),
        rh.Run(steps=200),
        1e-3,
        optax_cosine,
        {0: 1e-5, 10: 5.05e-4, 20: 1e-3, 80: 7.75e-4, 110: 5.5e-4, 140: 3.25e-4},
    ),
    Row(
        "nanoGPT: get_lr, (t + 1)/(W + 1)",
        rh.warmup("100 steps", start=1 / 101) >> rh.cosine(end=0.1),
        rh.Run(steps=1000),
        6e-4,
        lambda t: mpf(6e-4) * (mpf(t + 1) / 101 if t < 100 else mpf("0.1") + mpf("0.9") * falling(t - 100, 900)),
        {0: 6e-4 / 101, 49: 6e-4 * 50 / 101, 100: 6e-4, 550: 3.3e-4},
    ),
]


def apart(found: Any, wanted: Any) -> float:
    """The largest relative deviation; where 0 is wanted, only 0 will do."""
    return max(
        float(abs(mpf(float(f)) - w) / abs(w)) if w else abs(float(f)) for f, w in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_update_is_the_published_formula(row: Row) -> None:
    curve = row.ours.over(row.run, base=row.base)
    assert apart(curve.values(), [row.value(t) for t in range(row.run.updates)]) < TOLERANCE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_golden_numbers(row: Row) -> None:
    curve = row.ours.over(row.run, base=row.base)
    assert {t: curve.at(t) for t in row.golden} == pytest.approx(row.golden, rel=TOLERANCE, abs=0)


def test_the_peak_is_reached_where_timms_default_misses_it() -> None:
    """Without warmup_prefix timm's cosine runs under its warmup: with 5 of 20 epochs, it begins at 0.854."""
    assert float(falling(5, 20)) == pytest.approx(0.8535533905932737)
    curve = (rh.warmup("5 epochs", start=0) >> rh.cosine()).over(rh.Run(epochs=20, steps_per_epoch=10))
    assert curve.at("5 epochs") == 1.0 == curve.values().max()


def test_the_end_is_held_where_transformers_cosine_climbs() -> None:
    """Its cosine at 150 % of its length is 1/2 again; ours stays at its end."""
    curve = (rh.warmup("100 steps", start=0) >> rh.cosine(end=0.1)).over(rh.Run(steps=1000))
    assert curve.values(1000, 2000) == pytest.approx(0.1, rel=TOLERANCE)


@pytest.mark.parametrize(
    ("name", "settings", "ours"),
    [
        ("get_cosine_schedule_with_warmup", {}, rh.warmup("10 steps", start=0) >> rh.cosine()),
        (
            "get_cosine_with_min_lr_schedule_with_warmup",
            {"min_lr_rate": 0.1},
            rh.warmup("10 steps", start=0) >> rh.cosine(end=0.1),
        ),
        ("get_linear_schedule_with_warmup", {}, rh.warmup("10 steps", start=0) >> rh.linear()),
    ],
)
def test_transformers_own_functions(
    name: str, settings: dict[str, float], ours: rh.Schedule, sgd: Any, used: Any
) -> None:
    optimization = pytest.importorskip("transformers.optimization")
    theirs = getattr(optimization, name)(sgd(), num_warmup_steps=10, num_training_steps=100, **settings)
    mine = rh.Scheduler(sgd(), ours, rh.Run(steps=100))
    for a, b in zip(used(mine, 100), used(theirs, 100), strict=True):
        assert a == pytest.approx(b, rel=TOLERANCE, abs=0)
