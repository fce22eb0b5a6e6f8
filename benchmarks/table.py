"""Shows rows of latest.json to people: a line while measuring, tables for the README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

Row = Mapping[str, Any]

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
SHOWN = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
RATIOS = {"python": "ratio_python", "best_python": "ratio_best", "rust": "ratio_rust"}

# What each family of cases is about, and what its contenders are called in a heading.
FAMILIES = {
    "call": ("A call", {"python": "ctypes and plain Go", "rust": "PyO3"}),
    "async": ("An await", {"python": "`run_in_executor`", "rust": "pyo3-async-runtimes"}),
    "cancel": ("An early end", {"python": "plain Python"}),
    "import": ("A start", {"python": "ctypes and plain Go", "rust": "PyO3"}),
    "fork": ("A fork", {"python": "a fresh process, or one without Go"}),
    "trace": ("What a trace adds to a call", {"python": "a span of Python's SDK"}),
    "observe": ("A call that observing must not disturb", {"python": "its control"}),
    "tasks": ("A task", {"python": "plain Python", "best_python": "the best of Python"}),
}


def line(row: Row) -> str:
    """Give one row for who waits for the measuring."""
    parts = [f"{row['name']:<27} {ours(row):>8}"]
    parts += [f"{name} {theirs(row, name)}" for name in RATIOS if row[name] is not None]
    return "   ".join([*parts, f"{row['rss_mb']:.0f} MB"])


def tables(latest: Mapping[str, Any]) -> str:
    """Give all rows as Markdown: a table for each family of cases, then how to read them."""
    families = groupby(latest["cases"], key=lambda row: row["name"].partition(".")[0])
    parts = [table(family, list(rows)) for family, rows in families]
    return "\n".join([*parts, reading(latest)])


def table(family: str, rows: Sequence[Row]) -> str:
    """Give the table of one family."""
    heading, names = FAMILIES[family]
    columns = [name for name in RATIOS if any(row[name] is not None for row in rows)]
    titles = [heading, "gostitch", *(names[name] for name in columns), "RSS"]
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1)]
    for row in rows:
        cells = [theirs(row, name) for name in columns]
        what = f"`{row['name']}`: {row['note']}"
        lines.append([what, ours(row), *cells, f"{row['rss_mb']:.0f} MB"])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def ours(row: Row) -> str:
    """Give gostitch's time."""
    return time(row["gostitch"], row["unit"]) + also(row, "gostitch")


def theirs(row: Row, name: str) -> str:
    """Give a contender's time with its ratio to ours: above 1, gostitch is quicker."""
    if row[name] is None:
        return ""
    return f"{time(row[name], row['unit'])} ({row[RATIOS[name]]:.2g}x)" + also(row, name)


def also(row: Row, name: str) -> str:
    """Say what else there is to know: sizes, one trial in a hundred, threads, losses."""
    facts = row["facts"].get(name, {})
    if "archive_mb" in facts:
        return f", {facts['archive_mb']:.1f} MB"
    if "returned" in facts:
        return f", p99 {time(facts['returned']['p99'], row['unit'])}"
    if "delivery_us_per_span" in facts:
        return f", and Python's lock for {time(facts['delivery_us_per_span'], 'us')} later"
    if "threads" in facts:
        return f", {facts['threads']} threads, {facts['code_mb']} MB of code"
    if "growth" in facts:
        return f", {facts['growth']:.2f} times the tight loop's"
    if "of_asyncio" in facts:
        return f", {facts['of_asyncio']:.2f} of import asyncio"
    if "dropped" in facts:
        return f", {facts['dropped']} spans dropped"
    if "records_dropped" in facts:
        return f", {facts['records_dropped']} of {facts['records']} records dropped, none uncounted"
    return ""


def time(value: float, unit: str) -> str:
    """Give a time in the unit that people would choose, with about three digits."""
    seconds = value * UNITS[unit]
    shown = next((name for name, one in SHOWN.items() if abs(seconds) >= one), "ns")
    number = seconds / SHOWN[shown]
    return f"{number:.{2 if abs(number) < 10 else 1 if abs(number) < 100 else 0}f} {shown}"


def reading(latest: Mapping[str, Any]) -> str:
    """Say how to read the tables, and what was measured with what."""
    machine, versions, load = latest["machine"], latest["versions"], latest["load"]
    tasks = [row for row in latest["cases"] if row["name"].startswith("tasks.") and row["peers"]]
    stacks = "; ".join(
        f"`{row['name']}`: {row['peers']['python']} / {row['peers']['best_python']}"
        for row in tasks
    )
    return (
        "In brackets: that time divided by gostitch's, so above 1 gostitch is quicker. RSS is the "
        "peak of gostitch's process. Medians of interleaved rounds, equal results proved first, on "
        f"{machine['cpus']} cores ({machine['cpu']}), Python {machine['python']}, "
        f"{machine['go']}, PyO3 {versions['pyo3']}, at commit {latest['commit']} with a load of "
        f"{load['before']:g} before and {load['after']:g} after. "
        "Only the ratios travel; how and why it is measured so: "
        "[decision 4](docs/decisions/0004-benchmarks.md).\n\n"
        f"Plain Python / the best of Python are, for {stacks}.\n"
    )
