"""Write the README's figures from result files: ``make readme``, or with ``--check`` look only.

``results/demo.json`` is the summary that ``make demo`` left, kept by ``--keep-demo``;
``results/test.txt`` is from an output of ``make test``, kept by ``--keep-test``;
``results/latest.json`` is what ``make bench`` left. Nothing is typed in by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks import table
from ci_pipeline import outputs

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Write the figures, or say that they are stale."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the README is stale")
    parser.add_argument("--keep-demo", action="store_true", help="keep the last demo's summary")
    parser.add_argument(
        "--keep-test", type=Path, metavar="FILE", help="keep this output of make test"
    )
    options = parser.parse_args()
    if options.keep_test:
        kept = test_output(options.keep_test.read_text()).strip("`\n")
        (RESULTS / "test.txt").write_text(kept + "\n", encoding="utf-8")
    if options.keep_demo:
        summary = (ROOT / "out" / "demo" / "summary.json").read_text(encoding="utf-8")
        (RESULTS / "demo.json").write_text(summary, encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    written = replace(text, "demo", demo_output(load("demo.json")))
    written = replace(written, "test", test_output((RESULTS / "test.txt").read_text()))
    written = replace(written, "bench", table.tables(load("latest.json")))
    if options.check:
        if written != text:
            print("README.md is stale: run 'python -m benchmarks.readme'", file=sys.stderr)
        return int(written != text)
    README.write_text(written, encoding="utf-8")
    return 0


def load(name: str) -> dict[str, Any]:
    """Read a result file."""
    result: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return result


def replace(text: str, name: str, content: str) -> str:
    """Put content between the markers of its name."""
    pattern = rf"(<!-- {name}:begin[^\n]*-->\n).*?(<!-- {name}:end -->)"
    if not re.search(pattern, text, re.DOTALL):
        raise SystemExit(f"README.md has no markers for {name!r}")
    return re.sub(pattern, lambda m: m[1] + content + m[2], text, flags=re.DOTALL)


def demo_output(summary: dict[str, Any]) -> str:
    """Give what the demo prints at its end."""
    os.environ["COLUMNS"] = "100"  # not that of whoever runs this
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        outputs.print_table(summary, Path("out/demo"))
    return f"```\n{printed.getvalue().strip()}\n```\n"


def test_output(text: str) -> str:
    """Give the lines of ``make test`` that say what ran."""
    telling = re.compile(r"ok\s|All checks|Success|(=+ )?\d+ passed")
    lines = [line.strip("= ").expandtabs() for line in text.splitlines() if telling.match(line)]
    return "```\n" + "\n".join(lines) + "\n```\n"


if __name__ == "__main__":
    sys.exit(main())
