"""A ledger in pandas, Polars, TensorBoard and Weights & Biases, each read back by its own package."""

import builtins
import json
import struct
import time

import numpy as np
import pytest

import rheostat as rh
import rheostat.ledger

N = 12


def write(path, **options):
    with rh.Ledger(path, **options) as ledger:
        ledger.attach(rh.Run(steps=N, steps_per_epoch=4))
        for t in range(N):
            ledger.record(t, {"lr": {"a": 0.1 / (t + 1), "b": 0.2}})
            ledger.log(loss=float(t))
            if t == 4:
                ledger.flush()
                ledger.log(accuracy=0.5)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


@pytest.mark.parametrize("read", ["to_pandas", "to_polars"])
def test_tables(path, read):
    write(path, rotate="5 rows")
    table = getattr(rh.Ledger, read)(path)
    assert table.shape[0] == N
    assert table["update"].to_list() == list(range(N))
    assert "int" in str(table["update"].dtype).lower()
    assert table["lr/a"].to_list() == [0.1 / (t + 1) for t in range(N)]
    assert np.flatnonzero(~np.isnan(table["accuracy"].to_numpy())).tolist() == [4]
    assert list(table.columns)[:3] == ["update", "time", "epoch"]


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.parametrize("how", ["live", "replayed"])
def test_tensorboard(path, tmp_path, how):
    folder = tmp_path / "tb"
    if how == "live":
        write(path, also=rheostat.ledger.tensorboard(folder))
    else:
        assert rheostat.ledger.to_tensorboard(write(path, rotate="5 rows"), folder) == folder
    found = scalars(folder)
    assert found.keys() == {"lr/a", "lr/b", "loss", "epoch", "accuracy"}
    assert found["lr/a"] == [(t, float(np.float32(0.1 / (t + 1)))) for t in range(N)]
    assert found["accuracy"] == [(4, 0.5)]


def history(folder):
    """The rows of an offline run: Weights & Biases stores protobuf records in LevelDB's log format."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = folder.glob("*.wandb")
    data, at, whole, rows = file.read_bytes(), 7, b"", []
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # a record that is full, or the last piece of one
            record, whole = Record.FromString(whole), b""
            if record.WhichOneof("record_type") == "history":
                items = {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
                rows.append(items)
    return rows


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("how", ["live", "replayed"])
def test_weights_and_biases_offline(path, tmp_path, how, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    if how == "live":
        tracker = rheostat.ledger.wandb(dir=str(tmp_path))
        write(path, also=tracker)
        folder = tracker.folder
    else:
        folder = rheostat.ledger.to_wandb(write(path), dir=str(tmp_path))
    for _ in range(200):  # its own process writes the file, a moment after finish() has returned
        if len(rows := history(folder)) == N:
            break
        time.sleep(0.1)
    assert [row["_step"] for row in rows] == list(range(N))
    assert [row["lr/a"] for row in rows] == [0.1 / (t + 1) for t in range(N)]
    assert [row["accuracy"] for row in rows if "accuracy" in row] == [0.5]


def test_a_function_of_your_own_sees_what_is_written(path):
    seen = []
    write(path, also=seen.append, every=5)
    assert [row["update"] for row in seen if "used" in row] == [row["update"] for row in rh.Ledger.read(path)]


def test_one_that_fails_is_left_out_and_the_ledger_goes_on(path):
    seen = []

    def broken(row):
        if row["update"] == 3:
            raise RuntimeError("the network is gone")

    with pytest.warns(
        rh.RheostatWarning, match=r"broken: RuntimeError: the network is gone\. The ledger itself goes on"
    ) as caught:
        write(path, also=[broken, seen.append])
    assert len(caught) == 1
    assert len(rh.Ledger.read(path)) == N
    assert len(seen) == N + 1  # the accuracy came late


@pytest.mark.parametrize("also", ["runs/tb", 3, [3]])
def test_what_is_no_function_is_refused(path, also):
    with pytest.raises(rh.ScheduleError, match=r"^also=.*: need functions of a row"):
        rh.Ledger(path, also=also)
    assert not path.exists()


@pytest.mark.parametrize(
    ("package", "call", "extra"),
    [
        ("pandas", lambda p: rh.Ledger.to_pandas(p), "frames"),
        ("polars", lambda p: rh.Ledger.to_polars(p), "frames"),
        ("tensorboard", lambda p: rheostat.ledger.to_tensorboard(p, p.parent / "tb"), "trackers"),
        ("wandb", lambda p: rheostat.ledger.to_wandb(p), "trackers"),
    ],
)
def test_a_package_that_is_missing_is_named_with_its_extra(path, monkeypatch, package, call, extra):
    write(path)
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(rh.SchedulerError, match=rf"this needs {package}\. Try pip install 'rheostat\[{extra}\]'"):
        call(path)
