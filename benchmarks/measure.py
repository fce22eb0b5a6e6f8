"""Time contenders against each other, fairly on a machine that others use too.

Each contender has a process of its own. They are interleaved: one round runs
each of them once, so that a slow moment hits all. The median of the rounds
counts, and of the results only the ratios mean anything elsewhere. Why, is in
docs/decisions/0004-benchmarks.md.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.contender import Contender

# The places of a row, and the key of the ratio to each.
CONTENDERS = {"gostitch": None, "python": "python", "best_python": "best", "rust": "rust"}
SCALES = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


@dataclass(frozen=True)
class Case:
    """One measurement: a name, what is done, and who does it.

    ``contenders`` says for some of CONTENDERS which ``module:function`` gives its
    work, and is called with ``arguments``. It does something of the size ``size``,
    ``times`` times a round. ``peers`` tells readers what each contender but gostitch is.
    """

    name: str
    size: int
    unit: str
    note: str
    contenders: Mapping[str, str]
    peers: Mapping[str, str]
    arguments: Mapping[str, object] = field(default_factory=dict)
    times: int = 1
    otel: bool = False
    rounds: int = 15


class NotEqualError(Exception):
    """Contenders do not do the same thing, so that comparing their times means nothing."""


def measure(case: Case) -> dict[str, object]:
    """Prove equality, then give the row of the case for latest.json."""
    with ExitStack() as processes:
        contenders = [
            processes.enter_context(Contender(name, where, case.arguments, case.otel))
            for name, where in case.contenders.items()
        ]
        prove(case, contenders)
        seconds: dict[str, list[float]] = {one.name: [] for one in contenders}
        rss: dict[str, list[float]] = {one.name: [] for one in contenders}
        for _ in range(case.rounds):
            for one in contenders:
                sample = one.ask("round")
                seconds[one.name].append(sample["seconds"])
                rss[one.name].append(sample["rss_mb"])
        facts = {one.name: one.ask("facts") for one in contenders}
    scale = SCALES[case.unit] / case.times
    medians = {name: statistics.median(values) * scale for name, values in seconds.items()}
    peaks: dict[str, object] = {name: round(max(values), 1) for name, values in rss.items()}
    return row(case, medians, peaks, {name: found for name, found in facts.items() if found})


def prove(case: Case, contenders: list[Contender]) -> None:
    """Refuse to compare contenders that do not give the same answer, gostitch's."""
    answers = {one.name: one.ask("answer") for one in contenders}
    for name, answer in answers.items():
        if answer != answers["gostitch"]:
            raise NotEqualError(
                f"{case.name}: {name} gives {answer}, but gostitch {answers['gostitch']}"
            )


def row(
    case: Case,
    medians: Mapping[str, float],
    peaks: Mapping[str, object],
    facts: Mapping[str, object],
) -> dict[str, object]:
    """Give what latest.json keeps of a case; what a case lacks is None."""
    figures: dict[str, object] = {
        name: float(f"{medians[name]:.4g}") if name in medians else None for name in CONTENDERS
    }
    ratios: dict[str, object] = {
        f"ratio_{key}": (
            float(f"{medians[name] / medians['gostitch']:.3g}") if name in medians else None
        )
        for name, key in CONTENDERS.items()
        if key
    }
    return {
        "name": case.name,
        "size": case.size,
        "unit": case.unit,
        **figures,
        **ratios,
        "rss_mb": peaks["gostitch"],
        "note": case.note,
        "peers": dict(case.peers),
        "peers_rss_mb": {name: peak for name, peak in peaks.items() if name != "gostitch"},
        "facts": dict(facts),
        "rounds": case.rounds,
        "otel": case.otel,
    }
