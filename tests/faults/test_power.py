"""A power cut at each moment of a save: what was not synced is lost, in part or whole, in any order that a disk may choose.

kill -9 leaves what was written; a power cut does not. The operations of a real save are recorded, and every state in which
a disk may be found after a cut before each of them is made and loaded: unsynced content empty, half, zeros or whole, and any
subset of the renames since the folder was last synced.
"""

import itertools

import pytest
import torch

from faults.disks import Disk
from rheostat.errors import StateError
from rheostat.training import checkpoint


def state(n):
    return {"epoch": n, "weight": torch.arange(50.0) + n}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder before a save, as {name: bytes}, and what the save asked of the disk."""
    folder = tmp_path_factory.mktemp("power")
    for n in range(2):
        checkpoint.save(folder, state(n))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk().patch(patch)
        checkpoint.save(folder, state(2))
    return before, [
        tuple(str(d).removeprefix(f"{folder}/") if isinstance(d, str) else d for d in op) for op in disk.asked
    ]


def cut(before, operations):
    """Every content of the folder that may be found when the power fails after these operations."""
    written, synced, renames, durable = bytearray(), None, [], dict(before)
    for what, *details in operations:
        if what == "write":
            _, at, data = details
            written[at : at + len(data)] = data
        elif what == "fsync" and details[0] == checkpoint.ASIDE:
            synced = bytes(written)
        elif what == "rename":
            renames.append(tuple(details))
        elif what == "fsync":
            durable = renamed(durable, renames)
            renames = []
    contents = (
        [synced]
        if synced is not None
        else [b"", bytes(written[: len(written) // 2]), bytes(len(written)), bytes(written)]
    )
    for content, kept in itertools.product(contents, subsets(renames)):
        found = renamed({checkpoint.ASIDE: None, **durable}, kept)
        yield {name: content if data is None else data for name, data in found.items()}


def renamed(files, renames):
    files = dict(files)
    for source, target in renames:
        if source == checkpoint.ASIDE:
            files.pop(source, None)
            files[target] = None  # the new file
        else:
            files[target] = files.pop(source)
    return files


def subsets(items):
    return itertools.chain.from_iterable(itertools.combinations(items, n) for n in range(len(items) + 1))


def loaded(files, folder):
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return checkpoint.load(folder)[0]["epoch"]


def outcomes(before, operations, place):
    """For each moment, the states that may be found after a cut: their numbers, or None where there is none."""
    found = []
    for moment in range(len(operations) + 1):
        found.append(set())
        for n, files in enumerate(cut(before, operations[:moment])):
            try:
                found[-1].add(loaded(files, place / f"{moment}-{n}"))
            except StateError:
                found[-1].add(None)
    return found


def test_a_power_cut_at_any_moment_of_a_save_loses_nothing(recorded, tmp_path):
    before, operations = recorded
    found = outcomes(before, operations, tmp_path)
    assert set.union(*found) <= {1, 2}  # never an older one, never none
    assert found[0] == {1}
    assert found[-1] == {2}  # what was reported as saved is there


def test_the_model_would_see_a_sync_that_is_left_out(recorded, tmp_path):
    before, operations = recorded
    for what, missing in (("file", checkpoint.ASIDE), ("folder", operations[-1][1])):
        without = [op for op in operations if op != ("fsync", missing)]
        assert len(without) == len(operations) - 1
        (tmp_path / what).mkdir()
        assert outcomes(before, without, tmp_path / what)[-1] > {2}


def test_the_model_would_see_a_file_written_in_place(recorded, tmp_path):
    _, operations = recorded
    content = b"".join(op[3] for op in operations if op[0] == "write")
    for end in (0, 100, len(content) - 1):
        with pytest.raises(StateError):
            loaded({checkpoint.NEWEST: content[:end]}, tmp_path / str(end))
