"""State files of every released format are read for ever."""

import shutil
from pathlib import Path

import pytest
import torch

import rheostat as rh
from rheostat.ledger import columns
from rheostat.training import checkpoint
from training import small

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("state-format-*.pt"))


def test_there_is_a_file_of_each_format():
    assert [path.name for path in FIXTURES] == [f"state-format-{n}.pt" for n in range(1, checkpoint.FORMAT + 1)]


@pytest.mark.parametrize("file", FIXTURES, ids=lambda path: path.stem)
def test_a_run_of_a_released_format_goes_on(tmp_path, file):
    shutil.copy(file, tmp_path / "state.pt")
    state = checkpoint.read(file)
    assert (state["scheduler"]["position"], state["epoch"], state["batch"]) == (10, 1, 3)
    assert state["model"]["0.weight"].shape == (8, 4)
    result = rh.train(small.task(), out=tmp_path, resume=True, progress=False)
    rh.train(small.task(), out=tmp_path / "whole", progress=False)
    weights, whole = (checkpoint.read(folder / "state.pt")["model"] for folder in (tmp_path, tmp_path / "whole"))
    assert result.difference == 0.0
    assert columns(tmp_path / "ledger.jsonl")["update"].tolist() == list(range(10, 28))
    for name, value in weights.items():
        torch.testing.assert_close(value, whole[name])  # the file's arithmetic was another machine's
