"""The Scheduler: writes a curve's values into an optimizer's param groups, and counts what really happened.

scheduler   how a Scheduler is made, and what a loop calls: step, report
changeable  what a user changes: state, extend, cooldown, branch, groups
engine      what moves when an update happens: the position, and with it the values
scheduled   what drives every value now, and the row that the groups hold
clock       which updates happened: hooks on the optimizers
plan        which schedule drives which key of which group, from which base value
columns     reading and writing the values of one key
feedback    metric-driven parts: their states, and what reports make of them
state       what a checkpoint holds, checked
change      a checkpoint and code that disagree: keep, adopt, rebase
amend       a schedule that is extended or cooled down while it runs
takeover    PyTorch's own schedulers, taken over in mid-run
translated  each class of them as a schedule
ranks       one metric, and one time, for all processes
second      a second scheduler on one optimizer: the newer takes over
guards      what looks wrong, said once at the user's line, or raised
cadence     calls of step() compared with updates
"""

from rheostat.driver.scheduler import Scheduler

__all__ = ["Scheduler"]
