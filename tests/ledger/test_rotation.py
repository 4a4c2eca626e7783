"""A ledger in several files: read as one, resumed, cut back, and whole wherever its writer is killed."""

import gzip
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import rheostat as rh
from rheostat.ledger import tail


def used(t):
    return {"lr": {"0": 0.1 / (t + 1)}}


def write(ledger, begin, end):
    for t in range(begin, end):
        ledger.record(t, used(t))
        ledger.log(loss=float(t))


def updates(path):
    rows = rh.Ledger.read(path)
    assert all(row["used"] == used(row["update"]) and row["loss"] == row["update"] for row in rows)
    return [row["update"] for row in rows]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


def test_parts_are_read_back_as_one(path):
    with rh.Ledger(path, rotate="10 rows") as ledger:
        write(ledger, 0, 95)
        assert updates(path) == list(range(94))  # while it is written
    assert sorted(p.name for p in path.parent.iterdir()) == [
        *(f"ledger.{n:04d}.jsonl.gz" for n in range(1, 10)),
        "ledger.jsonl",
    ]
    assert updates(path) == list(range(95))
    assert rh.Ledger.columns(path)["update"].tolist() == list(range(95))
    assert updates(path.parent / "ledger.0003.jsonl.gz") == list(range(20, 30))


def test_a_size_limits_each_file(path):
    with rh.Ledger(path, rotate="2 kB") as ledger:
        write(ledger, 0, 300)
    sizes = [len(gzip.decompress(p.read_bytes())) for p in sorted(path.parent.glob("*.gz"))]
    assert len(sizes) > 5
    assert max(sizes) <= 2000 < min(sizes) + 100
    assert updates(path) == list(range(300))


def test_what_is_logged_late_stays_with_its_row(path):
    with rh.Ledger(path, rotate="1 rows") as ledger:
        for t in range(4):
            ledger.record(t, used(t))
            ledger.flush()
            ledger.log(loss=float(t))
    assert updates(path) == [0, 1, 2, 3]


@pytest.mark.parametrize("position", [0, 1, 5, 10, 11, 37, 40, 41, 60, 100])
def test_truncating_goes_back_into_closed_parts(path, position):
    with rh.Ledger(path, rotate="10 rows") as ledger:
        write(ledger, 0, 45)
        ledger.truncate(position)
        left = min(position, 45)
        assert updates(path) == list(range(left))
        write(ledger, left, 70)
    assert updates(path) == list(range(70))


@pytest.mark.parametrize("position", [0, 15, 20, 33, 44, 45])
def test_resuming_and_truncating(path, position):
    with rh.Ledger(path, rotate="10 rows") as ledger:
        write(ledger, 0, 45)
    with rh.Ledger(path, resume=True, rotate="7 rows") as ledger:
        ledger.truncate(position)
        write(ledger, position, 60)
    assert updates(path) == list(range(60))
    times = rh.Ledger.columns(path)["time"]
    assert (np.diff(times) >= 0).all()  # time goes on where the session before ended


def test_resuming_without_rotation_goes_on_in_the_last_file(path):
    with rh.Ledger(path, rotate="10 rows") as ledger:
        write(ledger, 0, 25)
    with rh.Ledger(path, resume=True) as ledger:
        write(ledger, 25, 99)
    assert updates(path) == list(range(99))


def test_the_oldest_parts_may_be_deleted_but_none_between(path):
    with rh.Ledger(path, rotate="10 rows") as ledger:
        write(ledger, 0, 45)
    (path.parent / "ledger.0001.jsonl.gz").unlink()
    assert updates(path) == list(range(10, 45))
    (path.parent / "ledger.0003.jsonl.gz").unlink()
    with pytest.raises(rh.SchedulerError, match=r"its part ledger\.0003\.jsonl is missing"):
        rh.Ledger.read(path)


