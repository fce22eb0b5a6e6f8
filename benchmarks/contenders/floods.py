"""observe.log_flood: log records of Go while a thread of Python computes."""

from __future__ import annotations

import logging
import threading
import time

import faults
import gostitch
from benchmarks.work import Sample, Work
from gostitch import _logs

_FLUSH_S = 20.0


class _Counting(logging.Handler):
    """Counts the records it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.records = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1


def written(goroutines: int, records: int) -> Work:
    """Write so many records from each goroutine; each is handled, or counted as dropped."""
    logger, handler = logging.getLogger(_logs.LOGGER), _Counting()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    faults.log(0, "loads the library, which then follows the level")
    while not handler.records:
        faults.log(0, "not yet followed")
        time.sleep(0.001)
    _flush()
    handled, dropped = handler.records, _dropped()
    rounds = 0

    def run() -> Sample:
        nonlocal rounds
        rounds += 1
        ends = threading.Event()

        def compute() -> None:
            while not ends.is_set():
                sum(range(1000))

        computing = threading.Thread(target=compute)
        computing.start()
        try:
            begun = time.perf_counter()
            faults.flood(goroutines, records)
            seconds = time.perf_counter() - begun
        finally:
            ends.set()
            computing.join()
        return Sample(seconds, 0.0)

    def facts() -> dict[str, object]:
        _flush()
        everything = rounds * goroutines * records
        lost = _dropped() - dropped
        accounted = handler.records - handled + lost
        if accounted != everything:
            raise AssertionError(f"{accounted} of {everything} records are accounted for")
        return {"records": everything, "records_dropped": lost}

    return Work(run, lambda: goroutines, reset=_flush, facts=facts)


def _flush() -> None:
    if not gostitch.force_flush(_FLUSH_S):
        raise AssertionError("records of Go were not handled in time")


def _dropped() -> int:
    return int(gostitch.runtime_info()["records_dropped"])
