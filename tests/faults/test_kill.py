"""SIGKILL of real `rheostat train` processes: the long campaign's script, with few kills of a small task."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "training" / "small.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the campaign forks")
def test_nothing_is_lost_by_a_kill_at_any_line_of_a_save_or_at_random():
    command = [sys.executable, "bench/faults_kill.py", "--kills", "10", "--peer", "0", "--lines", "--task", str(SMALL)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = int(done.stdout.partition("killed before each of ")[2].split()[0])
    assert lines > 30
    assert f"kills {lines + 10}, in " in done.stdout
    assert "between the two renames" in done.stdout
