"""What a service decides about its Go side: resources, limits of functions, forked children.

``configure`` keeps it here; ``_process`` hands it to Go when the library is loaded, in a
forked child too, and at once where it is loaded already.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gostitch import _go_environment
from gostitch._turn import Turn
from gostitch.exceptions import GoTypeError, GoValueError, note_frames

_UNSET: Any = type("_Unset", (), {"__repr__": lambda self: "unset"})()

FORK_POLICIES = ("copy", "error")
EXPORTS = ("auto", "python", "direct")
TRACES = ("inside", "always")

EXPORT_VARIABLE = "GOSTITCH_EXPORT"
"""The environment variable that says how Go's spans leave, if nothing is configured."""

TRACES_VARIABLE = "GOSTITCH_TRACES"
"""The environment variable that says which calls have spans, if nothing is configured."""

_SHARE = 0.5
"""Of the container's memory that Go may fill before it collects harder: the rest is Python's."""

_MOST = 2**31 - 1

_LONGEST_S = 2**32
"""Seconds from which on a time is none: 136 years."""


class Limit(NamedTuple):
    """How many calls of a function run at once, and how long one may take.

    Attributes:
        concurrency: Calls that run at once; None: any number.
        queue: Calls that may wait for their turn; one more gets ``GoLimitError``.
        timeout: Seconds for calls that are made without ``timeout=``, waiting included;
            None: the default timeout.

    """

    concurrency: int | None = None
    queue: int = 1000
    timeout: float | None = None


class Settings(NamedTuple):
    """What was configured; None is left to the environment and to defaults."""

    max_procs: int | None = None
    memory_limit: int | None = None
    gc_percent: int | None = None
    fork: str | None = None
    export: str | None = None
    traces: str | None = None
    request_spans: int | None = None
    limits: Mapping[str, Limit] = {}
    default_timeout: float | None = None
    grace: float | None = None
    go_notes: bool = True


_present = Settings()
_turn = Turn()
_listeners: list[Callable[[Settings], None]] = []


def present() -> Settings:
    """Give what is configured."""
    return _present


def when_changed(apply: Callable[[Settings], None]) -> None:
    """Have settings handed on, those of now at once; what it raises later keeps the old ones."""
    apply(_present)
    _listeners.append(apply)


def configure(
    *,
    max_procs: int | None = _UNSET,
    memory_limit: int | str | None = _UNSET,
    gc_percent: int | str | None = _UNSET,
    fork: str | None = _UNSET,
    export: str | None = _UNSET,
    traces: str | None = _UNSET,
    request_spans: int | None = _UNSET,
    limits: Mapping[str, Limit] | None = _UNSET,
    default_timeout: float | None = _UNSET,
    grace: float | None = _UNSET,
    go_notes: bool = _UNSET,
) -> None:
    """Set what Go may use, and how much of each function; what is not given stays as it is.

    May be called before the first call into Go, and later. It has precedence over the
    environment (``GOMAXPROCS``, ``GOMEMLIMIT``, ``GOGC``, ``GOSTITCH_FORK``, ``GOSTITCH_EXPORT``,
    ``GOSTITCH_TRACES``); None leaves a thing to the environment again from the next load on.

    Args:
        max_procs: Threads that run Go code at once. Default: the processors, or the
            container's share of them.
        memory_limit: Bytes of memory, or text such as ``"512MiB"``, above which Go collects
            garbage harder; ``"off"`` for none. It is no hard limit, and does not
            count Python's memory. Default: half of the container's limit.
        gc_percent: Growth of Go's heap between two collections in percent, or ``"off"``.
        fork: What a forked child gets: ``"copy"``, a Go runtime of its own, or
            ``"error"``, ``ForkedHandleError`` at each call.
        export: How spans of Go leave: ``"python"``, through the processors of the
            ``TracerProvider``; ``"direct"``, from Go to where its OTLP exporter over gRPC sends,
            passing by its other processors; ``"auto"``, which is the default, from Go where no
            processor is passed by.
        traces: Which calls have spans: ``"inside"``, those inside a span of the caller's, which is
            the default; ``"always"``, all, so that a call outside of any span begins a trace, if
            the provider's sampler keeps it.
        request_spans: How many HTTP requests of one call have a span of their own; those above are
            summed on the call's span. Default: 128.
        limits: A ``Limit`` for each function's name in Go, as ``"tasks.fetch"``; replaces
            those that were set before.
        default_timeout: Seconds for calls without ``timeout=``; a call takes
            ``timeout=math.inf`` to have none.
        grace: Seconds that a function may run on after its context has ended, by a timeout or
            by Ctrl-C, before its caller is let go: ``GoTimeoutError`` or ``KeyboardInterrupt``
            then says that it still runs. Calls that this concerns (those with a timeout, and
            those of the main thread) cost about as much as ``submit``. Default: the caller
            waits for the function.
        go_notes: Whether tracebacks of Go errors show where in Go they were made. Default: True.

    Raises ``GoTypeError`` or ``GoValueError`` for a value that cannot be, which names
    the argument; nothing is changed then.

    """
    global _present
    with _turn.taken():
        new = _present
        if max_procs is not _UNSET:
            new = new._replace(
                max_procs=_whole("max_procs", max_procs, 1, _go_environment.MOST_PROCS)
            )
        if memory_limit is not _UNSET:
            new = new._replace(memory_limit=_size(memory_limit))
        if gc_percent is not _UNSET:
            percent = -1 if gc_percent == "off" else _whole("gc_percent", gc_percent, 1)
            new = new._replace(gc_percent=percent)
        if fork is not _UNSET:
            if fork is not None and fork not in FORK_POLICIES:
                raise _value("fork", f"must be 'copy' or 'error', not {fork!r}")
            new = new._replace(fork=fork)
        if export is not _UNSET:
            if export is not None and export not in EXPORTS:
                raise _value("export", f"must be 'auto', 'python' or 'direct', not {export!r}")
            new = new._replace(export=export)
        if traces is not _UNSET:
            if traces is not None and traces not in TRACES:
                raise _value("traces", f"must be 'inside' or 'always', not {traces!r}")
            new = new._replace(traces=traces)
        if request_spans is not _UNSET:
            new = new._replace(request_spans=_whole("request_spans", request_spans, 0))
        if limits is not _UNSET:
            new = new._replace(limits=_limits(limits))
        if default_timeout is not _UNSET:
            new = new._replace(default_timeout=_seconds("default_timeout", default_timeout))
        if grace is not _UNSET:
            new = new._replace(grace=_seconds("grace", grace, zero=True))
        if go_notes is not _UNSET:
            if type(go_notes) is not bool:
                raise GoTypeError(
                    f"go_notes must be True or False, not {type(go_notes).__name__}",
                    details={"argument": "go_notes"},
                )
            new = new._replace(go_notes=go_notes)
        before, _present = _present, new  # who loads the library just now must see them
        try:
            for apply in _listeners:
                apply(new)
        except BaseException:
            _present = before
            raise


