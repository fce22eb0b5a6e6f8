"""observe.collector_*: calls under a sampled span, whose spans are sent to a collector."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import repeat

from opentelemetry import trace

import faults
import gostitch
from benchmarks.contenders.observe_gostitch import CURRENT, send_to
from benchmarks.work import Work

_FLUSH_S = 1.0


def well(count: int, rest_s: float) -> Work:
    """Send to a collector that answers."""
    return _served("answers", count, rest_s)


def hung(count: int, rest_s: float) -> Work:
    """Send to one that never answers."""
    return _served("hangs", count, rest_s)


def refusing(count: int, rest_s: float) -> Work:
    """Send to one that refuses."""
    return _served("refuses", count, rest_s)


def gone(count: int, rest_s: float) -> Work:
    """Send to where nobody listens."""
    return _calls("http://127.0.0.1:9", count, rest_s)


def _served(how: str, count: int, rest_s: float) -> Work:
    # In a process of its own, so that it does not hold this one's lock.
    command = [sys.executable, "-m", "benchmarks.contenders.ill_collector", how]
    collector = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert collector.stdin is not None
    assert collector.stdout is not None
    endpoint = collector.stdout.readline().strip()

    def close() -> None:
        collector.communicate(timeout=20)

    return _calls(endpoint, count, rest_s, close)


def _calls(
    endpoint: str, count: int, rest_s: float, close: Callable[[], object] = lambda: None
) -> Work:
    logging.disable()
    send_to(endpoint)
    gostitch.configure(export="direct")

    def run() -> None:
        structured, inner = faults.structured, faults.FaultsInner(7, "linux")
        numbers = list(range(20))
        with trace.use_span(CURRENT["sampled"]):
            for _ in repeat(None, count):
                structured("release", numbers, inner)

    def answer() -> int:
        return faults.structured("release", [1, 2], faults.FaultsInner(7, "linux")).total

    def facts() -> dict[str, object]:
        began = time.perf_counter()
        gostitch.force_flush(_FLUSH_S)
        return {
            "flush_s": round(time.perf_counter() - began, 2),
            "dropped": gostitch.runtime_info()["spans_dropped"],
        }

    return Work(run, answer, reset=lambda: time.sleep(rest_s), facts=facts, close=close)
