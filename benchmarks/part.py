"""Run a part of the tests that take long, and keep how it ended in ``results/parts.json``.

``python -m benchmarks.part NAME COMMAND...``: the parts of ``make soak`` and ``make test-nightly``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.machine import commit

RESULTS = Path(__file__).parent / "results" / "parts.json"


def run(name: str, command: list[str], results: Path = RESULTS) -> int:
    """Run the command, show what it prints, and return its exit status, which is kept.

    With it are kept the commit, the seconds that it took, and the last line that it printed.
    """
    of, begun, last = commit(), time.monotonic(), ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip("= \n") or last
    kept = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    kept[name] = {
        "commit": of,
        "seconds": round(time.monotonic() - begun),
        "status": process.returncode,
        "last_line": last,
    }
    results.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return process.returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
