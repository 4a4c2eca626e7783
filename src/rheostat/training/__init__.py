"""A Task and the small loop that trains it: behind `rheostat train`, the examples, and `rh.train`.

task        what is trained, and how to read one from a file
loop        the loop
checkpoint  saving so that a crash at any moment loses nothing
disk        files that are there whole or not at all
restart     whether a checkpoint belongs to this run
interval    how often to save
folder      the folder of a run, and what was asked for
randomness  the random number generators
result      what came out
summary     the table and the picture at the end
report      all of it on one page
"""

from rheostat.training.loop import train
from rheostat.training.result import Result
from rheostat.training.task import Task, load_task

__all__ = ["Result", "Task", "load_task", "train"]
