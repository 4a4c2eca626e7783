"""Pictures of schedules and runs: Matplotlib, the terminal, HTML. No torch.

points     the updates that matter: first, joints, peak, last
pictures   Matplotlib: one curve, several, a run
terminal   the same as text
html       the same in a notebook
audit      planned and used in a log, and the difference
probe      a range test: loss, marks, band
report     a run on one page of HTML

Import from the rooms: the command draws in the terminal, and waits for nothing that it does not need.
"""
