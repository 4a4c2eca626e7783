"""No data path can run code: proved on the syntax of the whole source; each exception has its reason."""

import re
from pathlib import Path

import pytest

import rheostat as rh
from security.reading import findings

SOURCE = Path(rh.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

ALLOWED = {
    # file: what, and why no data can reach it
    "__init__.py": {"import importlib", "import_module"},  # the public names, from a table in the same file
    "view/optional.py": {"import importlib", "import_module"},  # optional packages, whose names are in the code
    "training/task.py": {"import importlib.util", "exec_module"},  # the file that the user names on the command line
    "probe/jobs.py": {"import joblib", "import cloudpickle"},  # unpacks in a worker what its own parent packed
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_in_the_source_runs_what_data_name(path):
    where = str(path.relative_to(SOURCE))
    found = {(line, what) for line, what in findings(path.read_text()) if what not in ALLOWED.get(where, ())}
    assert found == set(), where


def test_every_exception_is_still_needed():
    for where, allowed in ALLOWED.items():
        assert allowed <= {what for _, what in findings((SOURCE / where).read_text())}, where


@pytest.mark.parametrize("where", ["__init__.py", "view/optional.py"])
def test_modules_are_imported_by_names_from_the_code_alone(where):
    """import_module stands once in each, and its argument is no text from outside."""
    text = (SOURCE / where).read_text()
    assert text.count("import_module(") == 1


def test_short_runs_unpack_what_came_from_their_parent_alone():
    """Each loads() of cloudpickle takes what dumps() of the same module made, and nothing is read from a file."""
    text = (SOURCE / "probe/jobs.py").read_text()
    assert re.findall(r"cloudpickle\.loads\(([\w.]+)", text) == ["packed", "cloudpickle.dumps"]
    assert "open(" not in text
    assert "read_bytes" not in text


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("eval('1')", "eval"),
        ("run = exec", "exec"),
        ("compile('1', '', 'eval')", "compile"),
        ("__import__('os')", "__import__"),
        ("import pickle", "import pickle"),
        ("import importlib.util as u", "import importlib.util"),
        ("from dill import loads", "import dill"),
        ("def f():\n    from yaml import safe_load", "import yaml"),
        ("import os\nos.system('true')", "os.system"),
        ("import os\nos.execvp('a', [])", "os.execvp"),
        ("from os import popen", "from os import popen"),
        ("torch.load(f)", "torch.load without weights_only=True"),
        ("torch.load(f, weights_only=False)", "torch.load without weights_only=True"),
        ("torch.load(f, weights_only=safe)", "torch.load without weights_only=True"),
        ("from torch import load", "from torch import load"),
        ("torch.hub.load('a', 'b')", "torch.hub"),
        ("from torch import jit", "torch.jit"),
        ("np.load(f, allow_pickle=True)", "allow_pickle"),
        ("torch.serialization.add_safe_globals([int])", "add_safe_globals"),
        ("pd.read_pickle(f)", "read_pickle"),
    ],
)
def test_the_walk_finds_what_it_looks_for(source, what):
    assert what in [found for _, found in findings(source)]


@pytest.mark.parametrize(
    "source", ["model.eval()", "re.compile('a')", "torch.load(f, weights_only=True)", "os.fsync(1)"]
)
def test_the_walk_leaves_alone_what_runs_nothing(source):
    assert findings(source) == []
