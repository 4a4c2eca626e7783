"""Curves drawn in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rheostat.schedule import Curve
from rheostat.view.optional import need
from rheostat.view.points import sample


def terminal(
    curves: Sequence[Curve], labels: Sequence[str], *, width: int = 80, height: int = 18, plain: bool = False
) -> str:
    """One or several curves as text.

    Args:
        curves: the curves.
        labels: what each is called, shown where there are several.
        width: columns, at least 30.
        height: lines, at least 8.
        plain: whether to use ASCII alone, for terminals that show nothing else.

    Returns:
        Lines of text without colours.

    Raises:
        SchedulerError: if plotext is not installed.
    """
    plt = need("plotext")
    plt.clear_figure()
    plt.theme("clear")
    plt.plotsize(max(width, 30), max(height, 8))
    markers = ("*", "o", "+", "x") if plain else ("braille", "dot", "*", "x")
    for i, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        t, values = sample(curve, most=1500)
        plt.plot(t.tolist(), values.tolist(), marker=markers[i % 4], label=label if len(curves) > 1 else None)
    plt.ylim(0, None)
    plt.xlabel(curves[0].unit[:-1])
    text = str(plt.uncolorize(plt.build()))
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(_ascii(lines) if plain else lines)


def _ascii(lines: Sequence[str]) -> list[str]:
    boxes = str.maketrans("─│┌┐└┘├┤┬┴┼┈", "-|++++++++++"[:11] + ".")
    return [line.translate(boxes).encode("ascii", "replace").decode() for line in lines]
