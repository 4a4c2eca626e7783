"""Draws rebase.png for docs/resume.md: what a checkpoint at 40 % becomes when the run, or the schedule, changes."""

from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt

import rheostat as rh

SAVED, LONGER, AT = rh.Run(steps=1000), rh.Run(steps=1600), 400
SHAPES = [
    "warmup('5%') >> cosine(end=0.1)",
    "warmup('60%') >> cosine(end=0.1)",
    "linear()",
    "wsd(warmup='5%', cooldown='20%')",
    "step(every='30%', factor=0.3)",
    "inverse_sqrt('100 steps')",
    "cosine_restarts(period='400 steps', end=0.05)",
    "constant(0.5)",
]


def main() -> None:
    figure, panels = plt.subplots(2, 4, figsize=(13, 5), sharex=True, sharey=True, layout="constrained")
    old = rh.parse(SHAPES[0]).over(SAVED)
    for ax, text in zip(panels.flat, SHAPES, strict=True):
        new = rh.parse(text)
        rebased = new.rebase(f"{AT} steps", old.at(AT)).over(LONGER)
        ax.plot(old.values(), color="0.6", linestyle="--", label="saved, of 1000")
        ax.plot(new.over(LONGER).values(), color="0.75", label="new, of 1600")
        ax.plot(range(AT), old.values(0, AT), color="tab:blue", linewidth=2)
        ax.plot(range(AT, 1600), rebased.values(AT, 1600), color="tab:blue", linewidth=2, label="rebased at 400")
        ax.set_title(text, fontsize=9)
        ax.grid(alpha=0.3)
    panels[0, 0].legend(fontsize=8)
    figure.supxlabel("update")
    figure.supylabel("factor")
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=90)


if __name__ == "__main__":
    main()
