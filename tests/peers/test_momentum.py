"""PyTorch's two schedulers that move the momentum too, OneCycleLR and CyclicLR, version 2.13.0, beside ours.

Both write `momentum`, or `betas[0]` of an Adam. Ours are two schedules, one per key. Closed forms with 40 digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import torch
from mpmath import mp, mpf
from torch.optim import lr_scheduler as pt

import rheostat as rh

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.optim import Optimizer

mp.dps = 40
PEAKS = [0.1, 0.03, 2e-3]  # the base learning rates of conftest
HIGH = [0.95, 0.9, 0.8]
LOW = [0.85 / 0.95 * high for high in HIGH]
TOLERANCE = 1e-12
PYTORCH_2_13 = torch.__version__.startswith("2.13.")

Factor = "Callable[[int], mpf]"


@dataclass(frozen=True)
class Row:
    """PyTorch's code, our two schedules, and the closed forms of both factors at update t."""

    name: str
    theirs: Callable[[Optimizer], Any]
    lr: rh.Schedule
    momentum: rh.Schedule
    lr_factor: Callable[[int], mpf]
    momentum_factor: Callable[[int], mpf]
    updates: int = 100
    theirs_within: float = 1e-12  # relative; looser where PyTorch's arithmetic loses digits, with the reason


def cosine(start: mpf, end: mpf, p: mpf) -> mpf:
    """Half a cosine from start to end."""
    return end + (start - end) * mp.sin(mp.pi / 2 * (1 - p)) ** 2


def line(start: mpf, end: mpf, p: mpf) -> mpf:
    """A straight line from start to end."""
    return start + (end - start) * p


def phases(shape: Callable[[mpf, mpf, mpf], mpf], levels: tuple[Any, ...], ends: tuple[int, ...]) -> Factor:
    """Levels at 0 and at each end, with `shape` between them, and the last level ever after."""

    def factor(t: int) -> mpf:
        begin = 0
        for start, end, stop in zip(levels, levels[1:], ends, strict=False):
            if t < stop:
                return shape(mpf(start), mpf(end), mpf(t - begin) / (stop - begin))
            begin = stop
        return mpf(levels[-1])

    return factor


def triangle(t: int, up: int, down: int) -> mpf:
    """0 at the foot of each cycle, 1 at its peak."""
    local = t % (up + down)
    return mpf(local) / up if local < up else mpf(up + down - local) / down


def one_cycle(**settings: Any) -> Callable[[Optimizer], Any]:
    """PyTorch's one-cycle over 100 updates; its warm phase ends at update 0.3 * 100 - 1 = 29."""
    given = {"max_lr": PEAKS, "total_steps": 100, "max_momentum": HIGH, "base_momentum": LOW, **settings}
    return lambda o: pt.OneCycleLR(o, **given)


def cyclic(**settings: Any) -> Callable[[Optimizer], Any]:
    """PyTorch's cycles between a tenth of the peak and the peak."""
    given = {"base_lr": [0.1 * p for p in PEAKS], "max_lr": PEAKS, "max_momentum": HIGH, "base_momentum": LOW}
    return lambda o: pt.CyclicLR(o, **given, **settings)


