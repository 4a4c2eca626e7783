"""What is in a row, which rows are kept, old formats, and input that means harm."""

import gzip
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import rheostat as rh
from rheostat.ledger import columns, iterate

FORMAT_1 = Path(__file__).parent / "fixtures" / "format1.jsonl"
FORMAT_2 = Path(__file__).parent / "fixtures" / "format2.jsonl"
USED = {"lr": {"0": 0.1}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


def kept(path, every, values, log=lambda t: {}, **options):
    with rh.Ledger(path, every=every, **options) as ledger:
        for t, value in enumerate(values):
            ledger.record(t, {"lr": {"0": value}})
            ledger.log(**log(t))
    return [row["update"] for row in rh.Ledger.read(path)]


def test_each_row_says_where_it_lies_in_the_run(path):
    run = rh.Run(epochs=4, steps_per_epoch=8, samples_per_step=32, tokens_per_step=2.5)
    with rh.Ledger(path) as ledger:
        ledger.record(0, USED)
        ledger.attach(run)
        ledger.attach(run)
        for t in range(1, 20):
            ledger.record(t, USED)
    first, *rest = rh.Ledger.read(path)
    assert not {"epoch", "samples", "tokens"} & first.keys()
    for row in rest:
        t = row["update"]
        assert (row["epoch"], row["samples"], row["tokens"]) == (t / 8, t * 32, t * 2.5)
    assert columns(path)["epoch"][1:].tolist() == [t / 8 for t in range(1, 20)]


def test_what_the_run_does_not_know_is_left_out(path):
    with rh.Ledger(path) as ledger:
        ledger.attach(rh.Run(steps=10, samples_per_step=4))
        ledger.record(3, USED)
        ledger.log(epoch=1)  # free, because the run has no epochs
        with pytest.raises(rh.ScheduleError, match=r"^samples=5: need another name; .* Try my_samples\."):
            ledger.log(samples=5)
    (row,) = rh.Ledger.read(path)
    assert (row["samples"], row["epoch"]) == (12, 1.0)
    assert "tokens" not in row
    with pytest.raises(rh.ScheduleError, match="run=10: need a Run"):
        ledger.attach(10)


def test_positions_that_are_epochs(path):
    with rh.Ledger(path) as ledger:
        ledger.attach(rh.Run(epochs=9, steps_per_epoch=10, samples_per_step=4), axis="epochs")
        ledger.record(3, USED)
    (row,) = rh.Ledger.read(path)
    assert (row["epoch"], row["samples"]) == (3, 120)


def test_a_thinned_ledger_keeps_the_first_the_last_and_every_nth(path):
    assert kept(path, 10, [0.1] * 37) == [0, 10, 20, 30, 36]


def test_a_thinned_ledger_keeps_both_sides_of_a_jump(path):
    values = [0.1] * 14 + [0.01] * 3 + [0.1] * 8
    assert kept(path, 10, values) == [0, 10, 13, 14, 16, 17, 20, 24]


def test_a_thinned_ledger_keeps_rare_numbers_and_thins_usual_ones(path):
    log = lambda t: {"loss": 1.0} | ({"accuracy": 0.5} if t % 13 == 12 else {})
    assert kept(path, 10, [0.1] * 40, log) == [0, 10, 12, 20, 25, 30, 38, 39]


def test_a_thinned_ledger_keeps_what_is_flushed_and_the_first_after_truncating(path):
    with rh.Ledger(path, every=100) as ledger:
        for t in range(50):
            ledger.record(t, USED)
        ledger.sync()
        ledger.log(accuracy=0.5)
        ledger.record(50, USED)
        ledger.record(51, USED)
        ledger.truncate(40)
        ledger.record(41, USED)
    rows = rh.Ledger.read(path)
    assert [row["update"] for row in rows] == [0, 41]


def test_thinning_and_rotation_together(path):
    found = kept(path, 5, [0.1] * 1000, rotate="20 rows")
    assert found == [*range(0, 1000, 5), 999]
    assert len(list(path.parent.iterdir())) > 5


def test_a_long_ledger_is_read_without_holding_its_rows(path):
    with rh.Ledger(path) as ledger:
        for t in range(300):
            ledger.record(t, {"lr": {"a": 0.1, "b": 0.2}, "momentum": {"b": 0.9}} if t > 9 else {"lr": {"b": 0.2}})
            if t % 100 == 99:
                ledger.log(accuracy=t / 1000)
    rows = iterate(path)
    assert next(rows)["update"] == 0
    rows.close()
    read = columns(path)
    assert {v.shape for v in read.values()} == {(300,)}
    assert np.isnan(read["lr/a"][:10]).all()
    assert read["lr"].tolist() == [0.2] * 10 + [0.1] * 290  # the first group of each row
    assert np.flatnonzero(~np.isnan(read["accuracy"])).tolist() == [99, 199, 299]


def test_format_1_is_loaded_for_ever(path):
    rows = rh.Ledger.read(FORMAT_1)
    assert [row["update"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert rows[0]["used"] == {"lr": {"a": 0.05, "b": 0.1}, "momentum": {"a": 0.9, "b": 0.9}}
    assert (rows[2]["accuracy"], rows[5]["epoch"]) == (0.25, 1.0)
    assert math.isnan(rows[4]["loss"])
    assert (
        columns(FORMAT_1)["lr/b"].tolist()
        == rh.parse("warmup('2 steps') >> linear()").over(rh.Run(steps=6), 0.2).values().tolist()
    )
    shutil.copy(FORMAT_1, path)
    with rh.Ledger(path, resume=True, rotate="7 rows") as ledger:
        ledger.truncate(5)
        for t in range(5, 20):
            ledger.record(t, USED)
    assert [row["update"] for row in rh.Ledger.read(path)] == list(range(20))
    assert (path.parent / "ledger.0001.jsonl.gz").exists()


def test_format_2_is_loaded_for_ever():
    rows = rh.Ledger.read(FORMAT_2)
    assert [row["update"] for row in rows] == [0, 1, 2, 3]
    assert rows[3] == {
        "update": 3,
        "time": rows[3]["time"],
        "epoch": 1.5,
        "samples": 96,
        "used": {"lr": {"0": 0.025}},
        "loss": 0.5,
        "accuracy": 1.0,
    }


@pytest.mark.parametrize(
    "line",
    [
        b'{"update":1,"used":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b"[" * 1_000_000,
        b'{"update":' + b"9" * 1_000_000 + b',"used":{}}',
        b'{"update":1e400,"used":{}}',
        b'{"update":1,"time":1e999,"used":{}}',
        b'{"update":1,"time":NaN,"used":{}}',
        b'{"update":1,"update":2,"used":{}}',
        b'{"update":1,"used":{"lr":{"0":0.1,"0":0.2}}}',
        b'{"update":-1,"used":{}}',
        b'{"update":true,"used":{}}',
        b'{"update":1,"used":{"lr":{"0":"9**9**9"}}}',
        b'{"update":1,"used":{"lr":[0.1]}}',
        b'{"update":1,"used":[]}',
        b'{"update":1,"loss":{"a":1},"used":{}}',
        b'{"update":1,"loss":null,"used":{}}',
        b'{"rheostat_ledger":2}',
        b"\xff\xfe",
        b"\x00" * 100,
        b"",
    ],
    ids=range(19),
)
def test_lines_that_no_ledger_writes_are_refused(path, line):
    path.write_bytes(
        b'{"rheostat_ledger":2}\n{"update":0,"time":0.1,"used":{}}\n' + line + b'\n{"update":2,"used":{}}\n'
    )
    for read in (rh.Ledger.read, columns):
        with pytest.raises(rh.SchedulerError, match="line 3 is damaged"):
            read(path)


def test_a_line_without_end_and_a_bomb_are_refused(path):
    header = b'{"rheostat_ledger":2}\n'
    path.write_bytes(header + b"0" * (17 * 2**20))
    with pytest.raises(rh.SchedulerError, match="longer than 16 MiB"):
        rh.Ledger.read(path)
    bomb = path.with_name("ledger.0001.jsonl.gz")
    bomb.write_bytes(gzip.compress(header + b"0" * (64 * 2**20), 1))
    path.write_bytes(b'{"rheostat_ledger":2,"part":2}\n')
    with pytest.raises(rh.SchedulerError, match="longer than 16 MiB"):
        rh.Ledger.read(path)
    bomb.write_bytes(gzip.compress(header)[:-4])
    with pytest.raises(rh.SchedulerError, match="damaged; it cannot be unpacked"):
        rh.Ledger.read(path)


@pytest.mark.parametrize("content", ['{"rheostat_ledger":3}\n', '{"rheostat_ledger":"2"}\n', '{"a":1}\n', "{}\n"])
def test_another_format_is_refused_and_not_resumed(path, content):
    path.write_text(content)
    with pytest.raises(rh.SchedulerError, match="need a ledger of format 1 or 2"):
        rh.Ledger.read(path)
    with pytest.raises(rh.SchedulerError, match="no ledger|need a ledger"):
        rh.Ledger(path, resume=True)
    assert path.read_text() == content


def test_a_damaged_last_line_is_not_cut_off_silently(path):
    rh.Ledger(path).close()
    path.write_bytes(path.read_bytes() + b"what is this\n")
    with pytest.raises(rh.SchedulerError, match="its last line is damaged; nothing was changed"):
        rh.Ledger(path, resume=True)
    assert path.read_bytes().endswith(b"what is this\n")


def test_the_scheduler_writes_into_a_ledger_that_knows_its_run(path):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    run = rh.Run(steps=8, steps_per_epoch=2)
    with rh.Ledger(path) as ledger:
        ledger.attach(run)
        scheduler = rh.Scheduler(optimizer, "linear()", run, ledger=ledger)
        for _ in range(8):
            optimizer.step()
            scheduler.step()
    assert [row["epoch"] for row in rh.Ledger.read(path)] == [t / 2 for t in range(8)]


@pytest.mark.parametrize("every", [0, -1, 2.5, "10", True])
def test_bad_thinning_is_refused(path, every):
    with pytest.raises(rh.ScheduleError, match=r"^every=.*: need a whole number ≥ 1"):
        rh.Ledger(path, every=every)
    assert not path.exists()


def test_every_truncation_of_a_file_loses_whole_rows_only(path):
    with rh.Ledger(path) as ledger:
        for t in range(4):
            ledger.record(t, USED)
            ledger.log(loss=float(t))
    data = path.read_bytes()
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        whole = max(data[:end].count(b"\n") - 1, 0)
        assert [row["update"] for row in rh.Ledger.read(path)] == list(range(whole))
        with rh.Ledger(path, resume=True) as ledger:
            ledger.record(whole, USED)
        assert [row["update"] for row in rh.Ledger.read(path)] == list(range(whole + 1))
    assert json.loads(path.read_text().splitlines()[0])["rheostat_ledger"] == 2


def test_columns_are_those_of_the_rows_however_rows_differ(path):
    """Rows that look alike are read another way than the first of their kind."""
    labels = ["0", "a:5", "b,6", '"', "ü:1}"]
    random = np.random.default_rng(0)
    with rh.Ledger(path, rotate="97 rows") as ledger:
        ledger.attach(rh.Run(steps=999, steps_per_epoch=7))
        for t in range(600):
            some = [label for label in labels if random.random() < 0.8] if t > 300 else labels
            ledger.record(
                t, {"lr": {x: float(random.choice([0.1 / (t + 1), 1e-300, -0.0, math.nan, math.inf])) for x in some}}
            )
            if random.random() < 0.5:
                ledger.log(loss=float(random.normal()), **{"lr:5": 3.0})
            if random.random() < 0.1:
                ledger.flush()
                ledger.log(late=float(t), loss=0.5)
    rows, read = rh.Ledger.read(path), columns(path)
    flat = []
    for row in rows:
        used = row.pop("used")["lr"]
        first = {"lr": next(iter(used.values()))} if used else {}
        flat.append({**row, **first, **{f"lr/{label}": value for label, value in used.items()}})
    assert read.keys() == {name for row in flat for name in row}
    for name, values in read.items():
        expected = np.array([row.get(name, math.nan) for row in flat])
        assert np.array_equal(values, expected, equal_nan=True), name


@pytest.mark.parametrize(
    "line",
    [
        b'{"update":1.5,"used":{"lr":{"0":0.1}}}',
        b'{"update":1,"used":{"lr":{"0":1e999}}}',
        b'{"update":01,"used":{"lr":{"0":0.1}}}',
    ],
)
def test_a_row_that_looks_like_those_before_it_is_still_checked(path, line):
    good = b'{"update":0,"used":{"lr":{"0":0.1}}}\n'
    path.write_bytes(b'{"rheostat_ledger":2}\n' + good + good + line + b"\n")
    with pytest.raises(rh.SchedulerError, match="line 4 is damaged"):
        columns(path)
