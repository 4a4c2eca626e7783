"""What is lost when training is killed: SIGKILL at random moments of `rheostat train`, and at each line of a save.

    python bench/faults_kill.py [--kills 300] [--peer 100] [--lines] [--task FILE.py] [--seed N]

Each run is the real command in a process of its own, forked from one that has imported everything, so that it starts in
milliseconds. After each kill the state must be readable and at most one save interval behind, and the run is resumed;
at its end, ledger and weights must equal the undisturbed run's bit for bit. The peer is the same training with
`torch.save(state, "state.pt")` in place. Status 1 if anything is lost.
"""

from __future__ import annotations

import argparse
import mmap
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cyclopts  # noqa: F401 - imported once, for all the forks
import sklearn.datasets  # noqa: F401 - likewise
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

import rheostat as rh
from rheostat.cli import app, train  # noqa: F401 - likewise
from rheostat.training import checkpoint, disk, load_task

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 3  # updates between saves
TASK = Path(__file__).parents[1] / "tests" / "faults" / "digits_mlp.py"
WATCHED = {checkpoint.__file__, disk.__file__}


class Lost(AssertionError):
    """Something that is promised did not hold."""


class Counter:
    """How many updates a child has made; it outlives the child."""

    def __init__(self) -> None:
        self.shared = mmap.mmap(-1, 8)

    @property
    def value(self) -> int:
        return int(struct.unpack("q", self.shared[:])[0])

    @value.setter
    def value(self, n: int) -> None:
        self.shared[:] = struct.pack("q", n)


DONE = Counter()


