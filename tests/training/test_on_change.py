"""A run that is resumed with another length, schedule, learning rate or batch size."""

import numpy as np
import pytest

import rheostat as rh
from rheostat.ledger import columns
from training.small import task

UPDATES = 4 * 7


@pytest.fixture
def half(tmp_path):
    rh.train(task(epochs=2), out=tmp_path / "run", progress=False)
    return tmp_path / "run"


def used(folder):
    return columns(folder / "ledger.jsonl")["lr"]


def resumed(folder, how, **options):
    return rh.train(task(**options), out=folder, resume=True, on_change=how, progress=False)


def test_every_difference_stops_it_unless_told(half):
    before = (half / "state.pt").read_bytes(), (half / "ledger.jsonl").read_bytes()
    with pytest.raises(rh.ResumeMismatch, match=r"saved Run\(epochs=2.*now Run\(epochs=4"):
        resumed(half, "stop")
    assert ((half / "state.pt").read_bytes(), (half / "ledger.jsonl").read_bytes()) == before


def test_a_longer_run_is_rebased_without_a_jump_to_its_end(half, capsys):
    result = resumed(half, "rebase")
    lrs, end = used(half), rh.parse(task().schedule).over(rh.Run(steps=UPDATES), base=0.01).at(UPDATES)
    assert result.updates == len(lrs) == UPDATES
    assert result.difference == 0.0
    assert np.abs(np.diff(lrs[13:])).max() < 2e-4  # it had come down to its end, and stays there
    assert lrs[-1] == pytest.approx(end, rel=0.05)
    assert "rebase: run: saved Run(epochs=2" in capsys.readouterr().out


def test_adopt_takes_the_longer_schedule_at_once(half):
    resumed(half, "adopt")
    plan = rh.parse(task().schedule).over(rh.Run(steps=UPDATES), base=0.01)
    assert used(half)[14:].tolist() == plan.values(14, UPDATES).tolist()


def test_keep_ends_where_it_was_to_end(half):
    result = resumed(half, "keep", epochs=9, schedule="constant()")
    assert result.updates == 14


def test_a_batch_twice_as_large_goes_on_at_the_same_place_in_the_data(half):
    data = [task().epoch(0)]
    halved = [np.concatenate([a, b]) for a, b in zip(data[0], data[0], strict=False)]
    import torch

    batches = [torch.from_numpy(batch) for batch in halved][:4]
    result = resumed(half, "rebase", batches=batches)
    assert result.updates == 16
    assert columns(half / "ledger.jsonl")["update"].tolist() == list(range(8, 16))
    assert columns(half / "ledger.first-14.jsonl")["update"].tolist() == list(range(14))
