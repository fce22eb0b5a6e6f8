"""Write the README's figures from result files: ``python -m benchmarks.readme [--check]``.

``results/demo.json`` is the summary that ``make demo`` left, kept by ``--keep-demo``;
``results/latest.json`` is what ``make bench`` left. Nothing is typed in by hand.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Write the figures, or say that they are stale."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the README is stale")
    parser.add_argument("--keep-demo", action="store_true", help="keep the last demo's summary")
    options = parser.parse_args()
    if options.keep_demo:
        summary = (ROOT / "out" / "demo" / "summary.json").read_text(encoding="utf-8")
        (RESULTS / "demo.json").write_text(summary, encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    written = replace(text, "demo", demo_table(load("demo.json")))
    written = replace(written, "bench", bench_table(load("latest.json")))
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


def replace(text: str, name: str, table: str) -> str:
    """Put a table between the markers of its name."""
    pattern = rf"(<!-- {name}:begin[^\n]*-->\n).*?(<!-- {name}:end -->)"
    if not re.search(pattern, text, re.DOTALL):
        raise SystemExit(f"README.md has no markers for {name!r}")
    return re.sub(pattern, lambda m: m[1] + table + m[2], text, flags=re.DOTALL)


def demo_table(summary: dict[str, Any]) -> str:
    """Give the demo's steps, and the moved ones together."""
    lines = ["| Step | Python | with Go | Ratio | Runs in |", "|---|---|---|---|---|"]
    for name, step in summary["steps"].items():
        side = "Go" if step["moved"] else "Python"
        lines.append(
            f"| {name} | {step['before_s']:.2f} s | {step['after_s']:.2f} s "
            f"| {step['ratio']:.1f} | {side} |"
        )
    moved = [step for step in summary["steps"].values() if step["moved"]]
    before, after = (sum(step[key] for step in moved) for key in ("before_s", "after_s"))
    lines.append(
        f"| **moved steps** | **{before:.2f} s** | **{after:.2f} s** "
        f"| **{summary['total_ratio']:.1f}** | |"
    )
    spans = summary["spans"]
    lines.append("")
    lines.append(
        f"Results equal: {'yes' if summary['equal'] else 'no'}. "
        f"One trace of {spans['python']} Python and {spans['go']} Go spans."
    )
    return "\n".join(lines) + "\n"


def bench_table(latest: dict[str, Any]) -> str:
    """Give the cases that compare with something."""
    machine = latest["machine"]
    lines = ["| Case | gostitch | Compared with | Ratio |", "|---|---|---|---|"]
    lines += [
        f"| `{case['name']}` | {case['gostitch']:.3g} {case['unit']} "
        f"| {case['note']}: {case['python']:.3g} {case['unit']} | {case['ratio_python']} |"
        for case in latest["cases"]
    ]
    lines.append("")
    lines.append(
        f"{machine['cpus']} cores, {machine['arch']}, Python {machine['python']}, "
        f"{machine['go']}; medians, contenders interleaved. Only the ratios travel."
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
