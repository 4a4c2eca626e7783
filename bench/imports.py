"""How long a whole process takes: import rheostat, and its command; and that none of them imports torch.

    python bench/imports.py [--quick]

Medians over whole processes, with warm file cache and compiled bytecode, as after an installation. The first and last
rows are what to compare with.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import statistics
import subprocess
import sys
import time

COMMAND = ["-c", "import sys; from rheostat.cli import main; sys.exit(main())"]
ROWS = {
    "python, nothing": ["-c", "pass"],
    "import rheostat": ["-c", "import rheostat"],
    "rheostat --help": [*COMMAND, "--help"],
    "rheostat show": [*COMMAND, "show", "warmup('5%') >> cosine()", "--steps", "1000"],
    "import numpy": ["-c", "import numpy"],
    "import torch": ["-c", "import torch"],
}


def run(arguments: list[str], *, watch: bool = False) -> tuple[float, set[str]]:
    """Seconds that a process takes, and, if watched, the top-level modules that it imports."""
    begin = time.perf_counter()
    flags = ["-X", "importtime"] if watch else []
    told = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, *flags, *arguments], capture_output=True, text=True, check=False, env=told)
    took = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return took, set(re.findall(r"\|\s*([A-Za-z_0-9]+)[.\w]*\s*$", done.stderr, re.MULTILINE)) if watch else set()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="median of 3 instead of 10")
    repeats = 3 if parser.parse_args().quick else 10
    rows = {name: command for name, command in ROWS.items() if COMMAND[1] not in command or _has_command()}
    heavy = {name: run(command, watch=True)[1] & {"torch", "matplotlib", "scipy"} for name, command in rows.items()}
    times: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(repeats):
        for name, command in rows.items():
            times[name].append(run(command)[0])
    print(f"{'process':<20}{'median, ms':>12}{'least, ms':>12}  heavy imports")
    for name, found in times.items():
        least, median = min(found) * 1e3, statistics.median(found) * 1e3
        print(f"{name:<20}{median:12.0f}{least:12.0f}  {', '.join(sorted(heavy[name])) or 'none'}")
    ours = {name for name in rows if "rheostat" in name}
    if any("torch" in heavy[name] for name in ours):
        sys.exit("rheostat imports torch where it should not")


def _has_command() -> bool:
    return importlib.util.find_spec("rheostat.cli") is not None


if __name__ == "__main__":
    main()
