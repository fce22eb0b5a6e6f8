"""Shows rows of latest.json to people: a line while measuring, tables for the README."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
SHOWN = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
RATIOS = {"python": "ratio_python", "best_python": "ratio_best", "rust": "ratio_rust"}

# What each family of cases is about, and what its contenders are called in a heading.
FAMILIES = {
    "call": ("A call", {"python": "ctypes and plain Go", "rust": "PyO3"}),
    "async": ("An await", {"python": "`run_in_executor`", "rust": "pyo3-async-runtimes"}),
    "import": ("A start", {"python": "ctypes and plain Go", "rust": "PyO3"}),
    "tasks": ("A task", {"python": "plain Python", "best_python": "the best Python stack"}),
}


def line(row: Mapping[str, Any]) -> str:
    """Give one row for who waits for the measuring."""
    parts = [f"{row['name']:<24} {time(row['gostitch'], row['unit']):>8}"]
    parts += [f"{name} {cell(row, name)}" for name in RATIOS if row[name] is not None]
    return "   ".join([*parts, f"{row['rss_mb']:.0f} MB"])


def tables(latest: Mapping[str, Any]) -> str:
    """Give all rows as Markdown: a table for each family of cases, then how to read them."""
    text = ""
    for family, rows in groupby(latest["cases"], key=lambda row: row["name"].partition(".")[0]):
        text += table(family, list(rows)) + "\n"
    return text + reading(latest)


def table(family: str, rows: list[Mapping[str, Any]]) -> str:
    """Give the table of one family."""
    heading, names = FAMILIES[family]
    columns = [name for name in RATIOS if any(row[name] is not None for row in rows)]
    titles = [heading, "gostitch", *(names[name] for name in columns), "RSS"]
    lines = [f"| {' | '.join(titles)} |", "|---|" + "---:|" * (len(titles) - 1)]
    for row in rows:
        cells = [
            f"`{row['name']}`: {row['note']}",
            time(row["gostitch"], row["unit"]),
            *(cell(row, name) for name in columns),
            f"{row['rss_mb']:.0f} MB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(row: Mapping[str, Any], name: str) -> str:
    """Give a contender's time with its ratio to ours: above 1, gostitch is quicker."""
    if row[name] is None:
        return ""
    return f"{time(row[name], row['unit'])} ({row[RATIOS[name]]:g}x)"


def time(value: float, unit: str) -> str:
    """Give a time in the unit that people would choose, with three digits."""
    seconds = value * UNITS[unit]
    shown = next((name for name, size in SHOWN.items() if abs(seconds) >= size), "ns")
    number = seconds / SHOWN[shown]
    return f"{number:.{2 if abs(number) < 10 else 1 if abs(number) < 100 else 0}f} {shown}"


def reading(latest: Mapping[str, Any]) -> str:
    """Say how to read the tables, and where they come from."""
    machine, versions = latest["machine"], latest["versions"]
    return (
        "In brackets: that contender's time divided by gostitch's, so above 1 gostitch is quicker. "
        f"Medians of interleaved rounds on {machine['cpus']} cores ({machine['cpu']}), "
        f"Python {machine['python']}, {machine['go']}, PyO3 {versions['pyo3']}, commit "
        f"{latest['commit']}, load {machine['load_before']} before. RSS is the peak of gostitch's "
        "process. Only the ratios travel; what each contender is, and why it is measured so, is in "
        "[docs/decisions/0004](docs/decisions/0004-benchmarks.md).\n"
    )
