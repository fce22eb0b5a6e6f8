"""Options of Sentry's client count for what Go reports as they do for what Python does."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sentry_sdk.consts import ClientConstructor

from observe.sentry_options import LIKE_PYTHON, OPTIONS, Option

HERE = Path(__file__).parent
ROWS = [(row, source) for row in OPTIONS if row.test == LIKE_PYTHON for source in row.sources]


@pytest.fixture(scope="module")
def aspects() -> dict[tuple[str, str], list[Any]]:
    """What was seen of each row: without the option, with it, and with it in Go."""
    done = subprocess.run(
        [sys.executable, "-m", "observe.optioned"],
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return {
        (name, source): seen
        for name, source, *seen in (json.loads(line) for line in done.stdout.splitlines())
    }


@pytest.mark.parametrize(("row", "source"), ROWS, ids=[f"{row.name}-{of}" for row, of in ROWS])
def test_events_of_go_are_as_those_of_python(row: Option, source: str, aspects: Any) -> None:
    """What the option changes in an event of Python's own, it changes in one of Go."""
    without, python, go = aspects[row.name, source]

    assert without != python
    assert python == go


def test_each_option_is_in_the_table() -> None:
    """All that sentry_sdk.init takes; each test is there."""
    parameters = list(inspect.signature(ClientConstructor.__init__).parameters)[1:]

    assert sorted(parameters) == sorted(row.name for row in OPTIONS)
    for row in OPTIONS:
        file, _, test = row.test.partition("::")
        assert f"def {test}(" in (HERE / file).read_text(), row
