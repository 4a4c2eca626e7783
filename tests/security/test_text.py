"""Hostile text: refused within a bound on calls and memory that does not hang on how fast the machine is."""

import sys
import tracemalloc
from contextlib import contextmanager

import pytest

import rheostat as rh
from rheostat.ledger import columns
from rheostat.schedule.run import parse_run
from schedule.test_notation import HOSTILE

CALLS, MEMORY = 2_000_000, 100e6


class Endless(BaseException):
    """More calls than any text is worth."""


@contextmanager
def bounded():
    """Fails after so many calls, or where so much memory was in use."""
    left = CALLS

    def count(frame, event, _):
        nonlocal left
        left -= 1
        if left == 0:
            raise Endless

    tracemalloc.start()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MEMORY


MORE = [
    "constant().repeat(10**9)", "constant(over='1 steps').repeat(999999999999)",
    "(" * 100 + "cosine()" + ").repeat(1000)" * 100, "constant(nan)", "constant(float('nan'))", "constant(1e400)", "constant(-1e400)",
    "step(every='1e-400 steps', factor=0.1)", "warmup('" + "9" * 60_000 + " steps')", "piecewise([" + "('1 steps', 1)," * 4000 + "])",
    "multistep(at=[" + "'1 steps'," * 5900 + "], factor=1)", "cosine" + "()" * 2000, "-" * 59_990 + "1", "1" + "/1" * 29_000,
    "cosine(end=" + "-" * 5000 + "1)", "[" * 90 + "]" * 90, "cosine() >> (" * 95 + "cosine()" + ")" * 95, "\t" * 59_000 + "x",
]  # fmt: skip


LONG_NAME = "a" * 59_000
SCHEDULES = [pytest.param(t, id=t[:24]) for t in HOSTILE + MORE]


@pytest.mark.parametrize("text", SCHEDULES)
def test_a_hostile_schedule_is_refused_within_bounds(text):
    with pytest.raises(rh.ScheduleError) as caught, bounded():
        rh.parse(text).over(rh.Run(steps=1000)).values()
    assert len(str(caught.value)) < 3000


RUNS = [
    "Run(steps=9**9**9)", "Run(steps=__import__('os'))", "Run(" + "(" * 300 + ")", "Run(steps=nan)", "Run(steps=1e400)", "Run(steps=10**9)",
    "Run(steps=" + "9" * 380 + ")", "Run(steps=1, steps=2)", "Run(**{})", "Run(*[1])", "Run(time='" + "9" * 300 + " s')", "Run" * 1_000_000,
    "open('x')", "Run(steps=1).rest(1)", "Run(steps=True)", "Run(steps=-1)", "Run(epochs='1')", "", "Run", "Run(steps=...)", "Run(steps=1j)",
]  # fmt: skip


@pytest.mark.parametrize("text", RUNS, ids=[t[:24] for t in RUNS])
def test_a_hostile_run_is_refused_within_bounds(text):
    with pytest.raises(rh.ScheduleError) as caught, bounded():
        parse_run(text)
    assert len(str(caught.value)) < 3000


HEADER = '{"rheostat_ledger":1}\n'
GOOD = '{"update":0,"time":0.1,"used":{"lr":{"0":0.1}},"loss":1.0}\n'
REFUSED = {
    "deep nesting": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "a number without end": '{"update":' + "9" * 100_000 + "}",
    "no object": "[1,2]",
    "text": '"update"',
    "bytes": "\x00\x01\ud800",
    "two values": "{}{}",
    "nothing": "",
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("read", [rh.Ledger.read, columns], ids=["read", "columns"])
def test_a_hostile_line_of_a_ledger_is_refused_within_bounds(tmp_path, name, read):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes((HEADER + GOOD + REFUSED[name] + "\n" + GOOD).encode(errors="surrogatepass"))
    with pytest.raises(rh.SchedulerError, match=r"line 3 is damaged") as caught, bounded():
        read(path)
    assert len(str(caught.value)) < 1000


FORMED = {
    "an update that is text": '{"update":"x","used":{"lr":{"0":0.1}}}',
    "an update that is a list": '{"update":[],"used":{"lr":{"0":0.1}}}',
    "an update that is infinite": '{"update":1e999,"used":{"lr":{"0":0.1}}}',
    "no update": '{"used":{"lr":{"0":0.1}}}',
    "used that is a number": '{"update":1,"used":5}',
    "used that holds a number": '{"update":1,"used":{"lr":5}}',
    "used that holds text": '{"update":1,"used":{"lr":{"0":"much"}}}',
    "used that holds nesting": '{"update":1,"used":{"lr":{"0":' + "[" * 500 + "]" * 500 + "}}}",
    "a number of 4000 digits": '{"update":1,"used":{"lr":{"0":' + "9" * 4000 + "}}}",
    "a loss that is true": '{"update":1,"used":{"lr":{"0":0.1}},"loss":true}',
    "NaN tokens": '{"update":1,"used":{"lr":{"0":NaN}},"loss":-Infinity}',
    "a name twice": '{"update":1,"update":7,"used":{"lr":{"0":0.1}},"used":{"lr":{"0":9}}}',
    "a megabyte of text": '{"update":1,"used":{"lr":{"0":0.1}},"note":"' + "a" * 1_000_000 + '"}',
    "many names": '{"update":1,"used":{"lr":{"0":0.1}},' + ",".join(f'"n{i}":{i}' for i in range(3000)) + "}",
}


@pytest.mark.parametrize("name", FORMED)
@pytest.mark.parametrize("read", [rh.Ledger.read, columns], ids=["read", "columns"])
def test_a_line_that_is_json_but_no_row_is_refused_or_read_as_data(tmp_path, name, read):
    path = tmp_path / "ledger.jsonl"
    path.write_text(HEADER + GOOD + FORMED[name] + "\n" + GOOD)
    with bounded():
        our_error_or_none(lambda: read(path))


@pytest.mark.parametrize("name", {**REFUSED, **FORMED})
def test_a_ledger_that_ends_in_a_hostile_line_goes_on_or_is_refused(tmp_path, name):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes((HEADER + GOOD + {**REFUSED, **FORMED}[name] + "\n").encode(errors="surrogatepass"))

    def resume():
        with rh.Ledger(path, resume=True) as ledger:
            ledger.record(8, {"lr": {"0": 0.1}})

    with bounded():
        our_error_or_none(resume)


def our_error_or_none(call):
    try:
        call()
    except rh.SchedulerError as error:
        message = str(error)
        assert "ledger" in message
        assert len(message) < 1000
