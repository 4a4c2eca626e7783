"""What a save costs that loses nothing: ours, beside torch.save in place, without and with an fsync.

    python bench/save_cost.py [--mb 1 16 128]

All take turns; medians, in milliseconds. Ours also hashes, syncs, and reads the state before it once more.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rheostat.training import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

State = dict[str, torch.Tensor]


def plain(folder: Path, state: State) -> None:
    """As most scripts do."""
    torch.save(state, folder / "state.pt")


def synced(folder: Path, state: State) -> None:
    """The same, and on the disk when it returns."""
    with (folder / "state.pt").open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


SAVES: dict[str, Callable[[Path, State], object]] = {"torch.save": plain, "with fsync": synced, "ours": checkpoint.save}


def cost(megabytes: int, repeats: int) -> dict[str, float]:
    """Milliseconds of each, for a state of so many megabytes."""
    state = {f"layer{i}": torch.randn(megabytes * 31_250) for i in range(8)}
    found: dict[str, list[float]] = {name: [] for name in SAVES}
    with tempfile.TemporaryDirectory() as place:
        for name in SAVES:
            (Path(place) / name).mkdir()
        for _ in range(repeats + 1):
            for name, save in SAVES.items():
                begin = time.perf_counter()
                save(Path(place) / name, state)
                found[name].append(1e3 * (time.perf_counter() - begin))
    return {name: statistics.median(times[1:]) for name, times in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mb", type=int, nargs="+", default=[1, 16, 128])
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}; milliseconds per save, medians")
    print(f"{'state':>8}" + "".join(f"{name:>14}" for name in SAVES))
    for megabytes in parser.parse_args().mb:
        costs = cost(megabytes, repeats=9 if megabytes < 100 else 5)
        print(f"{megabytes:5d} MB" + "".join(f"{value:14.1f}" for value in costs.values()))


if __name__ == "__main__":
    main()
