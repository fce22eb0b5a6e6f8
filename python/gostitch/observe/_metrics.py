"""Counts of the library for the meter of OpenTelemetry that Python has configured.

Twin of ``gocore/observe/metrics.go``. The instruments are observed when a reader collects;
a call pays for a few counters in Go, from the first collection on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry import context, metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation

from gostitch import _pending, _process
from gostitch._turn import Turn
from gostitch._version import VERSION
from gostitch.exceptions import GoError
from gostitch.observe import _generated, _library
from gostitch.observe._guest import tell

_FRESH_S = 0.5
"""Seconds for which what was read serves the instruments of one collection, once each."""

_turn = Turn()
_made = 0  # instruments
_counting: Any = None  # the library that counts already
_read: tuple[float, Any] = (0.0, None)
_served: set[object] = set()  # the instruments that have what was read

Found = Iterable[Observation]


def follow() -> None:
    """Make the instruments, once, and have Go count from now on where somebody collects.

    A provider that is set later gets the instruments too; then Go counts from its first
    collection on.
    """
    global _made
    with _turn.taken():
        if _made < len(_INSTRUMENTS):
            meter = metrics.get_meter("gostitch", VERSION)
            for kind, name, unit, description, observe in _INSTRUMENTS[_made:]:
                make = getattr(meter, f"create_observable_{kind}")
                try:
                    make(name, callbacks=[_callback(observe)], unit=unit, description=description)
                except Exception as error:
                    tell(f"there is no {name}", error)
                _made += 1  # each for itself, as Ctrl-C may strike
        is_sdk = hasattr(metrics.get_meter_provider(), "force_flush")
        if is_sdk and _counting is not _process.loaded():
            _now(None)


def _callback(observe: Callable[[Any], Found]) -> Callable[[CallbackOptions], Found]:
    def observed(options: CallbackOptions) -> Found:
        found = _now(observe)
        return [] if found is None else list(observe(found))

    return observed


def _now(instrument: object) -> Any:
    """Give an instrument the library's counts, read for each collection; nothing is loaded."""
    global _counting, _read
    with _turn.taken():
        at, found = _read
        if not _library.is_there():
            return None
        _counting = _process.loaded()
        is_next = instrument in _served or None in _served
        if found is None or is_next or time.monotonic() - at > _FRESH_S:
            # Below no span of the user's: this is no call of theirs.
            token = context.attach(trace.set_span_in_context(trace.INVALID_SPAN, context.Context()))
            try:
                found = _generated.read_metrics()
            except GoError:
                return None
            finally:
                context.detach(token)
            _read = (time.monotonic(), found)
            _served.clear()
        _served.add(instrument)
        return found


def _of_functions(value: Callable[[Any], float]) -> Callable[[Any], Found]:
    def observe(found: Any) -> Found:
        for each in found.functions:
            yield Observation(value(each), {"code.function.name": each.function})

    return observe


def _of_process(value: Callable[[Any], float]) -> Callable[[Any], Found]:
    return lambda found: [Observation(value(found))]


def _calls(found: Any) -> Found:
    for each in found.functions:
        of = {"code.function.name": each.function}
        yield Observation(each.calls - sum(each.errors.values()), of)
        for code, count in each.errors.items():
            yield Observation(count, of | {"error.type": code})


def _durations(found: Any) -> Found:
    for each in found.functions:
        of = {"code.function.name": each.function}
        for bound, count in zip(found.bounds, each.durations, strict=True):
            yield Observation(count, of | {"le": f"{bound:g}"})
        yield Observation(each.calls, of | {"le": "+Inf"})


def _bytes(found: Any) -> Found:
    for each in found.functions:
        of = {"code.function.name": each.function}
        yield Observation(each.bytes_in, of | {"gostitch.direction": "in"})
        yield Observation(each.bytes_out, of | {"gostitch.direction": "out"})


def _limit(found: Any) -> Found:
    return [] if found.memory_limit < 0 else [Observation(found.memory_limit)]


# Kind, name, unit, description, what is observed. Those of go.* are OpenTelemetry's conventions.
_INSTRUMENTS: list[tuple[str, str, str, str, Callable[[Any], Found]]] = [
    ("counter", "gostitch.calls", "{call}", "Calls that have ended", _calls),
    (
        "counter",
        "gostitch.call.duration",
        "s",
        "Time that calls took",
        _of_functions(lambda each: each.seconds),
    ),
    (
        "counter",
        "gostitch.call.duration.bucket",
        "{call}",
        "Calls that took no longer than so many seconds",
        _durations,
    ),
    (
        "up_down_counter",
        "gostitch.calls.running",
        "{call}",
        "Calls that run",
        _of_functions(lambda each: each.running),
    ),
    (
        "up_down_counter",
        "gostitch.queue.depth",
        "{call}",
        "Submitted calls whose reply was not handled yet",
        lambda _: [Observation(_pending.pending_count())],
    ),
    ("counter", "gostitch.call.bytes", "By", "Bytes of arguments and results", _bytes),
    (
        "counter",
        "gostitch.calls.cancelled",
        "{call}",
        "Calls whose context ended before they did",
        _of_functions(lambda each: each.cancelled),
    ),
    (
        "counter",
        "gostitch.cancel.duration",
        "s",
        "Time from the end of a context to that of its call",
        _of_functions(lambda each: each.cancel_seconds),
    ),
    (
        "counter",
        "gostitch.records.dropped",
        "{record}",
        "Spans and log records that found no room on their way to Python",
        _of_process(lambda found: found.records_dropped),
    ),
    (
        "counter",
        "gostitch.spans.dropped",
        "{span}",
        "Spans that found no room or could not be sent",
        _of_process(lambda found: found.spans_dropped),
    ),
    (
        "up_down_counter",
        "go.goroutine.count",
        "{goroutine}",
        "Goroutines",
        _of_process(lambda found: found.goroutines),
    ),
    (
        "up_down_counter",
        "go.memory.used",
        "By",
        "Memory that Go has of the system",
        _of_process(lambda found: found.memory_bytes),
    ),
    (
        "up_down_counter",
        "gostitch.heap.used",
        "By",
        "Objects on Go's heap, live and not yet collected",
        _of_process(lambda found: found.heap_bytes),
    ),
    ("up_down_counter", "go.memory.limit", "By", "Memory limit of the Go runtime", _limit),
    (
        "up_down_counter",
        "go.memory.gc.goal",
        "By",
        "Size of the heap at which Go collects garbage next",
        _of_process(lambda found: found.heap_goal),
    ),
    (
        "counter",
        "gostitch.gc.cycles",
        "{cycle}",
        "Collections of garbage",
        _of_process(lambda found: found.collections),
    ),
    (
        "counter",
        "gostitch.gc.pause",
        "s",
        "Time that collections stopped all goroutines",
        _of_process(lambda found: found.pause_seconds),
    ),
    (
        "up_down_counter",
        "go.processor.limit",
        "{thread}",
        "Threads that may run Go code at once",
        _of_process(lambda found: found.max_procs),
    ),
]


def _after_fork_in_child() -> None:
    global _turn, _read
    _turn, _read = Turn(), (0.0, None)


os.register_at_fork(after_in_child=_after_fork_in_child)
