"""A run's folder is for one process at a time, and free as soon as that process is gone."""

import os
import signal
import subprocess
import sys

import pytest

import rheostat as rh
from training import small

pytestmark = [
    pytest.mark.usefixtures("no_pictures"),
    pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there"),
]

HOLDER = """
import multiprocessing, sys, time
from pathlib import Path
from rheostat.training.hold import hold

with hold(Path(sys.argv[1])):
    worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))  # as a loader's
    worker.start()
    print(worker.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held(tmp_path):
    """A folder with a run that another process trains; with that process and its worker's number."""
    rh.train(small.task(), steps=5, out=tmp_path, progress=False)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        worker = int(other.stdout.readline())
        yield tmp_path, other
        other.kill()
        os.kill(worker, signal.SIGKILL)


def test_a_run_that_is_still_trained_is_not_resumed(held):
    folder, _ = held
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(rh.SchedulerError, match="another process is training in it"):
        rh.train(small.task(), steps=10, out=folder, resume=True, progress=False)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_it_is_resumed_at_once_where_that_process_was_killed_though_its_workers_live(held):
    folder, other = held
    other.kill()
    other.wait()
    result = rh.train(small.task(), steps=10, out=folder, resume=True, on_change="adopt", progress=False)
    assert result.updates == 10


def test_two_runs_that_begin_in_one_folder_at_once(tmp_path):
    held = HOLDER.replace("time.sleep, args=(60,)", "print")
    with subprocess.Popen([sys.executable, "-c", held, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        other.stdout.readline()
        with pytest.raises(rh.SchedulerError, match="another process"):
            rh.train(small.task(), steps=5, out=tmp_path, progress=False)
        assert not any(tmp_path.iterdir())
        other.kill()


def test_the_same_process_may_train_in_it_again(tmp_path):
    rh.train(small.task(), steps=5, out=tmp_path, progress=False)
    rh.train(small.task(), steps=8, out=tmp_path, resume=True, on_change="adopt", progress=False)
