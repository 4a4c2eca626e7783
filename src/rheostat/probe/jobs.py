"""Short runs side by side: through joblib, on whatever it runs on, with the same result as one after another."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist

from rheostat.errors import SchedulerError, refuse

if TYPE_CHECKING:
    from rheostat.probe.trials import Parcel, Trial

Outcome = tuple["Trial", Exception | None]
Which = tuple[float, int]
_ALONE = threading.Lock()  # random numbers are the process's: threads take turns


class Jobs:
    """Runs trials in other processes.

    Args:
        jobs: how many at once; −1 for as many as there are cores, None for what an enclosing
            `joblib.parallel_config(...)` says.
    """

    def __init__(self, jobs: object) -> None:
        if jobs is not None and (not isinstance(jobs, int) or isinstance(jobs, bool) or jobs == 0 or jobs < -1):
            raise refuse("jobs", jobs, need="a whole number ≥ 1, −1 for all cores, or None", mend="jobs=2")
        self.jobs = jobs
        if self.alone:
            return
        try:
            import cloudpickle  # noqa: F401
            import joblib  # noqa: F401
        except ImportError:
            raise SchedulerError(f"jobs={jobs}: needs joblib. Try pip install 'rheostat[jobs]', or jobs=1.") from None
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            raise refuse("jobs", jobs, need="1 where several processes train together", mend="jobs=1")

    @property
    def alone(self) -> bool:
        """Whether everything stays in this process."""
        return self.jobs == 1

    def packed(self, parcel: Parcel) -> bytes:
        """All that a trial needs, for another process.

        Raises:
            SchedulerError: if something cannot be sent.
        """
        import cloudpickle

        try:
            packed: bytes = cloudpickle.dumps(parcel)
        except Exception as error:  # noqa: BLE001 - whatever cannot be sent says so in its own way
            raise SchedulerError(
                f"jobs={self.jobs}: model, optimizer, batches, loss and score are sent to other processes, and "
                f"something in them cannot be ({type(error).__name__}: {str(error)[:120]}). Try jobs=1."
            ) from None
        return packed

    def run(self, packed: bytes, which: Sequence[Which], told: Callable[[Trial], None]) -> list[Outcome]:
        """The trials of all learning rates, each with its order of the batches.

        Where a process dies, which takes the others' results along, each is tried again by itself: what dies again is
        a trial that came to nothing.
        """
        threads = torch.get_num_threads()  # sums depend on it in their last digits
        try:
            done = self._parallel((packed, threads, one) for one in which)
        except Exception as error:
            if not _died(error):
                raise
            done = [self._apart((packed, threads, one)) for one in which]
        for trial, _ in done:
            told(trial)
        return done

    def _apart(self, job: tuple[Any, ...]) -> Outcome:
        from rheostat.probe.trials import Trial

        try:
            found: Outcome = self._parallel([job])[0]
        except Exception as error:
            if not _died(error):
                raise
            return Trial(job[2][0], math.inf, 0, "its process died"), None
        return found

    def _parallel(self, jobs: Iterable[Any]) -> list[Any]:
        import joblib

        pool = joblib.Parallel(n_jobs=self.jobs, batch_size=1)
        return list(pool(joblib.delayed(_one)(job) for job in jobs))


def _died(error: Exception) -> bool:
    """Whether a worker is gone: joblib's own, or, by their names, those of Dask and Ray."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ in ("KilledWorker", "WorkerCrashedError")


def _one(job: tuple[bytes, int, Which]) -> Outcome:
    """One trial, wherever this runs, and the error that it ended with."""
    import cloudpickle

    packed, threads, which = job
    with _ALONE:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            trials = cloudpickle.loads(packed).unpacked()
            try:
                trial, failure = trials.trial(*which), trials.failure
            finally:
                trials.snapshot.drop()
        finally:
            torch.set_num_threads(before)
    return trial, None if failure is None else _sendable(failure)


def _sendable(error: Exception) -> Exception:
    """An error that can travel: itself, or what it says."""
    import cloudpickle

    try:
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever keeps it from travelling
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
