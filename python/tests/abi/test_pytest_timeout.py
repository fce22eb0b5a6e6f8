"""pytest-timeout with its method "signal" ends tests that wait in Go as it ends others."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from programs import Programs

_TESTS = """
import socket, time
import pytest
import faults
from gostitch import tasks

pytestmark = pytest.mark.timeout(1, method="signal")
silent = socket.create_server(("127.0.0.1", 0))  # connections are made, and never answered

def test_python():
    time.sleep(60)

def test_fetch(tmp_path):
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
    tasks.fetch([tasks.FetchItem(url, str(tmp_path / "never"))], retries=0)

def test_seen():
    faults.sleep(0.05)  # is seen to be long
    faults.sleep(60)

def test_stream():
    list(faults.await_end_in_stream())

def test_afterwards():
    assert 3 == faults.add(1, 2)
"""


def test_the_method_signal(program: Programs, tmp_path: Path) -> None:
    """Each test fails of its timeout, as soon as one that sleeps does, and the next one runs."""
    (tmp_path / "test_inner.py").write_text(_TESTS)
    done = program(
        "import sys, pytest\n"
        "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--junitxml=report.xml']))",
        timeout=50,
    )

    assert "4 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    cases = {
        case.attrib["name"]: case
        for case in ElementTree.parse(tmp_path / "report.xml").iter("testcase")
    }
    assert [] == list(cases.pop("test_afterwards"))
    said = {name: case[0].attrib["message"] for name, case in cases.items()}
    assert said == dict.fromkeys(cases, said["test_python"])  # Failed: Timeout (>1.0s) from ...
    took = {name: float(case.attrib["time"]) for name, case in cases.items()}
    control = took.pop("test_python")
    # The first call loads the library, and a machine may be busy.
    assert all(each < control + 0.5 for each in took.values()), (control, took)
