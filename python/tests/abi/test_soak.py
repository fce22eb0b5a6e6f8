"""A short soak: mixed calls from threads and an event loop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_a_short_soak(tmp_path: Path) -> None:
    """60 000 mixed calls give what they must, and leave nothing: no memory, descriptor or call."""
    done = subprocess.run(
        [sys.executable, "-m", "soak", "--calls", "60000", "--every", "0.1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=55,
    )

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    summary = json.loads(done.stdout)
    assert ([], 0) == (summary["complaints"], summary["errors"])
    assert summary["calls"] >= 60_000
