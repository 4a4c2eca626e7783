"""Each write, flush, fsync and rename failing in turn: the old state is intact, one clear error, nothing left behind."""

import errno
import os
import resource
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch

import rheostat as rh
from faults.disks import Disk
from rheostat.training import checkpoint
from training import small

pytestmark = pytest.mark.usefixtures("no_pictures")


def state(n):
    return {"epoch": n, "model": {"weight": torch.arange(5.0) + n, "bias": torch.ones(2)}}


def operations():
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        for n in range(2):
            checkpoint.save(folder, state(n))
        disk = Disk().patch(patch)
        checkpoint.save(folder, state(2))
    return [what for what, *_ in disk.asked]


OPERATIONS = operations()
LAST = len(OPERATIONS) - 1


@pytest.fixture
def folder(tmp_path):
    for n in range(2):
        checkpoint.save(tmp_path, state(n))
    return tmp_path


def test_a_save_asks_what_it_should():
    short = [what for i, what in enumerate(OPERATIONS) if i == 0 or what != OPERATIONS[i - 1]]
    assert short == ["open", "write", "flush", "fsync", "rename", "open folder", "fsync"]
    assert OPERATIONS.count("rename") == 2


def check_after_failure(folder, failed):
    """The old state is there, or, where only the last fsync failed, the new one; nothing else is."""
    newest = checkpoint.load(folder)[0]
    assert newest["epoch"] == (2 if failed > OPERATIONS.index("open folder") - 1 else 1)
    assert torch.equal(newest["model"]["weight"], state(newest["epoch"])["model"]["weight"])
    assert {path.name for path in folder.iterdir()} <= {checkpoint.NEWEST, checkpoint.PREVIOUS}
    assert checkpoint.load(folder)[1] is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO], ids=errno.errorcode.get)
def test_each_operation_failing_in_turn(folder, code):
    for failed in range(len(OPERATIONS)):
        for path in folder.iterdir():
            path.unlink()
        for n in range(2):
            checkpoint.save(folder, state(n))
        with pytest.MonkeyPatch.context() as patch:
            Disk(failed, code).patch(patch)
            with pytest.raises(rh.StateError) as caught:
                checkpoint.save(folder, state(2))
        assert str(caught.value).startswith(f"{folder / 'state.pt'}: cannot be written: {os.strerror(code)}.")
        check_after_failure(folder, failed)
        checkpoint.save(folder, state(3))  # and the next save is as good as any
        assert checkpoint.load(folder)[0]["epoch"] == 3


def test_ctrl_c_at_each_operation(folder):
    for failed in range(len(OPERATIONS)):
        for path in folder.iterdir():
            path.unlink()
        for n in range(2):
            checkpoint.save(folder, state(n))
        with pytest.MonkeyPatch.context() as patch:
            Disk(failed, error=KeyboardInterrupt()).patch(patch)
            with pytest.raises(KeyboardInterrupt):
                checkpoint.save(folder, state(2))
        check_after_failure(folder, failed)


def test_everything_failing_from_an_operation_on(folder, monkeypatch):
    """Also what would put things right fails: one of the two states is still found."""
    for failed in range(len(OPERATIONS)):
        disk = Disk()
        disk.ask = lambda *_, left=iter([None] * failed): next(left, disk) is disk and fail()
        with pytest.MonkeyPatch.context() as patch:
            disk.patch(patch)
            with pytest.raises(rh.StateError, match="cannot be written"):
                checkpoint.save(folder, state(1))
        assert checkpoint.load(folder)[0]["epoch"] in (0, 1)


def test_what_a_kill_between_the_renames_left_is_never_written_over(folder):
    """The whole state.tmp is the newest then, and stays findable while the next save fails anywhere."""
    for failed in range(len(OPERATIONS)):
        for n in range(3):
            checkpoint.save(folder, state(n))
        (folder / checkpoint.NEWEST).rename(folder / checkpoint.ASIDE)
        assert checkpoint.load(folder)[0]["epoch"] == 2
        with pytest.MonkeyPatch.context() as patch:
            Disk(failed).patch(patch)
            with pytest.raises(rh.StateError):
                checkpoint.save(folder, state(3))
        assert checkpoint.load(folder)[0]["epoch"] in (2, 3)


