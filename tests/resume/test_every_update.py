"""A run that was stopped and resumed, at any update and in any order, is the run that was not stopped."""

import functools

import pytest

from resume import runs
from resume.cases import CASES


@functools.lru_cache(maxsize=2)
def whole(case):
    return runs.uninterrupted(case)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("order", [*runs.WHOLE, runs.back_to_an_earlier_state], ids=lambda f: f.__name__)
def test_resumed_at_any_update(case, order):
    training, checkpoints = whole(case)
    for stop, saved in enumerate(checkpoints):
        runs.assert_goes_on(training, order(case, saved), stop)
