"""A curve in a notebook: a small picture in SVG and its key points, in one piece of HTML without scripts."""

from __future__ import annotations

from html import escape

from rheostat.schedule import Curve
from rheostat.view.points import key_points, sample

_WIDTH, _HEIGHT = 480, 140


def curve_html(curve: Curve) -> str:
    """A curve as self-contained HTML."""
    t, values = sample(curve, most=800)
    right, top = float(t[-1]) or 1.0, float(values.max()) or 1.0
    line = " ".join(
        f"{x / right * _WIDTH:.1f},{_HEIGHT - y / top * (_HEIGHT - 8):.1f}" for x, y in zip(t, values, strict=True)
    )
    rows = "".join(
        f"<tr><td>{point.t}</td><td>{'' if point.epoch is None else f'{point.epoch:.2f}'}</td>"
        f"<td>{point.value:.6g}</td><td>{escape(point.what)}</td></tr>"
        for point in key_points(curve)
    )
    return (
        f"<div><code>{escape(repr(curve.schedule))}</code> over <code>{escape(repr(curve.run))}</code>"
        f'<svg viewBox="0 -4 {_WIDTH} {_HEIGHT + 8}" width="{_WIDTH}" style="display:block" role="img">'
        f'<polyline fill="none" stroke="#1f5fa8" stroke-width="2" points="{line}"/></svg>'
        f"<table><tr><th>{curve.unit[:-1]}</th><th>epoch</th><th>{'factor' if curve.base is None else 'value'}</th>"
        f"<th></th></tr>{rows}</table></div>"
    )
