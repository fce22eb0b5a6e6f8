"""What Go logs through OpenTelemetry's API, in Python's logger provider.

Twin of ``gocore/observe/logs.go``. Records of slog go to Python's logging instead (``_logs``).
"""

from __future__ import annotations

import functools
import inspect
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from opentelemetry import _logs, context, trace
from opentelemetry._logs import LogRecord, NoOpLogger, SeverityNumber

from gostitch import _hooks, _pending, _shapes
from gostitch import _logs as _slog
from gostitch.observe import _ends, _generated, _library, _proxies, _watch
from gostitch.observe._guest import tell_once

_FLUSH_S = 30.0
"""Seconds for which a flush waits for Go's records, where it is not told how long it may take."""

_LAST_S = 5.0
"""The same for a shutdown."""

_TOO_OLD = (
    "log records of OpenTelemetry's API in Go are lost: the SDK that is installed takes none but "
    "its own; install opentelemetry-sdk 1.36 or newer"
)

_followed: Any = None


@_shapes.record(
    "time_ns: int64, observed_ns: int64, severity: int64, severity_text: str, body: any, "
    "attributes: map[any], event: str, scope: list[any], caller: str, trace: str"
)
class EntryFrame(NamedTuple):
    """A log record as it crosses (logger.Emit)."""

    time_ns: int  # 0: not known
    observed_ns: int
    severity: int
    severity_text: str
    body: Any
    attributes: dict[str, Any]
    event: str
    scope: tuple[str, str, str, dict[str, Any]]
    caller: str  # id of the span that was current in Python, 16 hexadecimal digits
    trace: str  # the trace context in Go, as lines


decode = _shapes.schema("EntryFrame", globals()).decode


def attach() -> None:
    """Take records from now on, and look again when a provider is set."""
    _hooks.entry = take
    _watch.setting(_logs._internal, "_set_logger_provider")


def follow() -> None:
    """Have Go hand over records if there is a provider that takes them, and flush with it."""
    global _followed
    provider = _proxies.behind(_logs.get_logger_provider())
    if provider is _followed or not _library.is_there():
        return
    records = not isinstance(provider.get_logger("gostitch"), NoOpLogger) and hasattr(
        provider, "force_flush"
    )
    if records and "context" not in inspect.signature(LogRecord).parameters:
        tell_once(_TOO_OLD)
        records = False
    if records or _followed is not None:
        token = context.attach(trace.set_span_in_context(trace.INVALID_SPAN, context.Context()))
        try:
            _generated.configure(logs=_generated.ObserveLogConfig(records=records))
        finally:
            context.detach(token)
    _followed = provider
    if records:
        _bring_go_along(provider)
        _ends.watch()


def _bring_go_along(provider: Any) -> None:
    """Have the flush and the shutdown of a provider be Go's too: first what Go has logged.

    Those of its processors: what ends the provider with the process are its own methods, as they
    were when it was made.
    """
    several = getattr(provider, "_multi_log_record_processor", provider)
    for name, longest in (("force_flush", _FLUSH_S), ("shutdown", _LAST_S)):
        end = getattr(several, name)
        if not hasattr(end, "_gostitch"):
            setattr(several, name, _after_go(end, longest))


def _after_go(end: Callable[..., Any], longest: float) -> Callable[..., Any]:
    """Give what ends after Go, both together within the milliseconds that are the argument."""

    @functools.wraps(end)
    def handle_and_end(*args: Any, **named: Any) -> Any:
        until = time.monotonic() + (args[0] / 1000 if args else longest)
        _pending.settle_host(until)
        if args:
            # With none at all nobody would be asked to flush.
            args = (max(int((until - time.monotonic()) * 1000), 1), *args[1:])
        return end(*args, **named)

    handle_and_end._gostitch = True  # type: ignore[attr-defined]
    return handle_and_end


def take(frame: bytes | memoryview) -> None:
    """Emit a record of Go, in the context of the call that it belongs to."""
    try:
        of: EntryFrame = decode(frame)
        _hooks.run_in_call(lambda: _emit(of), of.caller, of.trace)
    except BaseException:
        _slog.lost += 1
        raise


def _emit(of: EntryFrame) -> None:
    name, version, schema_url, attributes = of.scope
    logger = _logs.get_logger_provider().get_logger(
        name, version or None, schema_url or None, attributes or None
    )
    logger.emit(
        LogRecord(
            timestamp=of.time_ns or None,
            observed_timestamp=of.observed_ns,
            context=context.get_current(),
            severity_text=of.severity_text or None,
            severity_number=SeverityNumber(of.severity),
            body=of.body,
            attributes=of.attributes,
            event_name=of.event or None,
        )
    )


def _after_fork_in_child() -> None:
    global _followed
    _followed = None


os.register_at_fork(after_in_child=_after_fork_in_child)
