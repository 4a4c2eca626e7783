"""Every Python block of the documentation runs, in the order of its page, in one namespace for each page.

A block that cannot run says so, in the line before it: `<!-- not run: why -->`. It must be Python all the same.
"""

import re
import textwrap
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(
    r"^(?P<before>[^\n]*)\n(?P<indent>[ \t]*)```(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
NOT_RUN = re.compile(r"\s*<!-- not run: \S.* -->")
LANGUAGES = {"python", "console", "diff", "text", "yaml", "json", ""}


def blocks(text):
    """(language, what else the fence says, the line before it, the code, its line) of each fence."""
    for match in FENCE.finditer("\n" + text):
        language, _, rest = match["info"].strip().partition(" ")
        yield (
            language,
            rest.strip(),
            match["before"],
            textwrap.dedent(match["code"]),
            text.count("\n", 0, match.start("code") - 1),
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, namespace = page.read_text(), {"__name__": "page"}
    for language, rest, before, source, line in blocks(text):
        assert language in LANGUAGES, f"{page.name}:{line}: a fence of {language!r}: is it Python that would not run?"
        assert not rest, f"{page.name}:{line}: {rest!r} means nothing on a fence here"
        if language != "python":
            continue
        code = compile("\n" * line + source, str(page), "exec")
        if not NOT_RUN.fullmatch(before):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                exec(code, namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_fence_is_seen(page):
    text = page.read_text()
    assert 2 * len(list(blocks(text))) == len(re.findall(r"^[ \t]*```", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\n```python\nx = 1\n```\n", [("python", "", "a", "x = 1\n", 2)]),
        ("```python\nx = 1\n```\n", [("python", "", "", "x = 1\n", 1)]),
        ("- item\n\n  ```python\n  x = 1\n  ```\n", [("python", "", "", "x = 1\n", 3)]),
        (
            "<!-- not run: a GPU -->\n```python title=a\nx\n```",
            [("python", "title=a", "<!-- not run: a GPU -->", "x\n", 2)],
        ),
    ],
)
def test_fences_of_every_kind_are_found(text, seen):
    assert list(blocks(text)) == seen


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
