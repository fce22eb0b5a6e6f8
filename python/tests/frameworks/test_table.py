"""The table of frameworks names tests, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "frameworks.md"


def test_each_row_is_a_test() -> None:
    """Each row's tests exist, and each test of the frameworks is in a row."""
    named = set()
    for row in PAGE.read_text().splitlines():
        if not row.startswith("| ") or row.startswith(("| With", "| Set-up")):
            continue
        tests = re.findall(r"`(?:([\w/]+\.py)::)?(test_\w+)`", row.rsplit("|", 2)[1])
        assert tests, row
        file = ""
        for of, name in tests:
            file = of or file
            if "/" in file:  # a test of another folder
                assert f"def {name}(" in (Path(__file__).parents[1] / file).read_text()
            else:
                named.add((file, name))
    here = Path(__file__)
    found = {
        (path.name, name)
        for path in here.parent.glob("test_*.py")
        for name in re.findall(r"^def (test_(?!it)\w+)", path.read_text(), re.MULTILINE)
    }
    assert found - {(here.name, "test_each_row_is_a_test")} == named
