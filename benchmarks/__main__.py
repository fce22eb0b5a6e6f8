"""Run the benchmarks: ``python -m benchmarks [--quick] [--only PREFIX] [--save]``.

``--save`` writes ``benchmarks/results/latest.json``, from which the README's
table is generated (``make readme``).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.cases import awaits, calls, cancels, forks, observe, starts, tasks, undisturbed
from benchmarks.contender import ContenderError
from benchmarks.machine import commit, load, machine, versions
from benchmarks.measure import Case, NotEqualError, measure
from benchmarks.table import line

RESULTS = Path(__file__).parent / "results" / "latest.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen cases and show, or save, their rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller inputs")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only cases with this prefix")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args(arguments)
    if options.save and (options.only or options.quick):
        parser.error("--save keeps a whole run: leave out --only and --quick")
    if not importlib.util.find_spec("rust_peer"):
        print("no rust_peer, since there is no cargo: PyO3 is left out", file=sys.stderr)
    start = time.monotonic()
    loads = {"before": load()}
    where = {"machine": machine(), "versions": versions(), "commit": commit(), "load": loads}
    try:
        rows = list(run(all_cases(options.quick), options.only))
    except (ContenderError, NotEqualError) as error:
        print(f"{error}; nothing is saved", file=sys.stderr)
        return 1
    loads["after"] = load()
    print(f"{len(rows)} cases in {time.monotonic() - start:.0f} s")
    if options.save:
        RESULTS.write_text(json.dumps({**where, "cases": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


def run(cases: Iterable[Case], prefix: str) -> Iterator[dict[str, object]]:
    """Measure the cases with a prefix, one after another, and show each row as it comes."""
    for case in cases:
        if case.name.startswith(prefix):
            found = measure(case)
            print(line(found), flush=True)
            yield found


def all_cases(quick: bool) -> Iterator[Case]:
    """Give all cases."""
    for family in (calls, awaits, cancels, starts, forks, observe, undisturbed, tasks):
        yield from family.cases(quick)


if __name__ == "__main__":
    sys.exit(main())
