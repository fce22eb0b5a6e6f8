"""Time contenders against each other, fairly on a machine that others use too.

Contenders are interleaved: one round runs each of them once, so that a slow
moment hits all. The median of the rounds counts, and of the results only the
ratios mean anything.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Contender = Callable[[], object]


@dataclass
class Case:
    """One measurement: a name, what is done, and who does it.

    ``contenders`` maps ``gostitch``, ``python``, ``best_python`` or ``rust`` to
    a function that does the work ``size`` times (or on ``size`` bytes).
    ``prove`` must raise unless all contenders give the same result.
    """

    name: str
    size: int
    unit: str
    contenders: Mapping[str, Contender]
    prove: Callable[[], None]
    per_item: bool = False
    note: str | None = None
    before_round: Callable[[], None] = field(default=lambda: None)


def measure(case: Case, rounds: int) -> dict[str, object]:
    """Prove equality, then give the row of the case for latest.json."""
    case.prove()
    times: dict[str, list[float]] = {name: [] for name in case.contenders}
    for _ in range(rounds):
        for name, contender in case.contenders.items():
            case.before_round()
            start = time.perf_counter()
            contender()
            times[name].append(time.perf_counter() - start)
    scale = {"s": 1.0, "us": 1e6, "ns": 1e9}[case.unit] / (case.size if case.per_item else 1)
    medians = {name: statistics.median(values) * scale for name, values in times.items()}
    ours = medians["gostitch"]
    row: dict[str, object] = {"name": case.name, "size": case.size, "unit": case.unit}
    for name in ("gostitch", "python", "best_python", "rust"):
        row[name] = round(medians[name], 4) if name in medians else None
    for name, key in (("python", "python"), ("best_python", "best"), ("rust", "rust")):
        row[f"ratio_{key}"] = round(medians[name] / ours, 2) if name in medians else None
    row["rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    row["note"] = case.note
    return row
