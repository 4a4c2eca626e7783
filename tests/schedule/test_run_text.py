"""A Run as text: what repr writes is read back, and nothing else is."""

import pytest

import rheostat as rh
from rheostat.errors import brief
from rheostat.schedule.run import parse_run

RUNS = [
    rh.Run(),
    rh.Run(steps=10),
    rh.Run(time="30 min"),
    rh.Run(epochs=1.5, steps_per_epoch=10, seconds_per_step=0.5),
    rh.Run(tokens=10**12, tokens_per_step=2**19, samples_per_step=256),
]
BAD = [
    "", "Run", "Run(", "Run(10)", "run(steps=1)", "Run(stpes=1)", "Run(steps=1, steps=2)", "Run(steps=1, **{})", "cosine()",
    "Run(steps=[1])", "Run(steps=1 + 1)", "Run(steps=-1)", "rh.Run(steps=1)", "Run(steps=1)()", "Run(steps=Run())",
    "(lambda: 1)()", "Run(*[1])", "9**9**9", "(" * 500, "\0", "Run(steps=1); 1",
]  # fmt: skip


@pytest.mark.parametrize("run", RUNS, ids=range(len(RUNS)))
def test_its_repr_gives_a_run_back(run):
    assert parse_run(repr(run)) == parse_run(f"  {run!r}\n") == run


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_anything_else_is_refused(text):
    with pytest.raises(rh.ScheduleError) as caught:
        parse_run(text)
    assert str(caught.value) == f"run={brief(text)}: need the text of a Run. Try 'Run(steps=1000)'."


def test_a_text_as_long_as_no_run_is_refused_unread():
    assert parse_run("Run(steps=1" + " " * 388 + ")") == rh.Run(steps=1)
    for spaces in (389, 100_000):
        with pytest.raises(rh.ScheduleError, match="need the text of a Run"):
            parse_run("Run(steps=1" + " " * spaces + ")")


def test_a_value_out_of_range_gets_its_own_message():
    with pytest.raises(rh.ScheduleError, match="steps=0: need a whole number ≥ 1"):
        parse_run("Run(steps=0)")
