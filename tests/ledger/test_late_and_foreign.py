"""What is logged late, what was never a ledger, and numbers that JSON does not know."""

import math

import pytest

import rheostat as rh
from rheostat.errors import ScheduleError, SchedulerError
from rheostat.ledger import columns

USED = {"lr": {"0": 0.1}}


def test_numbers_logged_after_their_row_was_written_are_read_as_part_of_it(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with rh.Ledger(path) as ledger:
        ledger.record(0, USED)
        ledger.log(loss=2.0)
        ledger.flush()
        ledger.log(accuracy=0.5)
    with rh.Ledger(path, resume=True) as ledger:
        ledger.log(f1=0.25)
        ledger.record(1, USED)
    first, second = rh.Ledger.read(path)
    assert (first["used"], first["loss"], first["accuracy"], first["f1"]) == (USED, 2.0, 0.5, 0.25)
    assert second["update"] == 1
    assert columns(path)["accuracy"][0] == 0.5


def test_truncate_drops_what_was_logged_late_too(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with rh.Ledger(path) as ledger:
        for update in range(2):
            ledger.record(update, USED)
            ledger.flush()
            ledger.log(accuracy=float(update))
        ledger.truncate(1)
    assert [row["accuracy"] for row in rh.Ledger.read(path)] == [0.0]


@pytest.mark.parametrize("content", [b"my thesis, one line", b"[1]", b"\x00" * 30])
def test_resuming_never_empties_a_file_that_is_no_ledger(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(SchedulerError, match="is no ledger; nothing was changed"):
        rh.Ledger(path, resume=True)
    assert path.read_bytes() == content


def test_a_torn_header_is_written_again(tmp_path):
    path = tmp_path / "ledger.jsonl"
    rh.Ledger(path).close()
    whole = path.read_bytes()
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        with rh.Ledger(path, resume=True) as ledger:
            ledger.record(0, USED)
        assert [row["used"] for row in rh.Ledger.read(path)] == [USED]


def test_used_values_that_are_not_finite_come_back_as_numbers(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with rh.Ledger(path) as ledger:
        ledger.record(0, {"lr": {"0": math.nan, "1": math.inf}})
    used = rh.Ledger.read(path)[0]["used"]["lr"]
    assert math.isnan(used["0"])
    assert used["1"] == math.inf


def test_a_logged_number_cannot_hide_behind_a_used_one(tmp_path):
    with rh.Ledger(tmp_path / "ledger.jsonl") as ledger:
        ledger.record(0, USED)
        with pytest.raises(ScheduleError, match=r"^lr=7\.0: need another name; .* Try my_lr\.$"):
            ledger.log(lr=7.0)


@pytest.mark.parametrize("call", [lambda x: x.record(0, USED), lambda x: x.log(loss=1), lambda x: x.truncate(0)])
def test_a_closed_ledger_says_so(tmp_path, call):
    ledger = rh.Ledger(tmp_path / "ledger.jsonl")
    ledger.close()
    with pytest.raises(SchedulerError, match="is closed"):
        call(ledger)