_REQUEST_SPANS = 128


def request_spans() -> int:
    """Return how many requests of a call have spans of their own."""
    chosen = _present.request_spans
    return _REQUEST_SPANS if chosen is None else chosen


def traces() -> str:
    """Return which calls have spans; what is no known word counts as the default."""
    chosen = _present.traces or os.environ.get(TRACES_VARIABLE)
    return chosen if chosen in TRACES else TRACES[0]


when_changed(lambda settings: note_frames(settings.go_notes))


def _text(number: float) -> str:
    try:
        return str(number)
    except ValueError:
        return "so large a number"  # thousands of digits, which Python does not print


def _value(argument: str, problem: str) -> GoValueError:
    return GoValueError(f"{argument} {problem}", details={"argument": argument})


def _whole(argument: str, value: Any, least: int, most: int = _MOST) -> int | None:
    if value is None:
        return None
    if type(value) is not int:
        raise GoTypeError(
            f"{argument} must be an int or None, not {type(value).__name__}",
            details={"argument": argument},
        )
    if not least <= value <= most:
        raise _value(argument, f"must be between {least} and {most}, not {_text(value)}")
    return value


def _size(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        number = _go_environment.size(value)
        if number is None:
            raise _value(
                "memory_limit",
                f'must be a number of bytes, text such as "512MiB" or "off", not {value!r}',
            )
        value = number
    if type(value) is not int:
        raise GoTypeError(
            f"memory_limit must be an int, a str or None, not {type(value).__name__}",
            details={"argument": "memory_limit"},
        )
    if not 0 < value <= _go_environment.NO_LIMIT:
        raise _value("memory_limit", f"must be at least 1 byte, not {_text(value)}")
    return value


def _seconds(argument: str, value: Any, *, zero: bool = False) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise GoTypeError(
            f"{argument} must be a number of seconds or None, not {type(value).__name__}",
            details={"argument": argument},
        )
    if not (value > 0 or (zero and value == 0)):
        least = "at least" if zero else "above"
        raise _value(argument, f"must be {least} 0 seconds, not {_text(value)}")
    return None if value > _LONGEST_S else float(value)


def _limits(limits: Any) -> Mapping[str, Limit]:
    if limits is None:
        return {}
    if not isinstance(limits, Mapping):
        raise GoTypeError(
            "limits must be a mapping from names of functions to gostitch.Limit, not "
            f"{type(limits).__name__}",
            details={"argument": "limits"},
        )
    checked = {}
    for name, limit in limits.items():
        where = f"limits[{name!r}]"
        if not isinstance(name, str) or not isinstance(limit, Limit):
            raise GoTypeError(
                f"{where} must be a gostitch.Limit under a function's name, not "
                f"{type(limit).__name__}",
                details={"argument": where},
            )
        checked[name] = Limit(
            _whole(f"{where}.concurrency", limit.concurrency, 1),
            _whole(f"{where}.queue", limit.queue, 0) or 0,
            _seconds(f"{where}.timeout", limit.timeout),
        )
    return checked


def as_go_has_it(settings: Settings, environment: Mapping[bytes, bytes]) -> list[Any]:
    """Give the part of the handshake that says what Go may use; 0 leaves a thing alone.

    The twin of gocore.Settings.
    """
    limit = settings.memory_limit
    if limit is None and b"GOMEMLIMIT" not in environment:
        limit = _share_of_container()
    limits = [
        (name, of.concurrency or 0, of.queue, _ns(of.timeout))
        for name, of in settings.limits.items()
    ]
    return [
        settings.max_procs or 0,
        limit or 0,
        settings.gc_percent or 0,
        limits,
        _ns(settings.default_timeout),
    ]


def _ns(seconds: float | None) -> int:
    return 0 if seconds is None else max(1, int(seconds * 1e9))


def timeout_of(settings: Settings, function: str) -> float | None:
    """Give the seconds for a function's calls without ``timeout=``, as gocore.SetLimits does."""
    limit = settings.limits.get(function)
    own = None if limit is None else limit.timeout
    return settings.default_timeout if own is None else own


def _share_of_container() -> int | None:
    from gostitch import _cgroup

    memory = _cgroup.read().memory
    return None if memory is None else int(memory * _SHARE)


def _after_fork_in_child() -> None:
    global _turn
    _turn = Turn()  # another thread may have had it at the fork


os.register_at_fork(after_in_child=_after_fork_in_child)
