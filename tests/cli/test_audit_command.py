"""`rheostat audit` as a user, or CI, runs it: what it prints, and its status."""

import os
import subprocess
import sys

import numpy as np
import pytest

import rheostat as rh

SPEC = "warmup('5%') >> cosine(end=0.1)"
LENGTH = ("--steps", "400", "--steps-per-epoch", "20", "--lr", "0.1")


def rheostat(*arguments):
    env = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "rheostat", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)


@pytest.fixture
def log(tmp_path):
    def write(times):
        curve = rh.parse(SPEC).over(rh.Run(steps=400), base=0.1)
        rows = [f"{t},{curve.at(t * times)!r}" for t in range(400)]
        (tmp_path / "log.csv").write_text("\n".join(["step,lr", *rows]))
        return str(tmp_path / "log.csv")

    return write


def test_as_planned(log):
    done = rheostat("audit", log(1), "--schedule", SPEC, *LENGTH)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("as planned: every update used the planned value\n  compared: 'lr' over 'step'")


def test_a_difference_is_named_and_drawn(log, tmp_path):
    png = tmp_path / "a.png"
    done = rheostat("audit", log(4), "--schedule", SPEC, *LENGTH, "--png", str(png))
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "differs: stepped 4 times for each update: once per process, or per micro-batch"
    assert lines[1] == "  first difference: update 1: planned 0.01, used 0.025, 2.5 times as much"
    assert lines[2].startswith("  explained: all 400 updates to ")
    assert lines[-1] == f"picture: {png}"
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: ["nowhere.csv", *a[1:]], "there is no such file"),
        (lambda a: [*a, "--lr-column", "x"], "lr_column='x': need one of the log's columns"),
        (lambda a: [*a, "--png", "a.jpg"], "need a name that ends in .png"),
        (lambda a: [a[0], "--schedule", "cosin()", *a[3:]], "unknown schedule 'cosin'"),
        (lambda a: a[:3], "need a run of known length"),
        (lambda a: [*a, "--tolerance", "7"], "tolerance=7"),
    ],
)
def test_bad_input(log, change, message):
    done = rheostat("audit", *change([log(1), "--schedule", SPEC, *LENGTH]))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")


def test_pictures_of_every_kind(tmp_path):
    from rheostat.view.audit import audit_picture

    t = np.arange(20_000)
    run = rh.Run(steps=20_000, steps_per_epoch=100)
    planned = rh.parse(SPEC).over(run, base=0.1).values()
    noise = planned * np.where(t > 9000, 1.3 + np.sin(t), 1)
    for i, lr in enumerate((planned, planned * 2, noise, np.where(t == 500, 1.0, planned))):
        path = tmp_path / f"{i}.png"
        assert audit_picture(rh.audit({"step": t, "lr": lr}, SPEC, run), path) == path
        assert path.stat().st_size > 10_000