DIP = mpf(1) - mpf(0.85 / 0.95)
ROWS = [
    Row(
        "OneCycleLR",
        one_cycle(),
        rh.cosine(start=1 / 25, end=1.0, over="29 steps") >> rh.cosine(end=4e-6, over="70 steps"),
        rh.cosine(end=0.85 / 0.95, over="29 steps") >> rh.cosine(start=0.85 / 0.95, end=1.0, over="70 steps"),
        phases(cosine, (mpf(1) / 25, 1, mpf(4) / 10**6), (29, 99)),
        phases(cosine, (1, 1 - DIP, 1), (29, 99)),
    ),
    Row(
        "OneCycleLR, linear",
        one_cycle(anneal_strategy="linear"),
        rh.linear(start=1 / 25, end=1.0, over="29 steps") >> rh.linear(end=4e-6, over="70 steps"),
        rh.linear(end=0.85 / 0.95, over="29 steps") >> rh.linear(start=0.85 / 0.95, end=1.0, over="70 steps"),
        phases(line, (mpf(1) / 25, 1, mpf(4) / 10**6), (29, 99)),
        phases(line, (1, 1 - DIP, 1), (29, 99)),
        theirs_within=5e-11,  # its last value, 4e-6 of the peak, is a difference of numbers as large as the peak
    ),
    Row(
        "OneCycleLR, three phases, other divisors",
        one_cycle(three_phase=True, div_factor=10.0, final_div_factor=100.0),
        rh.cosine(start=0.1, end=1.0, over="29 steps")
        >> rh.cosine(end=0.1, over="29 steps")
        >> rh.cosine(start=0.1, end=1e-3, over="41 steps"),
        rh.cosine(end=0.85 / 0.95, over="29 steps")
        >> rh.cosine(start=0.85 / 0.95, end=1.0, over="29 steps")
        >> rh.constant(),
        phases(cosine, (mpf("0.1"), 1, mpf("0.1"), mpf("0.001")), (29, 58, 99)),
        phases(cosine, (1, 1 - DIP, 1, 1), (29, 58, 99)),
    ),
    Row(
        "CyclicLR, triangular",
        cyclic(step_size_up=20),
        rh.cyclic(low=0.1, up="20 steps"),
        rh.cyclic(low=0.85 / 0.95, up="20 steps", inverted=True),
        lambda t: mpf("0.1") + mpf("0.9") * triangle(t, 20, 20),
        lambda t: 1 - DIP * triangle(t, 20, 20),
        updates=130,
    ),
    Row(
        "CyclicLR, triangular, steeper down",
        cyclic(step_size_up=20, step_size_down=7),
        rh.cyclic(low=0.1, up="20 steps", down="7 steps"),
        rh.cyclic(low=0.85 / 0.95, up="20 steps", down="7 steps", inverted=True),
        lambda t: mpf("0.1") + mpf("0.9") * triangle(t, 20, 7),
        lambda t: 1 - DIP * triangle(t, 20, 7),
    ),
    Row(
        "CyclicLR, triangular2",
        cyclic(step_size_up=10, mode="triangular2"),
        rh.cyclic(low=0.1, up="10 steps", mode="triangular2"),
        rh.cyclic(low=0.85 / 0.95, up="10 steps", mode="triangular2", inverted=True),
        lambda t: mpf("0.1") + mpf("0.9") * triangle(t, 10, 10) / 2 ** (t // 20),
        lambda t: 1 - DIP * triangle(t, 10, 10) / 2 ** (t // 20),
    ),
    Row(
        "CyclicLR, exp_range",
        cyclic(step_size_up=10, mode="exp_range", gamma=0.99),
        rh.cyclic(low=0.1, up="10 steps", mode="exp_range", factor=0.99, every="1 steps"),
        rh.cyclic(low=0.85 / 0.95, up="10 steps", mode="exp_range", factor=0.99, every="1 steps", inverted=True),
        lambda t: mpf("0.1") + mpf("0.9") * triangle(t, 10, 10) * mpf("0.99") ** t,
        lambda t: 1 - DIP * triangle(t, 10, 10) * mpf("0.99") ** t,
    ),
]


@pytest.fixture(params=["momentum", "betas[0]"])
def key(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def optimizer(key: str, sgd: Any, adamw: Any) -> Callable[[], Optimizer]:
    """SGD with momentum or AdamW, three groups with their own maximum of it."""
    if key == "momentum":
        return lambda: sgd(momentum=list(HIGH))
    return lambda: adamw(betas=[(high, 0.95) for high in HIGH])


def apart(found: list[list[float]], wanted: list[list[Any]]) -> float:
    """The largest relative deviation."""
    pairs = [(f, w) for row, want in zip(found, wanted, strict=True) for f, w in zip(row, want, strict=True)]
    return max(float(abs(mpf(f) - w) / abs(w)) for f, w in pairs)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_both_keys_agree_with_pytorchs_at_every_update(row: Row, key: str, optimizer: Any, used: Any) -> None:
    keys = ("lr", key)
    run = rh.Run(steps=row.updates)
    mine = used(rh.Scheduler(optimizer(), {"lr": row.lr, key: row.momentum}, run), row.updates, keys=keys)
    theirs = used(row.theirs(optimizer()), row.updates, keys=keys)
    exact = [
        [row.lr_factor(t) * mpf(peak) for peak in PEAKS] + [row.momentum_factor(t) * mpf(high) for high in HIGH]
        for t in range(row.updates)
    ]
    assert apart(mine, exact) < TOLERANCE
    assert apart(theirs, exact) < row.theirs_within
    assert apart(mine, theirs) < row.theirs_within


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_the_named_one_cycle_is_pytorchs_with_its_count_of_intervals(
    three_phase: bool, shape: str, used: Any, sgd: Any
) -> None:
    lr = rh.one_cycle(warmup="29 steps", shape=shape, three_phase=three_phase)
    momentum = rh.one_cycle_momentum(warmup="29 steps", shape=shape, three_phase=three_phase)
    scheduler = rh.Scheduler(sgd(momentum=list(HIGH)), {"lr": lr, "momentum": momentum}, rh.Run(steps=99))
    theirs = one_cycle(three_phase=three_phase, anneal_strategy=shape.replace("cosine", "cos"))(
        sgd(momentum=list(HIGH))
    )
    keys = ("lr", "momentum")
    assert apart(used(scheduler, 99, keys=keys), used(theirs, 99, keys=keys)) < TOLERANCE


@pytest.mark.parametrize("updates", range(10, 130))
def test_the_peak_of_ours_falls_on_an_update_whatever_the_length(updates: int) -> None:
    values = rh.one_cycle().over(rh.Run(steps=updates)).values(0, 2 * updates)
    assert values.max() == 1.0
    assert values.min() == pytest.approx(4e-6, rel=TOLERANCE)


@pytest.mark.skipif(not PYTORCH_2_13, reason="says what PyTorch 2.13 does")
def test_pytorchs_one_cycle_misses_its_peak_and_ends_below_zero(sgd: Any, used: Any) -> None:
    missed = used(pt.OneCycleLR(sgd(momentum=0.9), max_lr=PEAKS, total_steps=101), 101)
    assert max(row[0] for row in missed) == pytest.approx(0.1 * 0.99976, rel=1e-5)
    linear = pt.OneCycleLR(sgd(momentum=0.9), max_lr=1.0, total_steps=100, anneal_strategy="linear")
    used(linear, 100)
    assert linear.optimizer.param_groups[0]["lr"] == pytest.approx(-0.01428166, rel=1e-6)


def test_one_cycle_times_a_constant_factor_stays_below_the_peak(sgd: Any, used: Any) -> None:
    product = rh.one_cycle() * (rh.constant(0.1, over="20 steps") >> rh.constant())
    mine = used(rh.Scheduler(sgd(), product, rh.Run(steps=100)), 100)
    factors = rh.one_cycle().over(rh.Run(steps=100)).values()
    assert apart(mine, [[f * (0.1 if t < 20 else 1) * p for p in PEAKS] for t, f in enumerate(factors)]) < TOLERANCE
    assert max(max(row) for row in mine) == PEAKS[0]
    if PYTORCH_2_13:
        optimizer = sgd(momentum=0.9)
        parts = [pt.OneCycleLR(optimizer, PEAKS, total_steps=100), pt.ConstantLR(optimizer, 0.1, 20)]
        assert max(row[0] for row in used(pt.ChainedScheduler(parts), 100)) > 7.8 * PEAKS[0]


@pytest.mark.skipif(not PYTORCH_2_13, reason="says what PyTorch 2.13 does")
@pytest.mark.parametrize("make", [lambda o: pt.OneCycleLR(o, 0.1, total_steps=10), lambda o: pt.CyclicLR(o, 0.01, 0.1)])
def test_pytorch_turns_momentum_on_and_erases_the_ratios_of_groups(make: Any, sgd: Any) -> None:
    optimizer = make(sgd()).optimizer
    assert all(group["momentum"] >= 0.9 for group in optimizer.param_groups)
    assert len({group["lr"] for group in optimizer.param_groups}) == 1
