"""The report of a run: one HTML file that holds its pictures and needs nothing else, to be read anywhere and kept."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; }
.lead { font-size: 1.1rem; margin-top: 0.3rem; }
img { width: 100%; height: auto; } pre { overflow-x: auto; background: #f6f6f4; padding: 0.8rem; font-size: 0.85rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; } th, td { text-align: left; padding: 0.2rem 1.2rem 0.2rem 0; }
th { border-bottom: 1px solid #bbb; font-weight: 600; } td { font-variant-numeric: tabular-nums; }
"""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it, as far as there is something.

    Attributes:
        title: the heading.
        picture: a PNG file, which becomes part of the page.
        seen: what is to be seen on it, for those who do not see it.
        rows: a table; the first row is its head.
        text: lines that keep their places.
    """

    title: str
    picture: Path | None = None
    seen: str = ""
    rows: Sequence[Sequence[str]] = ()
    text: str = ""


def report_html(title: str, lead: str, sections: Sequence[Section]) -> str:
    """A report as one page.

    Args:
        title: what was trained.
        lead: what came out, in one sentence.
        sections: the rest.

    Returns:
        HTML without scripts, and without anything that would have to be fetched.
    """
    body = "\n".join(map(_section, sections))
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n"
        f'<p class="lead">{escape(lead)}</p>\n{body}\n</body></html>\n'
    )
    return page.encode(errors="xmlcharrefreplace").decode()  # halves of a character are no text


def _section(section: Section) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>"]
    if section.picture is not None:
        data = base64.b64encode(section.picture.read_bytes()).decode()
        parts.append(f'<img alt="{escape(section.seen)}" src="data:image/png;base64,{data}">')
    if section.rows:
        parts.append(_table(section.rows))
    if section.text:
        parts.append(f"<pre>{escape(section.text)}</pre>")
    return "\n".join(parts)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *others = (
        "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
        for tag, row in zip(["th", *["td"] * (len(rows) - 1)], rows, strict=True)
    )
    return f"<div><table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in others)}</table></div>"
