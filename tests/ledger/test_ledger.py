"""The ledger: what is written comes back, also from a writer that was killed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch

import rheostat as rh
from rheostat.ledger import columns


def test_it_records_what_each_update_read(tmp_path):
    groups = [
        {"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr, "name": name} for lr, name in ((0.1, "a"), (0.2, "b"))
    ]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    run = rh.Run(steps=6)
    with rh.Ledger(tmp_path / "l.jsonl") as ledger:
        spec = {"lr": "warmup('2 steps') >> linear()", "momentum": "linear(end=0.5)"}
        scheduler = rh.Scheduler(optimizer, spec, run, ledger=ledger)
        with pytest.warns(rh.OverwrittenWarning):
            for t in range(6):
                if t == 4:
                    optimizer.param_groups[0]["lr"] = 5.0  # not what was planned, and what was used
                optimizer.step()
                ledger.log(loss=float(t))
                scheduler.step()
    read = columns(tmp_path / "l.jsonl")
    planned = rh.parse(spec["lr"]).over(run, base=0.1).values()
    assert read["lr/a"].tolist() == [*planned[:4], 5.0, planned[5]]
    assert read["lr/b"].tolist() == rh.parse(spec["lr"]).over(run, base=0.2).values().tolist()
    assert read["loss"].tolist() == [0, 1, 2, 3, 4, 5]
    assert read["update"].tolist() == [0, 1, 2, 3, 4, 5]
    assert read["momentum/a"][0] == 0.9
    assert list(rh.Ledger.read(tmp_path / "l.jsonl")[0]["used"]) == ["lr", "momentum"]


def test_it_is_readable_while_it_is_written(tmp_path):
    with rh.Ledger(tmp_path / "l.jsonl") as ledger:
        for t in range(3):
            ledger.record(t, {"lr": {"0": 0.1}})
            assert len(rh.Ledger.read(tmp_path / "l.jsonl")) == t


def test_numbers_that_json_does_not_know_come_back(tmp_path):
    with rh.Ledger(tmp_path / "l.jsonl") as ledger:
        ledger.record(0, {"lr": {"0": 0.1}})
        ledger.log(loss=float("nan"), top=float("inf"), low=torch.tensor(-float("inf")))
    for line in (tmp_path / "l.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    (row,) = rh.Ledger.read(tmp_path / "l.jsonl")
    assert np.isnan(row["loss"])
    assert (row["top"], row["low"]) == (float("inf"), -float("inf"))


@pytest.mark.parametrize("torn", range(1, 40, 6))
def test_a_torn_last_row_is_left_out_and_cut_off(tmp_path, torn):
    path = tmp_path / "l.jsonl"
    with rh.Ledger(path) as ledger:
        for t in range(5):
            ledger.record(t, {"lr": {"0": 0.1}})
    data = path.read_bytes()
    path.write_bytes(data[:-torn])
    assert [row["update"] for row in rh.Ledger.read(path)] == [0, 1, 2, 3]
    with rh.Ledger(path, resume=True) as ledger:
        ledger.record(4, {"lr": {"0": 0.2}})
    assert [row["update"] for row in rh.Ledger.read(path)] == [0, 1, 2, 3, 4]


def test_a_killed_writer_loses_only_the_row_it_was_making(tmp_path):
    path = tmp_path / "l.jsonl"
    code = f"""
        import rheostat as rh
        ledger = rh.Ledger({str(path)!r})
        for t in range(10**9):
            ledger.record(t, {{"lr": {{"0": 0.1}}}})
            ledger.log(loss=t)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    while not path.exists() or path.stat().st_size < 100_000:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    rows = rh.Ledger.read(path)
    assert [row["update"] for row in rows] == list(range(len(rows)))
    assert all(row["loss"] == row["update"] for row in rows)


def test_truncating_drops_what_will_be_made_again(tmp_path):
    with rh.Ledger(tmp_path / "l.jsonl") as ledger:
        for t in range(8):
            ledger.record(t, {"lr": {"0": 0.1}})
        ledger.truncate(5)
        ledger.record(5, {"lr": {"0": 0.3}})
    rows = rh.Ledger.read(tmp_path / "l.jsonl")
    assert [row["update"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert rows[-1]["used"]["lr"]["0"] == 0.3


def test_bad_use_is_refused(tmp_path):
    path = tmp_path / "l.jsonl"
    ledger = rh.Ledger(path)
    with pytest.raises(rh.SchedulerError, match="no update is recorded yet"):
        ledger.log(loss=1.0)
    ledger.record(0, {"lr": {"0": 0.1}})
    with pytest.raises(rh.ScheduleError, match="update=1: need another name"):
        ledger.log(update=1)
    with pytest.raises(rh.ScheduleError, match="loss='low': need a number"):
        ledger.log(loss="low")
    ledger.close()
    with pytest.raises(rh.SchedulerError, match="exists already. Try another path, or resume=True"):
        rh.Ledger(path)
    with pytest.raises(rh.SchedulerError, match="cannot be written"):
        rh.Ledger(tmp_path / "no" / "l.jsonl")
    (tmp_path / "other").write_text('{"a": 1}\n')
    with pytest.raises(rh.SchedulerError, match="need a ledger of format 1"):
        rh.Ledger.read(tmp_path / "other")
    path.write_bytes(b"\xff\n" + path.read_bytes())
    with pytest.raises(rh.SchedulerError, match="line 1 is damaged"):
        rh.Ledger.read(path)


def test_what_is_logged_does_not_take_the_column_of_a_value(tmp_path):
    with rh.Ledger(tmp_path / "ledger.jsonl") as ledger:
        ledger.record(0, {"lr": {"0": 0.1}})
        with pytest.raises(rh.ScheduleError, match=r"^lr/0=7\.0: need another name"):
            ledger.log(**{"lr/0": 7.0})
        ledger.log(**{"lr/planned": 7.0})
