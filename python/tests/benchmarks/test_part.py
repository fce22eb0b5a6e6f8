"""How a part of the long tests ended is kept, whether it failed or not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.part import run


def test_keeps_how_it_ended(tmp_path: Path) -> None:
    """The last line, without its frame, and the exit status; another part's are left alone."""
    results = tmp_path / "parts.json"
    good = "print('one'); print('=== 2 passed in 1.00s ==='); print()"

    assert 0 == run("good", [sys.executable, "-c", good], results)
    assert 3 == run("bad", [sys.executable, "-c", "print('1 failed'); exit(3)"], results)

    kept = json.loads(results.read_text())
    assert ["bad", "good"] == list(kept)
    assert (0, "2 passed in 1.00s") == (kept["good"]["status"], kept["good"]["last_line"])
    assert (3, "1 failed") == (kept["bad"]["status"], kept["bad"]["last_line"])
    assert kept["good"]["commit"]