def test_a_new_ledger_does_not_mix_with_the_parts_of_an_old_one(path):
    with rh.Ledger(path, rotate="10 rows") as ledger:
        write(ledger, 0, 25)
    path.unlink()
    with pytest.raises(rh.SchedulerError, match=r"ledger\.0001\.jsonl\.gz exists already"):
        rh.Ledger(path)
    assert updates(path) == list(range(20))


@pytest.mark.parametrize("call", ["link", "rename", "replace", "fsync", "pack", "open"])
def test_a_rotation_that_fails_anywhere_loses_nothing(path, monkeypatch, call):
    """As with a kill at that place: what was written is read back, and a resumed ledger goes on."""

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    ledger = rh.Ledger(path, rotate="10 rows")
    write(ledger, 0, 10)
    ledger.flush()
    with monkeypatch.context() as patch:
        if call == "pack":
            patch.setattr(tail.gzip, "GzipFile", fail)
        elif call == "open":
            patch.setattr(tail.Tail, "_open", fail)
        elif call == "replace":
            patch.setattr(tail.Path, "replace", fail)
        else:
            patch.setattr(os, "link", fail)
            if call == "fsync":
                patch.setattr(os, "fsync", fail)
            elif call == "rename":
                patch.setattr(tail.Path, "rename", fail)
        if call in ("link", "pack"):  # another way is found
            ledger.record(10, used(10))
            ledger.flush()
        else:
            ledger.record(10, used(10))
            with pytest.raises(rh.SchedulerError, match="cannot be written: No space left on device"):
                ledger.flush()
        assert [row["update"] for row in rh.Ledger.read(path)][:10] == list(range(10))
    ledger._tail.file.close()  # as the end of its process would
    with rh.Ledger(path, resume=True, rotate="10 rows") as again:
        again.truncate(10)
        write(again, 10, 40)
    assert updates(path) == list(range(40))
    left = sorted(p.name for p in path.parent.iterdir() if not p.name.startswith("."))
    assert left == [*(f"ledger.{n:04d}.jsonl.gz" for n in range(1, 4)), "ledger.jsonl"]


def test_a_write_that_fails_leaves_no_half_row(path, monkeypatch):
    ledger = rh.Ledger(path)
    write(ledger, 0, 3)
    ledger.flush()
    real, file = ledger._tail.file.write, ledger._tail.file

    class Full:
        def __getattr__(self, name):
            return getattr(file, name)

        def write(self, data):
            if len(data) > 20:
                return real(data[:20])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger._tail, "file", Full())
    ledger.record(3, used(3))
    with pytest.raises(rh.SchedulerError, match="cannot be written: No space left on device"):
        ledger.flush()
    monkeypatch.undo()
    write(ledger, 4, 6)
    ledger.close()
    assert updates(path) == [0, 1, 2, 4, 5]


@pytest.mark.parametrize("seed", range(4))
def test_kills_at_random_moments_lose_nothing_but_the_row_in_progress(path, seed):
    code = f"""
        import rheostat as rh
        from pathlib import Path
        path = Path({str(path)!r})
        ledger = rh.Ledger(path, resume=True, rotate="50 rows")
        begin = ledger._latest + 1 if ledger._latest is not None else 0
        print("ready", flush=True)
        for t in range(begin, 10**9):
            ledger.record(t, {{"lr": {{"0": 0.1 / (t + 1)}}}})
            ledger.log(loss=float(t))
    """
    moments, seen = random.Random(seed), 0
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(moments.uniform(0, 0.2))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = updates(path)
        assert found == list(range(len(found)))
        assert len(found) >= seen
        seen = len(found)
    assert seen > 50


@pytest.mark.parametrize(
    "limit", [100, "100", "100 apples", "0 rows", "-5 MB", "1e99 MB" + " " * 99, "9" * 70 + " MB", None.__class__]
)
def test_bad_limits_are_refused(path, limit):
    with pytest.raises(
        rh.ScheduleError, match=r"^rotate=.*: need a size or a number of rows, with its unit\. Try '100 MB'"
    ):
        rh.Ledger(path, rotate=limit)
    assert not path.exists()
