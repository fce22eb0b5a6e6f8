"""What a contender does in its process: the timed part, and what shows that it is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """What a round measured itself, in place of the worker's clock and memory."""

    seconds: float
    rss_mb: float


@dataclass(frozen=True)
class Work:
    """One contender of one case.

    ``run`` is timed. ``answer`` runs the same code once, untimed, and gives what
    must be equal for all contenders. ``reset`` comes before every run, untimed:
    it removes what the last one left. ``facts`` tells, after the last round, what
    a reader should know besides the time. ``close`` ends what the work keeps.
    """

    run: Callable[[], Sample | None]
    answer: Callable[[], object]
    reset: Callable[[], None] = lambda: None
    facts: Callable[[], dict[str, object]] = dict
    close: Callable[[], object] = lambda: None
