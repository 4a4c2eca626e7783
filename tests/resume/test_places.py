"""The same for what a schedule drives and what counts: keys, groups, optimizers, clocks, kinds of kernel."""

import functools

import pytest

from resume import orders, same
from resume.cases import CLOCKS, KERNELS, PLACES

KNOWN = {
    ("late_keys", orders.optimizer_then_built_then_scheduler): pytest.mark.xfail(
        strict=True,
        raises=Exception,
        reason="a key that only a late group schedules cannot be said when the scheduler is built over all groups: "
        "schedule['weight_decay']=['late']: need a schedule for group '0' too",
    )
}


@functools.lru_cache(maxsize=1)
def whole(case):
    return same.uninterrupted(case)


@pytest.mark.parametrize(
    ("case", "order"),
    [
        pytest.param(case, order, id=f"{case}-{order.__name__}", marks=KNOWN.get((case.name, order), ()))
        for case in PLACES + CLOCKS + KERNELS
        for order in orders.ORDERS
    ],
)
def test_resumed_at_every_update(case, order):
    same.assert_resumes(*whole(case), order)
