"""Two processes under gloo: all ranks use the same values, and a group restarted after a kill goes on exactly."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rheostat as rh
from rheostat.schedule.metric import PlateauState

LAUNCH = Path(__file__).with_name("launch.py")
UPDATES = 12
SPEC = "warmup('3 steps') >> cosine(end=0.1)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where all processes have written what they saw."""
    folder = tmp_path_factory.mktemp("gloo")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error::UserWarning", LAUNCH, folder]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=220, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    codes = json.loads((folder / "codes.json").read_text())
    assert codes["together"] == codes["whole"] == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def seen(folder):
    """What each rank saw in the experiments."""
    return both(folder / "together")


def both(path):
    return [json.loads(path.with_name(f"{path.name}.{rank}.json").read_text()) for rank in (0, 1)]


def planned():
    curve = rh.parse(SPEC).over(rh.Run(steps=UPDATES), base=1.0).values()
    return [[0.1 * factor, 0.03 * factor] for factor in curve]


def test_ranks_that_see_different_metrics_decide_alike(seen):
    first, second = (rank["metric_differs"] for rank in seen)
    assert first == second
    rule, state, expected = rh.plateau(factor=0.5, patience=0, relative=False, threshold=0.6), PlateauState(), []
    for values, metrics in zip(planned(), zip(*seen[0]["metrics"], strict=True), strict=True):
        expected.append([rule.factor_of(state) * value for value in values])
        state = rule.update(state, math.fsum(metrics) / 2)
    assert first["used"] == [pytest.approx(values, rel=1e-14) for values in expected]
    assert 0 < state.cuts < UPDATES  # it was put to the test


def test_with_reduce_none_each_decides_for_itself(seen):
    assert seen[0]["metric_alone"] != seen[1]["metric_alone"]


@pytest.mark.parametrize("experiment", ["accumulation", "accumulation_resumed"])
def test_accumulation_counts_updates_and_not_batches(seen, experiment):
    first, second = (rank[experiment] for rank in seen)
    assert first == second == seen[0]["accumulation"]
    assert first["used"] == [pytest.approx(values, rel=1e-14) for values in planned()]
    assert first["state"]["position"] == UPDATES


@pytest.mark.parametrize("experiment", ["distributed_checkpoint", "sharded", "zero_redundancy"])
def test_a_checkpoint_of_two_ranks_goes_on_exactly(seen, experiment):
    for rank in seen:
        whole, resumed = rank[experiment]["whole"], rank[experiment]["resumed"]
        assert resumed["used"] == whole["used"][5:]
        assert resumed["weights"] == whole["weights"]
        assert resumed["state"] == whole["state"]
        assert whole["used"] == seen[0]["metric_differs"]["used"]
    assert seen[0][experiment]["whole"]["weights"] == seen[1][experiment]["whole"]["weights"]


def test_the_optimizer_inside_a_sharded_one_holds_what_was_used(seen):
    for rank in seen:
        assert rank["zero_redundancy"]["inner"] == rank["zero_redundancy"]["whole"]["used"][-1]


def test_by_the_clock_all_ranks_use_the_same_values(seen):
    first, second = (rank["wall_clock"] for rank in seen)
    assert first["used"] == second["used"]
    assert first["weights"] == second["weights"]


@pytest.mark.parametrize(
    "moment",
    [
        "before",  # the gradients are exchanged, the update is not made
        "between",  # the update is made, scheduler.step() not called
        "saving",  # the new checkpoint is written aside, not yet in place
    ],
)
def test_a_group_whose_rank_was_killed_goes_on_from_the_checkpoint(folder, moment):
    codes = json.loads((folder / "codes.json").read_text())
    assert (codes[moment], codes[f"{moment}-restarted"]) == (-signal.SIGKILL, 0)
    for report, whole in zip(both(folder / moment / "restarted"), both(folder / "whole"), strict=True):
        assert report["begun"] == 4
        assert report["used"] == whole["used"][4:]
        assert report["weights"] == whole["weights"]
        assert report["state"] == whole["state"]
