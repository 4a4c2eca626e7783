"""Metric-driven parts through the Scheduler; parity with PyTorch's plateau is in tests/peers."""

import subprocess
import sys
import textwrap

import pytest
import torch

import rheostat as rh
from driver.loops import RUN, sgd

CUT = "constant() * plateau(factor=0.5, patience=0)"


def test_a_cut_takes_effect_at_the_next_update_whenever_it_is_reported():
    for report_first in (True, False):
        optimizer = sgd(0.1)
        scheduler = rh.Scheduler(optimizer, CUT, RUN)
        for metric in (1.0, 2.0, 3.0):
            optimizer.step()
            if report_first:
                scheduler.report(metric)
                scheduler.step()
            else:
                scheduler.step()
                scheduler.report(metric)
        optimizer.step()
        assert [used[0] for used in optimizer.used] == [0.1, 0.1, 0.05, 0.025]


def test_the_same_report_by_several_callers_counts_once():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, CUT, RUN)
    for metric in (1.0, 2.0):
        optimizer.step()
        for _ in range(4):
            scheduler.step(metric)
    assert scheduler.get_last_lr() == [0.05]


def test_reports_before_its_part_begins_do_not_reach_a_plateau():
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, "warmup('5 steps') >> constant() * plateau(factor=0.5, patience=0)", RUN)
    for t in range(8):
        optimizer.step()
        scheduler.step(0.1 if t < 4 else 1.0 + t)
    assert [used[0] for used in optimizer.used][-3:] == pytest.approx([0.1, 0.05, 0.025])


@pytest.mark.parametrize("metric", [float("nan"), float("inf"), -float("inf")])
def test_a_metric_that_is_not_finite_is_ignored(metric):
    optimizer = sgd(0.1)
    scheduler = rh.Scheduler(optimizer, CUT, RUN)
    for value in (1.0, metric, metric, 0.9):
        scheduler.report(value)
    assert scheduler.get_last_lr() == [0.1]
    scheduler.report(1.0)
    assert scheduler.get_last_lr() == [0.05]


def test_metrics_may_be_tensors_and_nothing_else_but_numbers():
    scheduler = rh.Scheduler(sgd(0.1), CUT, RUN)
    scheduler.report(torch.tensor(1.0))
    for bad in ("low", None, [1, 2], torch.ones(2), object()):
        with pytest.raises(rh.ScheduleError, match="metric=.*need a number"):
            scheduler.report(bad)


def test_a_report_that_nobody_listens_to_is_refused():
    with pytest.raises(rh.SchedulerError, match=r"no schedule here listens .* step\(\) without"):
        rh.Scheduler(sgd(0.1), "cosine()", RUN).report(1.0)


def test_two_processes_that_see_different_metrics_decide_alike(tmp_path):
    """Rank 0 alone would cut; the mean keeps improving. With a NaN on one rank nobody acts."""
    script = tmp_path / "rank.py"
    script.write_text(
        textwrap.dedent(
            """
            import json, sys, torch, torch.distributed as dist, rheostat as rh
            rank = int(sys.argv[1])
            dist.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
            scheduler = rh.Scheduler(optimizer, "constant() * plateau(factor=0.5, patience=0)", rh.Run(steps=20))
            seen = []
            for mine in ([1.0, 5.0], [1.1, 2.0], [float("nan"), 0.0], [0.0, 9.0], [0.5, 0.5]):
                scheduler.step(mine[rank])
                seen.append(scheduler.get_last_lr()[0])
            print(json.dumps(seen))
            dist.destroy_process_group()
            """
        )
    )
    ranks = [
        subprocess.Popen(
            [sys.executable, str(script), str(r), str(tmp_path / "meet")], stdout=subprocess.PIPE, text=True
        )
        for r in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0].strip().splitlines()[-1] for process in ranks]
    assert outputs == ["[0.1, 0.1, 0.1, 0.05, 0.05]"] * 2
