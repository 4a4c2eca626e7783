"""What a flipped bit or a torn end does to a saved state: ours, beside a plain torch.save of the same state.

    python bench/faults_flips.py [--stride 1]

Every stride-th bit of the file is flipped, and every stride-th truncation made; the peer at ten times the stride.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import rheostat as rh
from rheostat.training import checkpoint, load_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TASK = Path(__file__).parents[1] / "tests" / "training" / "small.py"
NOWHERE = Path("state.pt")


def damaged(data: bytes, stride: int) -> Iterator[tuple[str, bytes]]:
    """Each damaged copy, and its kind."""
    for bit in range(0, 8 * len(data), stride):
        copy = bytearray(data)
        copy[bit // 8] ^= 1 << bit % 8
        yield "flip", bytes(copy)
    for end in range(0, len(data), stride):
        yield "truncation", data[:end]


def text(value: Any) -> Any:
    """A state as something that can be compared."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().numpy().tobytes()
    if isinstance(value, dict):
        return {repr(k): text(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [text(v) for v in value]
    return repr(value)


def count(data: bytes, load: Callable[[bytes], Any], stride: int) -> dict[tuple[str, str], int]:
    """How many damaged copies are refused, equal, or another state."""
    whole, found = text(load(data)), dict[tuple[str, str], int]()
    for kind, copy in damaged(data, stride):
        try:
            outcome = "equal" if text(load(copy)) == whole else "another state"
        except Exception:
            outcome = "refused"
        found[kind, outcome] = found.get((kind, outcome), 0) + 1
    return found


def main() -> int:
    """Save, damage, load, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--stride", type=int, default=97)
    stride = parser.parse_args().stride
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        rh.train(load_task(str(TASK)), out=folder, progress=False)
        ours = (Path(folder) / "state.pt").read_bytes()
    state = checkpoint.decode(ours, NOWHERE)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    print(f"PyTorch {torch.__version__}; a state of {len(ours)} bytes")
    rows = {
        "ours": count(ours, lambda data: checkpoint.decode(data, NOWHERE), stride),
        "torch.save": count(
            buffer.getvalue(), lambda data: torch.load(io.BytesIO(data), weights_only=True), 10 * stride
        ),
    }
    for name, found in rows.items():
        for kind in ("flip", "truncation"):
            print(
                f"{name:<12}{kind:<12}"
                + ", ".join(f"{n} {what}" for (k, what), n in sorted(found.items()) if k == kind)
            )
    return int(any(outcome == "another state" for _, outcome in rows["ours"]))


if __name__ == "__main__":
    sys.exit(main())
