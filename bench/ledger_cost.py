"""What a ledger costs: time and bytes per update, and reading a long one back.

    python bench/ledger_cost.py [--quick]

A row is recorded, gets a loss, and is written when the next one begins: one `write` for each. The medians of several
turns are shown, in microseconds of processor time per update, compression of closed parts included. Reading is measured
in a process of its own, with the memory that it took beyond what it had.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import rheostat as rh

RUN = rh.Run(steps=10**7, steps_per_epoch=1000, samples_per_step=256)


def fill(path: Path, updates: int, groups: int, **options: Any) -> float:
    """Microseconds per update of writing a ledger."""
    labels = [str(i) for i in range(groups)]
    values = rh.cosine().over(rh.Run(steps=updates), base=0.1).values().tolist()
    ledger = rh.Ledger(path, **options)
    ledger.attach(RUN)
    begin = time.process_time()
    for t in range(updates):
        ledger.record(t, {"lr": dict.fromkeys(labels, values[t])})
        ledger.log(loss=2.0 + values[t])
    took = time.process_time() - begin
    ledger.close()
    return took / updates * 1e6


def reading(path: Path, into: Any) -> None:
    """Seconds, and MB of memory beyond what the process had, of reading a ledger as columns."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    columns = rh.Ledger.columns(path)
    took = time.process_time() - begin
    arrays = {id(column): column.nbytes for column in columns.values()}
    into.put((took, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3, sum(arrays.values()) / 1e6))


def size(folder: Path) -> int:
    """Bytes of all files of a ledger."""
    return sum(file.stat().st_size for file in folder.iterdir())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns")
    quick = parser.parse_args().quick
    updates, turns = (20_000, 3) if quick else (100_000, 7)
    print(f"{'groups':>7}  {'ledger':<20}{'µs/update':>10}{'bytes/update':>14}")
    ways: dict[str, dict[str, Any]] = {"all": {}, "every=100": {"every": 100}, "rotate='5 MB'": {"rotate": "5 MB"}}
    for groups in (1, 10):
        for name, options in ways.items():
            times, sizes = [], []
            for _ in range(turns):
                with tempfile.TemporaryDirectory() as folder:
                    times.append(fill(Path(folder) / "ledger.jsonl", updates, groups, **options))
                    sizes.append(size(Path(folder)) / updates)
            print(f"{groups:7d}  {name:<20}{statistics.median(times):10.2f}{statistics.median(sizes):14.1f}")
    rows = 100_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        fill(path, rows, 1)
        results: Any = multiprocessing.get_context("spawn").Queue()
        process = multiprocessing.get_context("spawn").Process(target=reading, args=(path, results))
        process.start()
        took, grown, held = results.get()
        process.join()
        print(f"\ncolumns() of {rows} rows, 1 group, {path.stat().st_size / 1e6:.0f} MB:", end=" ")
        print(f"{took:.1f} s ({took / rows * 1e6:.1f} µs/row), {grown:.0f} MB more memory for {held:.0f} MB of columns")


if __name__ == "__main__":
    main()
