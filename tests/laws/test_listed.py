"""The page of laws names every law there is, and no other."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reliability-laws.md"


def laws(path):
    """The tests of a file that hypothesis drives."""
    functions = (node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef))
    return {f.name for f in functions if any(ast.unparse(d).startswith("given(") for d in f.decorator_list)}


def test_the_page_names_every_law():
    listed = re.findall(r"^- `(test_\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(set().union(*(laws(path) for path in HERE.glob("test_*.py"))))
    assert len(listed) >= 25
