"""The README shows every figure that is committed, in units that people read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import table

LATEST = Path(__file__).parents[3] / "benchmarks" / "results" / "latest.json"


@pytest.fixture
def latest() -> dict[str, Any]:
    """The committed figures."""
    loaded: dict[str, Any] = json.loads(LATEST.read_text())
    return loaded


def test_every_row_is_shown(latest: dict[str, Any]) -> None:
    """Each with its time and every ratio it has."""
    text = table.tables(latest)

    for row in latest["cases"]:
        (shown,) = [line for line in text.splitlines() if f"`{row['name']}`: {row['note']}" in line]
        assert table.ours(row) in shown
        ratios = [row[key] for key in table.RATIOS.values() if row[key] is not None]
        assert len(ratios) == shown.count("x)")


def test_every_family_is_measured(latest: dict[str, Any]) -> None:
    """Calls, awaits, starts and tasks are all in the committed figures."""
    assert list(table.FAMILIES) == list(
        dict.fromkeys(row["name"].partition(".")[0] for row in latest["cases"])
    )


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1284.0, "ns", "1.28 µs"),
        (45.5, "ns", "45.5 ns"),
        (0.4, "ns", "0.40 ns"),
        (52.17, "us", "52.2 µs"),
        (2683.0, "us", "2.68 ms"),
        (0.812, "s", "812 ms"),
        (12.1, "s", "12.1 s"),
        (-0.2, "ms", "-200 µs"),
    ],
)
def test_times_are_readable(value: float, unit: str, expected: str) -> None:
    """Whatever unit they were kept in."""
    assert expected == table.time(value, unit)
