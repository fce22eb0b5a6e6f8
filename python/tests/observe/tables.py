"""The tables of docs/configuration.md: ``python -m observe.tables`` writes them anew."""

from __future__ import annotations

from pathlib import Path

from observe.sentry_options import OPTIONS, Option
from observe.variables import VARIABLES, Variable

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"

_HEAD = """# What is configured in Python, and counts in Go

Generated from `python/tests/observe/variables.py` (`python -m observe.tables` in `python/tests`). Each row is a test, below `python/tests/observe/` where nothing else is said.

## Variables of OpenTelemetry

Go reads none of them: what it does is what Python's providers say, whoever configured those. *Direct* is where Go sends spans itself, *through Python* where they go through Python's processors (`gostitch.configure(export=...)`). Log records and metrics of Go always go through Python. *Python's* is what Python's part of the way reads, whatever comes from Go; there the test shows that what Go makes takes this way.

| Variable | Direct | Through Python | | Test |
|---|---|---|---|---|
"""


_OPTIONS = """
## Options of `sentry_sdk.init`

Sentry's client in Python sends all that Go reports. *Yes* is what changes events, spans or headers of Go as it does Python's; *Python's* is what the client does with whatever it sends, or does in Python alone.

| Option | Counts for Go | | Test |
|---|---|---|---|
"""


def rendered() -> str:
    """Return the page."""
    return _HEAD + "".join(map(_row, VARIABLES)) + _OPTIONS + "".join(map(_option, OPTIONS))


def _row(of: Variable) -> str:
    return f"| `{of.name}` | {of.direct} | {of.python} | {_sentence(of.note)} | `{of.test}` |\n"


def _option(of: Option) -> str:
    return f"| `{of.name}` | {of.counts} | {_sentence(of.note)} | `{of.test}` |\n"


def _sentence(note: str) -> str:
    return note if note.startswith(("`", '"')) else note[:1].upper() + note[1:]


if __name__ == "__main__":
    PAGE.write_text(rendered())
