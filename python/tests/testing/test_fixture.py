"""The fixture of pytest, in a project of a user's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]  # where the module of faults is

_TEST = """
import threading

import pytest
from opentelemetry import trace

import faults
from gostitch.testing import fake_library

def in_span(work):
    with trace.get_tracer("test").start_as_current_span("handler"):
        work()

def call():
    faults.add(1, 2)

def faked(work):
    with fake_library() as fake:
        fake.returns(faults.add, 3)
        in_span(work)

def elsewhere():
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
"""

# A test, its marker, and the outcome with a word of what is said of it. A "!" at the end of a name: the
# test does not ask for the fixture.
_TESTS = {
    "marked only!": (
        "in_span(call)",
        "@pytest.mark.stitched(root='handler')",
        "passed",
        "1 passed",
    ),
    "torn, and marked only!": (
        "in_span(elsewhere)",
        "@pytest.mark.stitched",
        "failed",
        "faults.add() was called 1 times, and 0 of the calls have a span",
    ),
    "torn, in a class that is marked!": (
        "in_span(elsewhere)",
        "pytestmark = pytest.mark.stitched",
        "failed",
        "faults.add() was called 1 times, and 0 of the calls have a span",
    ),
    "whole": ("in_span(call)", "", "passed", "1 passed"),
    "expected": (
        "in_span(call)",
        "@pytest.mark.stitched(root='handler', calls=['faults.add'])",
        "passed",
        "1 passed",
    ),
    "torn": (
        "in_span(elsewhere)",
        "",
        "failed",
        "faults.add() was called 1 times, and 0 of the calls have a span",
    ),
    "of another root": (
        "in_span(call)",
        "@pytest.mark.stitched(root='request')",
        "failed",
        "the root is handler, not request",
    ),
    "failing": ("in_span(elsewhere); assert False", "", "failed", "1 failed"),
    "faked, and torn!": (
        "faked(elsewhere)",
        "@pytest.mark.stitched(root='handler')",
        "failed",
        "faults.add() was called 1 times where no span is current",
    ),
    "faked, and whole!": (
        "faked(call)",
        "@pytest.mark.stitched(root='handler')",
        "passed",
        "1 passed",
    ),
    "marked wrongly": (
        "in_span(call)",
        "@pytest.mark.stitched('handler')",
        "error",
        "the marker 'stitched' takes its arguments by name",
    ),
}


@pytest.mark.parametrize("name", _TESTS)
def test_a_test_of_a_user(tmp_path: Path, name: str) -> None:
    """Green where the trace is whole, red by its own reason where not."""
    body, marker, outcome, word = _TESTS[name]
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['gostitch.testing.pytest_plugin']\n")
    fixture = "" if name.endswith("!") else "stitched"
    test = f"{_TEST}\n{marker}\ndef test_it({fixture}):\n    {body}\n"
    (tmp_path / "test_it.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--strict-markers", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert word in done.stdout, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].strip("= ").startswith(f"1 {outcome} in")
