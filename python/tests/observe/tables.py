"""The tables of docs/configuration.md: ``python -m observe.tables`` writes them anew."""

from __future__ import annotations

from pathlib import Path

from observe.variables import VARIABLES, Variable

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"

_HEAD = """# What is configured in Python, and counts in Go

Generated from `python/tests/observe/variables.py` (`python -m observe.tables` in `python/tests`). Each row is a test, below `python/tests/observe/` where nothing else is said.

## Variables of OpenTelemetry

Go reads none of them: what it does is what Python's providers say, whoever configured those. *Direct* is where Go sends spans itself, *through Python* where they go through Python's processors (`gostitch.configure(export=...)`). Log records and metrics of Go always go through Python. *Python's* is what Python's part of the way reads, whatever comes from Go.

| Variable | Direct | Through Python | | Test |
|---|---|---|---|---|
"""


def rendered() -> str:
    """Return the page."""
    return _HEAD + "".join(map(_row, VARIABLES))


def _row(of: Variable) -> str:
    note = of.note if of.note.startswith("`") else of.note[:1].upper() + of.note[1:]
    return f"| `{of.name}` | {of.direct} | {of.python} | {note} | `{of.test}` |\n"


if __name__ == "__main__":
    PAGE.write_text(rendered())
