"""`rheostat tune` as a user runs it: find, look over, train, compare."""

import base64
import json
from html import unescape
from pathlib import Path

import pytest

from cli.test_cli import TINY, rheostat
from rheostat.ledger import columns


def test_it_trains_with_what_it_found_and_compares_the_ledger_with_the_plan(tmp_path):
    done = rheostat("tune", TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "tiny-1"
    assert {path.name for path in folder.iterdir()} >= {"find.png", "picture.png", "ledger.jsonl", "state.pt"}
    page = unescape((folder / "report.html").read_text())
    for name in ("find.png", "picture.png"):
        assert base64.b64encode((folder / name).read_bytes()).decode() in page
    for text in ("suggestion  ", "band  ", "accuracy", "audit: as planned: every update used the planned value"):
        assert text in done.stdout
        assert text.removeprefix("audit: ") in page
    assert f"report: {Path('runs', 'tiny-1', 'report.html')}" in done.stdout
    assert "next  " not in done.stdout
    suggested = float(done.stdout.split("suggestion ")[1].split()[0])
    base = json.loads((folder / "config.json").read_text())["base"]["lr/0"]
    assert base == pytest.approx(suggested, rel=0.05)
    assert columns(folder / "ledger.jsonl")["lr"].max() == base


def test_schedule_and_length_can_be_others(tmp_path):
    done = rheostat(
        "tune",
        TINY,
        "--quiet",
        "--effort",
        "balanced",
        "--schedule",
        "linear()",
        "--steps",
        "12",
        "--out",
        "x",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert columns(tmp_path / "x" / "ledger.jsonl")["update"].tolist() == list(range(12))
    assert "as planned" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.py",), "no such file"),
        ((TINY, "--effort", "quick"), "effort='quick': need one of"),
        ((TINY, "--schedule", "cosin()"), "unknown schedule 'cosin'"),
        ((TINY, "--steps", "0"), "steps=0: need a whole number ≥ 1"),
        ((TINY, "--steps", "5", "--epochs", "1"), "need one of the two"),
    ],
)
def test_bad_input_ends_it_before_anything_is_done(arguments, message, tmp_path):
    done = rheostat("tune", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []
