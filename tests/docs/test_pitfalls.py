"""The page of pitfalls names, in every row, tests that are there."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "pitfalls.md").read_text(encoding="utf-8")
ROWS = [
    line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| what", "| framework |"))
]


def test_every_row_names_tests_that_are_there():
    for row in ROWS:
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", row.rpartition(" | ")[2])
        assert named, row
        for file, name in named:
            functions = ast.parse((TESTS / file).read_text(encoding="utf-8")).body
            assert name in {f.name for f in functions if isinstance(f, ast.FunctionDef)}, f"{file}::{name}"
    assert len(ROWS) >= 40
