"""`rh.train`: what is planned is used, and a run that was stopped anyhow goes on as if it had not been."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import rheostat as rh
from rheostat.ledger import columns
from rheostat.training import checkpoint, load_task
from training.tiny import task

pytestmark = pytest.mark.usefixtures("no_pictures")

TINY = str(Path(__file__).with_name("tiny.py"))
UPDATES = 4 * 4  # 8 batches, of which two make an update


def weights(folder):
    return checkpoint.read(Path(folder) / "state.pt")["model"]


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def trace(folder):
    read = columns(Path(folder) / "ledger.jsonl")
    return {name: read[name].tolist() for name in ("update", "lr", "loss")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    result = rh.train(task(), out=folder, progress=False)
    return folder, result


def test_it_uses_what_was_planned(whole):
    folder, result = whole
    assert result.difference == 0.0
    assert result.updates == UPDATES
    planned = rh.parse("warmup('10%') >> cosine(end=0.1)").over(rh.Run(steps=UPDATES), base=0.01).values()
    assert trace(folder)["lr"] == planned.tolist()
    assert result.metrics["accuracy"] > 0.6
    assert {p.name for p in folder.iterdir()} == {
        "ledger.jsonl",
        "state.pt",
        "state.prev.pt",
        "config.json",
        "picture.png",
        "report.html",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["schedule"] == {"lr": {"*": "warmup('10%') >> cosine(end=0.1)"}}
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("stop", [1, 3, 4, 5, 11, 15])
def test_a_run_stopped_at_any_update_goes_on_bit_for_bit(whole, tmp_path, stop):
    stopped = task()
    original = stopped.loss

    def loss(model, batch):
        if stopped.model.training and len(seen) == 2 * stop:
            raise KeyError("power cut")
        seen.append(1)
        return original(model, batch)

    seen = []
    stopped.loss = loss
    with pytest.raises(KeyError):
        rh.train(stopped, out=tmp_path / "run", save_every=1, progress=False)
    result = rh.train(task(), out=tmp_path / "run", resume=True, progress=False)
    assert result.difference == 0.0
    assert trace(tmp_path / "run") == trace(whole[0])
    assert same(weights(tmp_path / "run"), weights(whole[0]))


def test_a_killed_process_loses_at_most_one_save_interval(whole, tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "rheostat", "train", TINY, "--out", str(folder), "--save-every", "1", "--quiet"]
    process = subprocess.Popen(command)
    while not (folder / "state.prev.pt").exists():
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = checkpoint.load(folder)[0]["scheduler"]["position"]
    assert before >= 1
    rh.train(task(), out=folder, resume=True, progress=False)
    assert trace(folder) == trace(whole[0])
    assert same(weights(folder), weights(whole[0]))


@pytest.mark.parametrize("given", [[], ["--lr", "0.09024131830353688"]])
def test_control_c_saves_and_says_how_to_go_on(tmp_path, given):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "rheostat", "train", TINY, "--out", str(folder), "--epochs", "400", *given]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while not (folder / "state.pt").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (
        f"Interrupted. To go on: rheostat train as before, with {' '.join([*given, '--out'])} {folder} --resume"
        in output
    )
    position = checkpoint.load(folder)[0]["scheduler"]["position"]
    assert position == len(rh.Ledger.read(folder / "ledger.jsonl"))


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-1], lambda d: d[: len(d) // 2], lambda d: b"", lambda d: d[:999] + b"x" + d[1000:]]
)
def test_a_damaged_checkpoint_is_recognised_and_the_previous_one_used(whole, tmp_path, damage, capsys):
    folder = tmp_path / "run"
    rh.train(task(), out=folder, save_every=1, progress=False)
    newest = folder / "state.pt"
    newest.write_bytes(damage(newest.read_bytes()))
    rh.train(task(), out=folder, resume=True, progress=False)
    assert "damaged or torn. The previous one is used." in capsys.readouterr().out
    assert trace(folder) == trace(whole[0])
    assert same(weights(folder), weights(whole[0]))


def test_every_flipped_bit_of_a_small_checkpoint_is_recognised(tmp_path):
    checkpoint.save(tmp_path, {"a": 1})
    data = bytearray((tmp_path / "state.pt").read_bytes())
    rng = np.random.default_rng(0)
    for bit in rng.choice(len(data) * 8, 400, replace=False):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        (tmp_path / "state.pt").write_bytes(damaged)
        with pytest.raises(rh.StateError, match="damaged or torn"):
            checkpoint.read(tmp_path / "state.pt")


def test_resuming_with_another_schedule_is_refused_and_loses_nothing(whole, tmp_path):
    folder = tmp_path / "run"
    rh.train(task(), out=folder, progress=False)
    files = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(
        rh.ResumeMismatch, match=r"schedule: saved warmup\('10%'\) >> cosine\(end=0.1\), now linear\(\)"
    ):
        rh.train(task(), schedule="linear()", out=folder, resume=True, progress=False)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == files


def test_lr_keeps_the_ratio_of_groups(tmp_path):
    made = task()
    made.optimizer = torch.optim.SGD(
        [{"params": [p], "lr": lr} for p, lr in zip(made.model.parameters(), (0.1, 0.2))], lr=0.1
    )
    rh.train(made, lr=0.5, steps=2, schedule="constant()", out=tmp_path / "run", progress=False)
    read = columns(tmp_path / "run" / "ledger.jsonl")
    assert (read["lr/0"][0], read["lr/1"][0]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nothing.py", "no such file"),
        (f"{TINY}:tsak", "has no function 'tsak'. Try"),
        (f"{TINY}:wrong", r"wrong\(\) returns int, and needs to return rh.Task"),
    ],
)
def test_a_task_that_cannot_be_loaded_is_refused(spec, message):
    with pytest.raises(rh.SchedulerError, match=message):
        load_task(spec)


def test_another_function_of_the_file_can_be_named():
    assert load_task(f"{TINY}:other").epochs == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "cosin()"}, "unknown schedule 'cosin'"),
        ({"schedule": "warmup('9 epochs') >> cosine()"}, "need room for cosine"),
        ({"lr": -1}, "lr=-1"),
        ({"steps": 0}, "steps=0"),
        ({"steps": 5, "epochs": 2}, "need one of the two"),
        ({"save_every": 0}, "save_every=0"),
        ({"resume": True}, "no checkpoint to resume from"),
    ],
)
def test_bad_options_are_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises((rh.ScheduleError, rh.SchedulerError), match=message):
        rh.train(task(), out=tmp_path / "run", progress=False, **options)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten(whole):
    with pytest.raises(rh.SchedulerError, match="holds a run already. Try --resume"):
        rh.train(task(), out=whole[0], progress=False)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    made = task()
    made.loss = lambda model, batch: model(batch[0]).sum() * float("nan")
    with pytest.raises(rh.SchedulerError, match="loss=nan at update 0: training diverged"):
        rh.train(made, out=tmp_path / "run", progress=False)
