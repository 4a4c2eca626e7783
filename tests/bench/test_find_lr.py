"""The way of the proof from sweep to table, on its smallest task: that it works, not what it finds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "find_lr"
SMALLEST = ["--tasks", "wine_mlp", "--seeds", "0"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("find_lr")

    def run(script, *arguments):
        told = {**os.environ, "FIND_LR_DATA": str(folder), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, BENCH / script, *arguments], capture_output=True, text=True, env=told, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    for script in ("oracle.py", "record.py", "answers.py"):
        run(script, *SMALLEST)
    return run, folder


def rows(folder, file):
    return [json.loads(line) for line in (folder / file).read_text().splitlines()]


def test_a_sweep_reaches_from_too_low_to_too_high(ran):
    found = [row for row in rows(ran[1], "oracle.jsonl") if row["optimizer"] == "sgd"]
    found.sort(key=lambda row: row["lr"])
    scores = [float("inf") if row["score"] is None else row["score"] for row in found]
    best = min(scores)
    line = best + 0.4 * (found[0]["untrained"] - best)
    assert scores[0] > line < scores[-1]
    assert scores.index(best) not in (0, len(scores) - 1)


def test_everyone_is_asked_and_judged(ran):
    run, folder = ran
    asked = {row["finder"] for row in rows(folder, "answers.jsonl")}
    assert {"fast", "balanced", "thorough", "Lightning", "ignite"} <= asked
    table = run("report.py", "--tasks", "on")
    for finder in ("fast", "balanced", "thorough", "ignite"):
        assert any(line.startswith(finder) for line in table.splitlines())
    assert "ignite − balanced" in table


def test_what_is_there_is_not_done_again(ran):
    run, folder = ran
    before = (folder / "oracle.jsonl").read_bytes(), (folder / "answers.jsonl").read_bytes()
    run("oracle.py", *SMALLEST)
    run("answers.py", *SMALLEST)
    assert before == ((folder / "oracle.jsonl").read_bytes(), (folder / "answers.jsonl").read_bytes())


def test_constants_are_chosen_on_what_was_recorded(ran):
    played = ran[0]("fit.py", "--what", "short")
    assert "K root runs 4" in played and "K half runs 6" in played
