"""The Scheduler: writes a curve's values into an optimizer's param groups, and counts what really happened.

scheduler   the shell: step, report, state
clock       which updates happened: hooks on the optimizers
plan        which schedule drives which key of which group, from which base value
columns     reading and writing the values of one key
feedback    metric-driven parts: their states, and what reports make of them
state       what a checkpoint holds, checked
ranks       one metric for all processes
second      a second scheduler on one optimizer: the newer takes over
guards      warnings at the user's line
"""

from rheostat.driver.scheduler import Scheduler

__all__ = ["Scheduler"]
