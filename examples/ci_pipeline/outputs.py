"""Writes what the demo leaves behind.

`summary.json`, `trace.json`, `index.html`, and the table on the terminal.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gostitch import pages

from .compare import Comparison
from .pipeline import MOVED, STEPS
from .publish import Manifest
from .workplace import in_memory

__all__ = ["TITLE", "environment", "page", "print_table", "summarise", "write"]

TITLE = "One CI pipeline, run in Python and with its heavy steps in Go"

STORY = (
    "The last thing after.py does is to unpack an artifact somebody tampered with: one of its "
    "members climbs out of the folder. Go refuses it before anything is written, and Python "
    "catches an ordinary exception that still knows where in Go it came from."
)


def summarise(
    before: Mapping[str, float],
    after: Mapping[str, float],
    compared: Sequence[Comparison],
    trace: Mapping[str, Any],
) -> dict[str, Any]:
    """Compute the content of `summary.json`."""
    spans = pages.read_trace(trace)
    steps = {
        name: {
            "before_s": round(before[name], 4),
            "after_s": round(after[name], 4),
            "ratio": round(before[name] / after[name], 3),
            "moved": name in MOVED,
        }
        for name in STEPS
    }
    go = sum(span.side == "go" for span in spans.spans)
    return {
        "steps": steps,
        "total_ratio": round(
            sum(before[name] for name in MOVED) / sum(after[name] for name in MOVED), 3
        ),
        "equal": all(one.equal for one in compared),
        "trace_id": spans.trace_ids[0] if spans.trace_ids else "",
        "spans": {"python": len(spans.spans) - go, "go": go},
    }


def page(
    summary: Mapping[str, Any],
    trace: Mapping[str, Any],
    compared: Sequence[Comparison],
    failure: Mapping[str, Any],
    facts: Sequence[tuple[str, str]],
    manifest: Manifest,
) -> str:
    """Make the content of `index.html`."""
    told = pages.Failure(
        story=STORY,
        type=failure["type"],
        code=failure["code"],
        message=failure["message"],
        details=failure["details"],
        python_stack=failure["python_stack"],
        go_stack=failure["go_stack"],
    )
    results = [(one.what, one.before, one.after) for one in compared]
    return pages.demo_page(
        summary,
        trace,
        failure=told,
        results=results,
        environment=facts,
        input_facts=_input_sentence(manifest),
    )


def write(out: Path, summary: Mapping[str, Any], trace: Mapping[str, Any], index: str) -> None:
    """Write the three files; each appears whole."""
    _replace(out / "summary.json", json.dumps(summary, indent=2) + "\n")
    _replace(out / "trace.json", json.dumps(trace, indent=1) + "\n")
    _replace(out / "index.html", index)


def _replace(path: Path, content: str) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)


def environment(runtime: Mapping[str, str], work: Path) -> list[tuple[str, str]]:
    """Facts about this machine and the versions that took part.

    `runtime` is what gostitch told of itself.
    """
    libraries = ("requests", "zstandard", "blake3", "opentelemetry-sdk")
    return [
        ("gostitch", " ".join(part for part in (runtime.get("version", ""), _commit()) if part)),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("Go", runtime.get("go_version", "")),
        (
            "Python libraries",
            ", ".join(f"{name} {importlib.metadata.version(name)}" for name in libraries),
        ),
        (
            "Machine",
            f"{platform.system()} {platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        ),
        ("Load at the end", f"{os.getloadavg()[0]:.1f} over the last minute"),
        ("Working folder", "in memory" if in_memory(work) else "on disk"),
        ("Date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
    ]


def _commit() -> str:
    """Tell the commit of the source tree, where this is one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=10", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return ""
    return f"(commit {done.stdout.strip()})" if done.returncode == 0 else ""


def _input_sentence(manifest: Manifest) -> str:
    """Say in one sentence what went in."""
    archives = sum(bool(item.unpack_to) for item in manifest.inputs)
    size = sum(item.size for item in manifest.inputs) / 1e6
    return (
        f"Input: {len(manifest.inputs) - archives:,} sources (the standard library of this Python "
        "and three packages) "
        f"and {archives} archives and wheels, {size:.0f} MB in all."
    )


def print_table(summary: Mapping[str, Any], out: Path) -> None:
    """Print the table: what each step took, before and after."""
    table = Table()
    for title in ("step", "before", "after", "ratio", "runs in"):
        table.add_column(title, justify="left" if title in ("step", "runs in") else "right")
    for name, step in summary["steps"].items():
        side = "Go" if step["moved"] else "Python"
        table.add_row(
            name,
            f"{step['before_s']:.2f} s",
            f"{step['after_s']:.2f} s",
            f"{step['ratio']:.1f}",
            side,
        )
    table.add_section()
    moved = [step for step in summary["steps"].values() if step["moved"]]
    sums = (sum(step[side] for step in moved) for side in ("before_s", "after_s"))
    table.add_row(
        "moved", *(f"{seconds:.2f} s" for seconds in sums), f"{summary['total_ratio']:.1f}", ""
    )
    print(f"\n{TITLE}")
    Console().print(table)
    spans = summary["spans"]
    print(
        f"results equal: {'yes' if summary['equal'] else 'NO'}; "
        f"one trace of {spans['python']} Python and {spans['go']} Go spans"
    )
    print(f"page: {out / 'index.html'}")