def command(folder: Path, task: Path, prepare: Callable[[], object] | None = None, after: float | None = None) -> int:
    """Run `rheostat train` in a process of its own, killed after so many seconds; its status, negative if killed."""
    resume = ["--resume"] if (folder / "config.json").exists() or (folder / "ledger.jsonl").exists() else []
    arguments = ["train", str(task), "--out", str(folder), "--save-every", f"{EVERY} steps", "--quiet", *resume]
    folder.parent.mkdir(exist_ok=True)
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        _child(arguments, folder, prepare)
    if after is not None:
        time.sleep(max(0.0, begin + after - time.monotonic()))
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _child(arguments: list[str], folder: Path, prepare: Callable[[], object] | None) -> None:
    status = 70
    try:
        log = os.open(folder.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        register_optimizer_step_post_hook(lambda *_: setattr(DONE, "value", DONE.value + 1))
        if prepare is not None:
            prepare()
        app.main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def outcome(folder: Path) -> tuple[Any, Any]:
    """Final weights and the ledger without its times: what must be the same bit for bit."""
    weights = {name: value.numpy().tobytes() for name, value in checkpoint.read(folder / "state.pt")["model"].items()}
    rows = [{k: v for k, v in row.items() if k != "time"} for row in rh.Ledger.read(folder / "ledger.jsonl")]
    return weights, rows


def check_state(folder: Path, before: int) -> tuple[int, int]:
    """The position of the state after a kill, and how many updates are lost with it."""
    done = before + DONE.value
    if checkpoint.never_saved(folder):
        if done > EVERY:
            raise Lost(f"{done} updates done, nothing saved")
        return 0, done
    position = checkpoint.load(folder)[0]["scheduler"]["position"]
    if done - position > EVERY:
        raise Lost(f"{done} updates done, {position} saved: more than {EVERY} lost")
    return position, done - position


def litter(folder: Path) -> list[str]:
    """What a kill has left: where it fell."""
    found = []
    if (folder / "state.tmp").exists():
        found.append("while a state was written" if (folder / "state.pt").exists() else "between the two renames")
        if not (folder / "state.prev.pt").exists() and found[-1] == "between the two renames":
            found[-1] = "in the first save"
    if checkpoint.never_saved(folder):
        found.append("before the first save was done")
    ledger = folder / "ledger.jsonl"
    if ledger.exists() and ledger.stat().st_size and not ledger.read_bytes().endswith(b"\n"):
        found.append("in a row of the ledger")
    return found


class Campaign:
    """Kills, counted."""

    def __init__(self, place: Path, task: Path, seed: int) -> None:
        self.place, self.task, self.random = place, task, random.Random(seed)
        self.kills, self.runs, self.lost, self.where = 0, 0, [0] * (EVERY + 1), dict[str, int]()
        self.peer_kills = self.peer_unreadable = 0
        rh.train(load_task(str(task)), out=place / "warm", progress=False)  # whatever waits for its first use
        begin = time.monotonic()
        self._finish(place / "whole" / "run")
        self.seconds = time.monotonic() - begin
        self.whole = outcome(place / "whole" / "run")

    def killed_run(self, most: int) -> None:
        """One run, killed and resumed until it is through."""
        folder, position = self.place / f"run{self.runs}" / "run", 0
        while self.kills < most:
            DONE.value = 0
            if command(folder, self.task, after=self.random.uniform(0, 1.1 * self.seconds)) != -signal.SIGKILL:
                break
            position = self._note(folder, position)
        self._end(folder)

    def killed_at(self, lines: int) -> bool:
        """A run killed once, before the n-th line of its second save; whether there are so many."""
        folder = self.place / f"line{lines}" / "run"
        DONE.value = 0
        if command(folder, self.task, prepare=lambda: kill_at_line(lines, save=2)) != -signal.SIGKILL:
            return False
        self._note(folder, 0)
        self._end(folder)
        return True

    def peer(self) -> None:
        """The same training with torch.save in place, killed once in the time in which it trains."""
        folder = self.place / f"peer{self.peer_kills}" / "run"
        after = self.random.uniform(0.3, 0.95) * self.seconds
        if command(folder, self.task, prepare=save_in_place, after=after) == -signal.SIGKILL:
            self.peer_kills += 1
            self.peer_unreadable += (folder / "state.pt").exists() and not readable(folder / "state.pt")
        shutil.rmtree(folder.parent)

    def _note(self, folder: Path, position: int) -> int:
        self.kills += 1
        for where in litter(folder) or ["elsewhere"]:
            self.where[where] = self.where.get(where, 0) + 1
        position, lost = check_state(folder, position)
        self.lost[lost] += 1
        return position

    def _end(self, folder: Path) -> None:
        self._finish(folder)
        if outcome(folder) != self.whole:
            raise Lost(f"{folder}: ledger or weights differ from the undisturbed run's")
        left = {path.name for path in folder.iterdir()}
        if left != {"ledger.jsonl", "state.pt", "state.prev.pt", "config.json", "report.html"}:
            raise Lost(f"{folder}: holds {sorted(left)}")
        shutil.rmtree(folder.parent)
        self.runs += 1

    def _finish(self, folder: Path) -> None:
        status = command(folder, self.task)
        if status:
            raise Lost(f"{folder}: status {status}\n{(folder.parent / 'log.txt').read_text()}")

    def report(self) -> None:
        """What happened."""
        print(f"kills {self.kills}, in {self.runs} runs; unreadable states 0; runs that differ at their end 0")
        print("updates lost at a kill: " + ", ".join(f"{n} × {k}" for k, n in enumerate(self.lost)))
        print("the kill fell " + ", ".join(f"{where}: {n}" for where, n in sorted(self.where.items())))
        if self.peer_kills:
            print(f"peer, torch.save in place: {self.peer_unreadable} of {self.peer_kills} files unreadable")


def kill_at_line(lines: int, save: int) -> None:
    """From now on, die before the n-th line that the k-th save executes."""
    real = checkpoint.save
    seen = [0, 0]

    def trace(frame: Any, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in WATCHED or frame.f_code.co_qualname == "_Hashing.write":
            return None  # hundreds of small writes: random kills fall into those
        if event == "line":
            seen[1] += 1
            if seen[1] == lines:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    def traced(*args: Any, **kwargs: Any) -> None:
        seen[0] += 1
        sys.settrace(trace if seen[0] == save else None)
        real(*args, **kwargs)
        sys.settrace(None)

    checkpoint.save = traced


def save_in_place() -> None:
    """From now on, save as most scripts do."""
    checkpoint.save = lambda folder, state, **_: torch.save(state, folder / "state.pt")


def readable(path: Path) -> bool:
    """Whether PyTorch can read a file."""
    try:
        torch.load(path, weights_only=True)
    except Exception:
        return False
    return True


def main() -> int:
    """Kill, resume, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--peer", type=int, default=10)
    parser.add_argument("--lines", action="store_true", help="kill before each line of a save as well")
    parser.add_argument("--task", type=Path, default=TASK)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    sys.modules["matplotlib"] = None  # type: ignore[assignment] # the picture is not what is tested
    with tempfile.TemporaryDirectory() as place:
        try:
            campaign = Campaign(Path(place), given.task, given.seed)
            print(f"PyTorch {torch.__version__}; one run takes {campaign.seconds:.2f} s, saved every {EVERY} updates")
            lines = 0
            while given.lines and campaign.killed_at(lines + 1):
                lines += 1
            if given.lines:
                print(f"killed before each of {lines} lines of a save")
            most = campaign.kills + given.kills
            while campaign.kills < most:
                campaign.killed_run(most)
            while campaign.peer_kills < given.peer:
                campaign.peer()
        except Lost as lost:
            print(f"LOST: {lost}")
            return 1
        campaign.report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
