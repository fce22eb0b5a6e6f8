"""The caller's trace context down to Go, and Python's tracer provider for Go's spans.

Twin of ``gocore/observe/propagation.go`` and ``provider.go``.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator

from gostitch import _hooks, _pending, _process
from gostitch.exceptions import GoError
from gostitch.observe import _generated, _spans

_EXPORT_TIMEOUT_S = 10.0

_log = logging.getLogger("gostitch")
_inject_baggage = W3CBaggagePropagator().inject

_lock = threading.RLock()
_followed: Any = None
_configuring = False


def trace_context() -> bytes:
    """Give the current span and baggage as three lines: traceparent, tracestate, baggage.

    The part of the span is built once and kept on the span.
    """
    span = trace.get_current_span()
    try:
        header: bytes = span._gostitch_header  # type: ignore[attr-defined]
    except AttributeError:
        header = _header(span)
    if baggage.get_all():
        carrier: dict[str, str] = {}
        _inject_baggage(carrier)
        return (header or b"\n\n") + carrier.get("baggage", "").encode()
    return header


def _header(span: trace.Span) -> bytes:
    context = span.get_span_context()
    header = b""
    if context.is_valid:
        _follow()
        header = (
            f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}\n"
            f"{context.trace_state.to_header()}\n"
        ).encode()
    try:
        span._gostitch_header = header  # type: ignore[attr-defined]
    except AttributeError:
        pass  # a span of somebody's own class, with slots: built anew for each call
    return header


def _follow() -> None:
    """Let Go export as the current tracer provider does, once for each provider."""
    global _followed, _configuring
    provider = trace.get_tracer_provider()
    if provider is _followed or _configuring:
        return
    with _lock:
        if provider is _followed or _configuring:
            return
        _configuring = True
        try:
            _configure(provider)
            _followed = provider
        finally:
            _configuring = False


def _configure(provider: Any) -> None:
    if not hasattr(provider, "resource"):
        return  # the API without an SDK: nothing is exported
    exporter = _grpc_exporter(_exporters(provider))
    _hooks.span = _spans.deliver_to(provider)
    try:
        _generated.configure(traces=_trace_config(provider.resource, exporter))
    except GoError as error:
        _log.warning("spans of Go functions are not exported: %s", error)
        return
    _add_first(provider, _flush_processor())


def _add_first(provider: Any, processor: Any) -> None:
    """Add a span processor before the others, which export what it brings when they flush."""
    provider.add_span_processor(processor)
    several = provider._active_span_processor
    with several._lock:
        *others, added = several._span_processors
        several._span_processors = (added, *others)


def _exporters(provider: Any) -> Iterable[Any]:
    """Find the exporters behind the provider's span processors."""
    waiting = [provider._active_span_processor]
    while waiting:
        processor = waiting.pop(0)
        waiting.extend(getattr(processor, "_span_processors", ()))
        exporter = getattr(processor, "span_exporter", None)
        if exporter is not None:
            yield exporter


def _grpc_exporter(exporters: Iterable[Any]) -> Any:
    for exporter in exporters:
        module = type(exporter).__module__
        if module.startswith("opentelemetry.exporter.otlp.proto.grpc"):
            return exporter
    return None


def _trace_config(resource: Any, exporter: Any) -> _generated.ObserveTraceConfig:
    """Describe where to send; without an exporter, to Python's own (``_spans``)."""
    compression = getattr(exporter, "_compression", None)
    return _generated.ObserveTraceConfig(
        resource=[_attribute(key, value) for key, value in resource.attributes.items()],
        resource_schema_url=resource.schema_url or "",
        endpoint="" if exporter is None else exporter._endpoint,
        insecure=bool(getattr(exporter, "_insecure", True)),
        headers=dict(getattr(exporter, "_headers", None) or ()),
        certificate_file=os.environ.get(
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            os.environ.get("OTEL_EXPORTER_OTLP_CERTIFICATE", ""),
        ),
        gzip=getattr(compression, "name", "") == "Gzip",
        timeout_s=float(getattr(exporter, "_timeout", _EXPORT_TIMEOUT_S)),
    )


def _attribute(key: str, value: Any) -> _generated.ObserveAttribute:
    if isinstance(value, Sequence) and not isinstance(value, str):
        kind = type(value[0]).__name__ if value else "str"
        return _generated.ObserveAttribute(key, f"list of {kind}", [_text(item) for item in value])
    return _generated.ObserveAttribute(key, type(value).__name__, [_text(value)])


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _flush_processor() -> Any:
    """Make the span processor through which the provider's flush reaches Go."""
    from opentelemetry.sdk.trace import SpanProcessor

    class FlushGo(SpanProcessor):
        """Flushes Go's spans when the provider flushes or shuts down."""

        def shutdown(self) -> None:
            """Flush; Go's provider itself lives as long as the library."""
            self.force_flush()

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            """Send what Go has buffered; false if it took too long."""
            if _process.loaded() is None:
                return True
            try:
                _generated.flush(timeout=timeout_millis / 1000)
                _pending.drain_host()
            except GoError:
                return False
            return True

    return FlushGo()


def _after_fork_in_child() -> None:
    global _followed, _lock, _configuring
    _followed, _lock, _configuring = None, threading.RLock(), False


os.register_at_fork(after_in_child=_after_fork_in_child)
