"""What this process knows of its Go runtime, for people and for tests."""

from __future__ import annotations

import os
from typing import Any

from gostitch._version import VERSION

_NOTHING_LIVE: dict[str, Any] = dict.fromkeys(
    (
        "goroutines",
        "calls",
        "pending",
        "buffers",
        "queues",
        "handles",
        "background_goroutines",
        "background_panics",
        "abandoned",
        "records_dropped",
        "spans_dropped",
        "baggage_dropped",
        "heap_bytes",
    ),
    0,
) | {"in_flight": [], "limits": {}, "max_procs": None, "memory_limit": None, "gc_percent": None}


def runtime_info() -> dict[str, Any]:
    """Tell versions, paths and live counts, without loading the library.

    ``calls`` are being run by Go, ``pending`` are submitted calls whose reply
    Python has not handled, ``buffers`` are pieces of Go memory that Python
    holds, ``handles`` are buffers and queues together, ``abandoned`` are calls
    that run on although their context ended longer ago than the grace (5 s if
    none is set), ``spans_dropped`` are spans of Go that found no room or could not be
    sent, ``baggage_dropped`` entries of baggage that the header could not carry. All
    but these two and the queues of the pumps and of living event loops are zero when
    nothing is under way, and before the library is loaded, when what only it knows is None.
    ``forked_from`` is the process that had loaded the library before this one
    was forked from it, else None; such a process loads a copy of the library at
    its first call. ``mapped`` is what /proc/self/maps calls the library's file:
    its path, or the name of the copy. ``signals_watched`` tells whether Ctrl-C
    ends a call of the main thread, ``faults_covered`` whether a nil dereference
    of Go becomes ``GoPanic``.

    ``in_flight`` describes the calls that run, the oldest hundred: function, age in seconds,
    the caller's trace id, whether it was submitted, and whether its context has ended
    without the function having noticed. ``limits`` has the state of each limit of
    concurrency. ``max_procs``, ``memory_limit`` in bytes (None: none) and ``gc_percent``
    (None: off) are what Go may use.
    """
    # Late, so that the package can be imported where there is no bridge.
    from gostitch import _go_environment, _logs, _pending, _process, _w3c, _waiting
    from gostitch._process import bridge

    library = _process.loaded()
    info: dict[str, Any] = {
        "version": VERSION,
        "pid": os.getpid(),
        "loaded": library is not None,
        "forked_from": _process.forked_from(),
    }
    if library is None:
        unknown = dict.fromkeys(("library", "mapped", "library_version", "go_version", "abi"))
        return (
            info
            | unknown
            | {"functions": [], "signals_watched": False, "faults_covered": False}
            | _NOTHING_LIVE
        )
    stats = library.stats()
    limit = stats.resources.memory_limit
    return info | {
        "library": library.path,
        "mapped": library.mapped,
        "library_version": library.info.version,
        "go_version": library.info.go_version,
        "abi": library.info.abi,
        "functions": sorted(library.functions),
        "signals_watched": bridge.interrupts_watched(),
        "faults_covered": bridge.faults_covered(),
        "goroutines": stats.goroutines,
        "calls": stats.calls,
        "pending": _pending.pending_count(),
        "buffers": stats.buffers,
        "queues": stats.queues,
        "handles": stats.buffers + stats.queues,
        "background_goroutines": stats.background,
        "background_panics": stats.background_panics,
        "abandoned": _waiting.abandoned(stats.lingering),
        "records_dropped": stats.records_dropped + _logs.lost,
        "spans_dropped": stats.spans_dropped,
        "baggage_dropped": _w3c.dropped,
        "heap_bytes": stats.heap_bytes,
        "in_flight": [
            {
                "function": call.function,
                "age_s": call.age_ns / 1e9,
                "trace_id": call.trace_id or None,
                "submitted": call.submitted,
                "ended": call.ended,
            }
            for call in stats.in_flight
        ],
        "limits": {
            of.function: {
                "concurrency": of.concurrency,
                "running": of.running,
                "waiting": of.waiting,
                "refused": of.refused,
            }
            for of in stats.limited
        },
        "max_procs": stats.resources.max_procs,
        "memory_limit": None if limit == _go_environment.NO_LIMIT else limit,
        "gc_percent": None if stats.resources.gc_percent < 0 else stats.resources.gc_percent,
    }
