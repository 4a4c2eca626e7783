"""The same for what a schedule drives and what counts: keys, groups, optimizers, clocks, kinds of kernel."""

import functools

import pytest

from resume import orders, same
from resume.cases import CLOCKS, KERNELS, PLACES


@functools.lru_cache(maxsize=1)
def whole(case):
    return same.uninterrupted(case)


@pytest.mark.parametrize(
    ("case", "order"),
    [
        pytest.param(case, order, id=f"{case}-{order.__name__}")
        for case in PLACES + CLOCKS + KERNELS
        for order in orders.ORDERS
    ],
)
def test_resumed_at_every_update(case, order):
    same.assert_resumes(*whole(case), order)