def fail():
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("value", [lambda: 0, object(), {1, 2}.__iter__(), Path("x")])
def test_what_could_not_be_loaded_again_is_refused_when_it_is_first_saved(folder, value):
    with pytest.raises(rh.StateError, match=r"is no data|something else than data"):
        checkpoint.save(folder, {"epoch": 2, "model": {"extra": value}}, prove=True)
    assert checkpoint.load(folder)[0]["epoch"] == 1
    assert {path.name for path in folder.iterdir()} == {checkpoint.NEWEST, checkpoint.PREVIOUS}


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_syncs_no_folder_is_no_failure(folder, monkeypatch, code):
    Disk(LAST, code).patch(monkeypatch)
    checkpoint.save(folder, state(2))
    assert checkpoint.load(folder)[0]["epoch"] == 2


# Real ones


def test_a_limit_on_the_size_of_files(folder):
    """The system itself refuses to write on, in the middle of the file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        with pytest.raises(rh.StateError, match=r"state\.pt: cannot be written: File too large"):
            checkpoint.save(folder, state(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    check_after_failure(folder, 0)


def test_a_folder_that_may_not_be_written():
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to others
        folder, user, task = Path(place), os.geteuid(), small.task()
        for n in range(2):
            checkpoint.save(folder, state(n))
        folder.chmod(0o555)
        if user == 0:
            os.seteuid(65534)  # root may write anywhere
        try:
            with pytest.raises(rh.StateError, match=r"cannot be written: Permission denied"):
                checkpoint.save(folder, state(2))
            with pytest.raises(
                rh.SchedulerError, match=r"out='.*': cannot be written: Permission denied\. Try a folder"
            ):
                rh.train(task, out=folder / "run", progress=False)
        finally:
            os.seteuid(user)
            folder.chmod(0o755)
        check_after_failure(folder, 0)


@pytest.fixture
def tiny_disk(tmp_path):
    """A real file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_training_on_a_disk_that_runs_full_stops_and_goes_on_when_there_is_room(tiny_disk, tmp_path):
    filler, batches = tiny_disk / "filler", iter(range(1000))

    def on_batch():
        if next(batches) == 12:
            with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(bytes(1024))
            os.truncate(filler, filler.stat().st_size - 8192)  # room for rows of the ledger, and no state

    run = tiny_disk / "run"
    with pytest.raises(rh.StateError) as caught:
        rh.train(small.task(on_batch=on_batch), out=run, save_every=5, progress=False)
    first, second = str(caught.value).split("\n")
    assert first == "training stopped after 14 updates, which could not be saved."
    assert second.startswith(f"{run / 'state.pt'}: cannot be written: No space left on device. The states saved before")
    assert {path.name for path in run.iterdir()} == {"config.json", "ledger.jsonl", "state.pt", "state.prev.pt"}
    assert checkpoint.load(run)[0]["scheduler"]["position"] == 10
    filler.unlink()
    rh.train(small.task(), out=run, resume=True, progress=False)
    rh.train(small.task(), out=tmp_path / "whole", progress=False)
    assert small.outcome(run) == small.outcome(tmp_path / "whole")


def test_training_without_room_for_a_row_of_the_ledger_stops_with_one_error(tmp_path):
    run, batches, before = tmp_path / "run", iter(range(1000)), resource.getrlimit(resource.RLIMIT_FSIZE)

    def on_batch():
        if next(batches) == 9:  # two updates after a save, five before the next
            resource.setrlimit(resource.RLIMIT_FSIZE, ((run / "ledger.jsonl").stat().st_size + 20, before[1]))

    try:
        with pytest.raises(rh.SchedulerError, match=r"ledger '.*': cannot be written: File too large"):
            rh.train(small.task(on_batch=on_batch), out=run, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert checkpoint.load(run)[0]["scheduler"]["position"] == 7
    rh.train(small.task(), out=run, resume=True, progress=False)
    rh.train(small.task(), out=tmp_path / "whole", progress=False)
    assert small.outcome(run) == small.outcome(tmp_path / "whole")
