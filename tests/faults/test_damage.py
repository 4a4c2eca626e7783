"""Every truncation and every flipped bit of a real state file is recognised, and the previous one used."""

from pathlib import Path

import pytest

import rheostat as rh
from rheostat.training import checkpoint
from training import small

NOWHERE = Path("state.pt")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a run with two generations, and the newest as bytes."""
    folder = tmp_path_factory.mktemp("damage") / "run"
    rh.train(small.task(), out=folder, progress=False)
    return folder, (folder / checkpoint.NEWEST).read_bytes()


def test_every_truncation_is_recognised(saved):
    data = memoryview(saved[1])
    for length in range(len(data)):
        with pytest.raises(rh.StateError, match="damaged or torn"):
            checkpoint.decode(bytes(data[:length]), NOWHERE)


def test_every_flipped_bit_is_recognised(saved):
    data, missed = bytearray(saved[1]), []
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        try:
            checkpoint.decode(data, NOWHERE)
        except rh.StateError:
            pass
        else:
            missed.append(bit)
        data[bit // 8] ^= 1 << bit % 8
    assert missed == []
    assert checkpoint.decode(data, NOWHERE).keys() == checkpoint.read(saved[0] / checkpoint.NEWEST).keys()


@pytest.mark.parametrize("more", [b"\0", b"rheostat", bytes(5000)])
def test_what_is_appended_is_recognised(saved, more):
    with pytest.raises(rh.StateError, match="damaged or torn"):
        checkpoint.decode(saved[1] + more, NOWHERE)


@pytest.mark.parametrize("cut", [0, 1, 20, 21, 22, 50, 85, 86, 87, 1000, -64, -1])
def test_the_previous_state_is_used_with_a_message(saved, tmp_path, cut):
    for name in (checkpoint.NEWEST, checkpoint.PREVIOUS):
        (tmp_path / name).write_bytes((saved[0] / name).read_bytes())
    (tmp_path / checkpoint.NEWEST).write_bytes(saved[1][:cut])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    state, message = checkpoint.load(tmp_path)
    assert state["scheduler"]["position"] == 21  # one epoch of 7 before the end
    assert message == f"{tmp_path / 'state.pt'}: damaged or torn. The previous one is used."
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_format_is_named(saved, tmp_path):
    later = saved[1].replace(b"checkpoint 1\n", b"checkpoint 2\n", 1)
    with pytest.raises(rh.StateError, match=r"of format 2, where this version reads 1\. Try the version that wrote it"):
        checkpoint.decode(later, NOWHERE)


def test_a_damaged_newest_state_is_kept_and_never_pushes_out_the_sound_one(saved, tmp_path):
    state = checkpoint.read(saved[0] / checkpoint.NEWEST)
    for n in range(3):
        checkpoint.save(tmp_path, {**state, "epoch": n})
    (tmp_path / checkpoint.NEWEST).write_bytes(b"scribbled over")
    with pytest.warns(rh.RheostatWarning, match=r"state\.pt: damaged; kept as state\.damaged\.pt"):
        checkpoint.save(tmp_path, {**state, "epoch": 3})
    assert checkpoint.read(tmp_path / checkpoint.NEWEST)["epoch"] == 3
    assert checkpoint.read(tmp_path / checkpoint.PREVIOUS)["epoch"] == 1
    assert (tmp_path / "state.damaged.pt").read_bytes() == b"scribbled over"


def test_resume_speaks_once_of_a_damaged_state(saved, tmp_path, capsys):
    rh.train(small.task(), out=tmp_path / "run", progress=False)
    newest = tmp_path / "run" / checkpoint.NEWEST
    newest.write_bytes(newest.read_bytes()[:-1])
    rh.train(small.task(), out=tmp_path / "run", resume=True, progress=False)  # a second message would be a warning
    assert capsys.readouterr().out == f"{newest}: damaged or torn. The previous one is used.\n"
    assert small.outcome(tmp_path / "run") == small.outcome(saved[0])


def test_without_any_sound_state_resume_says_why_and_changes_nothing(saved, tmp_path):
    rh.train(small.task(), out=tmp_path / "run", progress=False)
    for name in (checkpoint.NEWEST, checkpoint.PREVIOUS):
        (tmp_path / "run" / name).write_bytes(b"")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(rh.StateError, match=r"no checkpoint to resume from\. .*state\.pt: damaged.*prev\.pt: damaged"):
        rh.train(small.task(), out=tmp_path / "run", resume=True, progress=False)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
