"""`import rheostat` is quick, and its names are what it says."""

import subprocess
import sys

import pytest

import rheostat as rh

HEAVY = ("torch", "matplotlib", "scipy", "rich", "cyclopts", "plotext", "sklearn")


@pytest.mark.parametrize(
    "module", ["rheostat", "rheostat.schedule", "rheostat.ledger", "rheostat.view", "rheostat.cli"]
)
def test_importing_brings_no_heavy_package(module):
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    allowed = "['cyclopts']" if module == "rheostat.cli" else "[]"
    assert found in ("[]", allowed)


def test_every_public_name_can_be_imported():
    for name in rh.__all__:
        assert getattr(rh, name) is not None
    assert dir(rh) == rh.__all__ == sorted(rh.__all__)


def test_names_stay_what_they_are_after_submodules_were_imported():
    code = "import rheostat as rh, rheostat.training; assert callable(rh.train); assert callable(rh.step); rh.lint('cosine()', rh.Run(steps=3))"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'cosin'"):
        rh.cosin
