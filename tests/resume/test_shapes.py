"""A run that was stopped and resumed, at any update and in any order, is the run that was not stopped: the schedules."""

import functools

import pytest

from resume import orders, same
from resume.cases import COMPOSITIONS, SHAPES


@functools.lru_cache(maxsize=1)
def whole(case):
    return same.uninterrupted(case)


@pytest.mark.parametrize("order", orders.ORDERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", SHAPES + COMPOSITIONS, ids=str)
def test_resumed_at_every_update(case, order):
    same.assert_resumes(*whole(case), order)


def test_every_shape_is_here():
    from rheostat.schedule.base import MAKERS

    texts = " ".join(repr(case.schedule) for case in SHAPES)
    assert [name for name in MAKERS if name not in ("absolute", "clip", "scale", "repeat") and name not in texts] == []
    assert len(COMPOSITIONS) >= 20
