"""Pictures of schedules and runs: Matplotlib, the terminal, HTML. No torch.

points     the updates that matter: first, joints, peak, last
pictures   Matplotlib: one curve, several, a run
terminal   the same as text
html       the same in a notebook
audit      planned and used in a log, and the difference
"""

from rheostat.view.audit import audit_picture
from rheostat.view.html import curve_html
from rheostat.view.pictures import check_png, compare_curves, plot_curve, run_picture, save_curves
from rheostat.view.points import Point, key_points, sample
from rheostat.view.terminal import terminal

__all__ = [
    "Point",
    "audit_picture",
    "check_png",
    "compare_curves",
    "curve_html",
    "key_points",
    "plot_curve",
    "run_picture",
    "sample",
    "save_curves",
    "terminal",
]
