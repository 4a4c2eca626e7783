"""Finding a learning rate: the range test, and short runs.

find        a range test for where to look, then short runs of the real schedule; found is what the user gets
trials      those runs; choice what they say
range_test  the ready-made loop; step is one update
sweep       the ramp, for a loop of one's own
ramp        one factor for all groups
stop        when a ramp has seen enough
snapshot    everything that a trial changes, put back; keep (values) and store (copies of tensors) are its parts
batches     batches without an end
curve       a recorded ramp; recorded reads those of other libraries
reading     what it says: rules, suggestion, band, status; smooth is the loss without its noise
result      what the user gets
"""

from rheostat.probe.find import find_lr
from rheostat.probe.found import FindResult
from rheostat.probe.range_test import range_test
from rheostat.probe.reading import read
from rheostat.probe.recorded import read_range
from rheostat.probe.result import RangeResult
from rheostat.probe.snapshot import Snapshot
from rheostat.probe.sweep import Sweep

__all__ = ["FindResult", "RangeResult", "Snapshot", "Sweep", "find_lr", "range_test", "read", "read_range"]
