"""A tensor holds the float64 value rounded once, to nearest, ties to even: worked out here in integers."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rheostat as rh
from driver.loops import parameter

# digits of the fraction, exponent of the smallest normal number
FORMATS = {torch.float32: (24, -126), torch.float16: (11, -14), torch.bfloat16: (8, -126), torch.float64: (53, -1022)}


def nearest(x, dtype):
    """The multiple of the unit in the last place that is nearest to x > 0; of two, the even one."""
    digits, least = FORMATS[dtype]
    exponent = least
    while Fraction(2) ** (exponent + 1) <= x:
        exponent += 1
    unit = Fraction(2) ** (exponent - digits + 1)
    return round(x / unit) * unit  # Python's own rounding of a fraction: nearest, ties to even


def held(values, dtype, groups):
    """What tensors of a dtype hold while these values are scheduled, one update after the other."""
    tensors = [torch.tensor(1.0, dtype=dtype) for _ in range(groups)]
    optimizer = torch.optim.SGD([{"params": [parameter()], "lr": lr} for lr in tensors], lr=1.0)
    points = [(f"{t} steps", value) for t, value in enumerate(values)]
    scheduler = rh.Scheduler(optimizer, rh.piecewise(points, shape="constant"), rh.Run(steps=len(values)))
    seen = []
    for _ in values:
        seen.append([Fraction(float(lr)) for lr in tensors])
        with torch.no_grad():
            optimizer.step()
        scheduler.step()
    return seen


@st.composite
def near_a_tie(draw, dtype):
    """Numbers halfway between two of the dtype, or so little beside it that a rounding on the way would hide it."""
    digits, _ = FORMATS[dtype]
    whole = draw(st.integers(2 ** (digits - 1), 2**digits - 1))
    middle = Fraction(2 * whole + 1, 2) * Fraction(2) ** draw(st.integers(-12 - digits, 2 - digits))
    beside = middle * Fraction(draw(st.sampled_from([-1, 0, 1])), 2 ** draw(st.sampled_from([26, 30, 40, 51])))
    return float(middle + beside)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dtype", FORMATS)
@given(data=st.data())
def test_rounded_once(dtype, groups, data):
    ties = near_a_tie(dtype) if dtype is not torch.float64 else st.nothing()
    values = data.draw(st.lists(st.one_of(ties, st.floats(1e-3, 10.0)), min_size=1, max_size=6))
    seen = held(values, dtype, groups)
    assert seen == [[nearest(Fraction(value), dtype)] * groups for value in values]


def test_a_rounding_on_the_way_would_be_seen():
    """1 + 2⁻⁸ + 2⁻³⁰ is above the middle of two bfloat16 numbers; by way of float32 it falls on it, and goes down."""
    value = 1 + 2**-8 + 2**-30
    assert torch.tensor(value, dtype=torch.float64).to(torch.float32).to(torch.bfloat16).item() == 1.0
    assert held([value], torch.bfloat16, 1) == [[Fraction(1) + Fraction(1, 128)]]
