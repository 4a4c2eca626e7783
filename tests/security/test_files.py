"""The files of a run folder are data from outside: a checksum is no signature, and whoever can write one can write the
other. Nothing in them is run or imported, nothing makes memory blow up, and the error is one of ours."""

import hashlib
import io
import json
import os
import pickle
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import torch

import rheostat as rh
from rheostat.training import checkpoint, restart
from rheostat.training.randomness import random_states
from training import small

pytestmark = pytest.mark.usefixtures("no_pictures")


def signed(data):
    return b"rheostat checkpoint 1\n" + hashlib.sha256(data).hexdigest().encode() + data


def archive(files, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        for name, data in files.items():
            made.writestr(f"archive/{name}", data)
    return buffer.getvalue()


def pickled(value, **files):
    return archive(
        {"data.pkl": value if isinstance(value, bytes) else pickle.dumps(value, 2), "version": b"3\n", **files}
    )


class Runs:
    """What a pickle runs when it is loaded by pickle."""

    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


def overlapping():
    """An archive of 50 KB that says of itself that it holds 4 MB: many names for one content."""
    with zipfile.ZipFile(io.BytesIO(archive({"data.pkl": pickle.dumps({}, 2), "data/0": bytes(40_000)}))) as one:
        content = one.infolist()[1]
        buffer = io.BytesIO(one.fp.getvalue())
    with zipfile.ZipFile(buffer, "a") as made:
        for n in range(1, 100):
            again = zipfile.ZipInfo(f"archive/data/{n}")
            again.file_size = again.compress_size = content.file_size
            again.header_offset, again.CRC = content.header_offset, content.CRC
            made.filelist.append(again)
            made.NameToInfo[again.filename] = again
        made._didModify = True
    return buffer.getvalue()


HOSTILE = {
    "code in a pickle": pickled({"model": Runs(os.system, "touch ran")}),
    "code as the whole": pickled(Runs(eval, "open('ran', 'w')")),
    "a module to import": pickled(b"\x80\x02cevil\nanything\n."),
    "a plain pickle": pickle.dumps({"model": 1}),
    "an endless pickle": pickled(b"\x80\x02" + b"]" * 30_000),
    "a deep pickle": pickled(b"\x80\x02" + b"]" * 30_000 + b"a" * 29_999 + b"."),
    "a pickle of a huge number": pickled(b"\x80\x02\x8b" + (2**30).to_bytes(4, "little") + b"1."),
    "a pickle of references that double": pickled(b"\x80\x02]q\x00" + b"(h\x00h\x00lq\x00" * 60 + b"."),
    "no pickle": archive({"data.pkl": b"\0" * 100, "version": b"3\n"}),
    "an empty archive": archive({}),
    "a compressed archive": archive({"data.pkl": pickle.dumps({"a": "x" * 10_000_000}, 2)}, zipfile.ZIP_DEFLATED),
    "many names for one content": overlapping(),
    "no archive": b"x" * 1000,
    "nothing": b"",
    "a list": pickled([1, 2]),
    "a number": pickled(1),
}


@pytest.fixture
def nothing_ran(tmp_path, monkeypatch, no_pictures):
    """Fails if a file `ran` appears, a module is imported, or memory grows out of bounds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('ran', 'w')\nanything = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert not Path("ran").exists()
    assert "evil" not in sys.modules
    assert {name for name in set(sys.modules) - modules if not name.startswith(("torch", "numpy"))} == set()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.usefixtures("nothing_ran")
def test_a_hostile_state_with_the_right_checksum_is_refused(name, tmp_path):
    path = tmp_path / "state.pt"
    path.write_bytes(signed(HOSTILE[name]))
    with pytest.raises(rh.StateError, match=r"state\.pt: (holds|damaged)") as caught:
        checkpoint.read(path)
    assert len(str(caught.value)) < 1000
    assert ("it is compressed" in str(caught.value)) == (name in ("a compressed archive", "many names for one content"))


@pytest.mark.usefixtures("nothing_ran")
def test_a_huge_file_that_is_none_of_ours_is_not_even_read(tmp_path):
    path = tmp_path / "state.pt"
    with path.open("wb") as file:
        file.truncate(10**12)  # it takes no room on the disk
    with pytest.raises(rh.StateError, match="damaged or torn"):
        checkpoint.read(path)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


SOUND = {
    "model": {},
    "optimizers": [],
    "scheduler": {},
    "epoch": 0,
    "batch": 0,
    "random": random_states(),
}


@pytest.mark.parametrize("field", SOUND)
@pytest.mark.parametrize("value", [None, -1, True, "x", 10**30, nested(50), torch.ones(2)], ids=lambda v: str(v)[:12])
def test_a_state_that_is_not_of_our_form_is_refused_before_anything_is_loaded(tmp_path, field, value):
    task = small.task()
    before = {name: tensor.clone() for name, tensor in task.model.state_dict().items()}
    checkpoint.save(tmp_path, {**SOUND, field: value})
    with pytest.raises(rh.StateError, match=rf"checkpoint's '{field}' is damaged, or not one of ours"):
        rh.train(task, out=tmp_path, resume=True, progress=False)
    assert all(torch.equal(tensor, before[name]) for name, tensor in task.model.state_dict().items())


@pytest.mark.parametrize("name", ["torch", "numpy", "python"])
@pytest.mark.parametrize(
    "value", [None, -1, "x", [1, 2, 3], nested(50), torch.ones(2), [[], [], []]], ids=lambda v: str(v)[:12]
)
def test_states_of_random_numbers_that_are_none_are_refused_before_anything_is_loaded(tmp_path, name, value):
    task, drawn = small.task(), torch.get_rng_state()
    checkpoint.save(tmp_path, {**SOUND, "random": {**random_states(), name: value}})
    with pytest.raises(rh.StateError, match="checkpoint's 'random' is damaged"):
        restart.check(checkpoint.load(tmp_path)[0], task, tmp_path)
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    rh.train(small.task(), out=folder, save_every=3, progress=False)
    return folder


def test_a_folder_whose_files_name_modules_imports_none(finished, tmp_path, nothing_ran):
    """The state, the configuration and the ledger name a module; it would say so if it were imported."""
    folder = tmp_path / "run"
    folder.mkdir()
    state = checkpoint.read(finished / "state.prev.pt")
    state["model"] = {**state["model"]}
    checkpoint.save(folder, {**state, "task": "evil:anything", "__class__": "evil.anything", "module": "evil"})
    config = {
        "name": "evil",
        "task": "evil.py:anything",
        "schedule": "evil()",
        "import": ["evil"],
        "versions": {"evil": 1},
    }
    (folder / "config.json").write_text(json.dumps(config))
    rows = (finished / "ledger.jsonl").read_text().replace('"loss"', '"__import__(\'evil\')":1,"evil":1,"loss"')
    (folder / "ledger.jsonl").write_text(rows)
    assert rh.train(small.task(), out=folder, resume=True, progress=False).updates == 28
    assert "evil" not in (folder / "config.json").read_text()  # it is written, and never read


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"[" * 100_000, b"{" + b'"a":1,' * 100_000, b"\xff\xfe" * 1000])
def test_the_configuration_of_a_run_is_never_read(finished, tmp_path, content):
    for name in ("state.pt", "ledger.jsonl"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    (tmp_path / "config.json").write_bytes(content)
    rh.train(small.task(), out=tmp_path, resume=True, progress=False)
    assert json.loads((tmp_path / "config.json").read_text())["name"] == "small"
