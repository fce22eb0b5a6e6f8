"""Run the benchmarks: ``python -m benchmarks [--quick] [--only PREFIX] [--save]``.

``--save`` writes ``benchmarks/results/latest.json``, from which the README's
table is generated (``python -m benchmarks.table``).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Case, measure

RESULTS = Path(__file__).parent / "results" / "latest.json"
ROOT = Path(__file__).parents[1]


def main() -> int:
    """Run the chosen cases and show, or save, their rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller inputs")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only cases with this prefix")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    rows = []
    for case in all_cases(options.quick):
        if not case.name.startswith(options.only):
            continue
        row = measure(case, rounds=5 if options.quick else 15)
        rows.append(row)
        print(line(row), flush=True)
    if options.save:
        text = json.dumps({"machine": machine(), "commit": commit(), "cases": rows}, indent=1)
        RESULTS.write_text(text + "\n", encoding="utf-8")
    return 0


def all_cases(quick: bool) -> Iterator[Case]:
    """Give all cases; each module is only imported when its turn comes."""
    from benchmarks.cases import awaiting, calls

    yield from calls.cases(quick)
    yield from awaiting.cases(quick)


def line(row: dict[str, object]) -> str:
    """Give one row for people."""
    parts = [f"{row['name']:<24} {row['gostitch']:>10} {row['unit']}"]
    ratios = {key: row[f"ratio_{key}"] for key in ("python", "best", "rust")}
    parts += [f"{ratio}x vs {key}" for key, ratio in ratios.items() if ratio is not None]
    return "  ".join(parts) + (f"  ({row['note']})" if row["note"] else "")


def machine() -> dict[str, object]:
    """Describe what the figures were measured on."""
    import gostitch

    info = gostitch.runtime_info()
    return {
        "cpus": os.cpu_count(),
        "arch": platform.machine(),
        "python": platform.python_version(),
        "go": info.get("go_version"),
        "glibc": platform.libc_ver()[1],
        "gostitch": gostitch.__version__,
    }


def commit() -> str:
    """Give the commit, marked if the tree differs from it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
