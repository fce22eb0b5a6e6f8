"""Python's tracer provider, for Go's spans.

Twin of ``gocore/observe/provider.go``. Needs the OpenTelemetry SDK, and reads
from it what it keeps to itself: there is no public way to ask a provider where
it exports to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from opentelemetry import context, trace
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

from gostitch import _hooks, _pending, _process
from gostitch.exceptions import GoError
from gostitch.observe import _generated, _spans

_EXPORT_TIMEOUT_S = 10.0


def serve(provider: Any) -> None:
    """Let Go export as the provider does: to the same place, or through it."""
    exporter = route(provider).exporter
    _hooks.span = _spans.deliver_to(provider)
    _generated.configure(traces=_trace_config(provider.resource, exporter))
    if not any(isinstance(one, FlushGo) for one in _inside(provider._active_span_processor)):
        _add_first(provider, FlushGo())


def _add_first(provider: Any, processor: Any) -> None:
    """Add a span processor before the others, which export what it brings when they flush."""
    provider.add_span_processor(processor)
    several = provider._active_span_processor
    with several._lock:
        *others, added = several._span_processors
        several._span_processors = (added, *others)


class Route(NamedTuple):
    """The way Go's spans take: to ``exporter``'s place, or if that is None through Python."""

    exporter: Any
    reason: str
    processors: list[Any]


def route(provider: Any) -> Route:
    """Choose the way for Go's spans, and say why.

    Go may only send by itself where nothing of the user's pipeline would be
    passed by: one of the SDK's own processors, in front of OTLP over gRPC.
    """
    processors = list(_leaves(provider._active_span_processor))
    if len(processors) != 1:
        reason = f"the provider has {len(processors)} span processors, not one"
        return Route(None, reason, processors)
    kind = type(processors[0])
    if kind not in (BatchSpanProcessor, SimpleSpanProcessor):
        reason = f"its span processor {kind.__name__} is none of the SDK's own"
        return Route(None, reason, processors)
    exporter = processors[0].span_exporter
    if not type(exporter).__module__.startswith("opentelemetry.exporter.otlp.proto.grpc"):
        reason = f"its exporter {type(exporter).__name__} is not the one of OTLP over gRPC"
        return Route(None, reason, processors)
    reason = "its only span processor is the SDK's, with OTLP over gRPC"
    return Route(exporter, reason, processors)


def _leaves(processor: Any) -> Iterator[Any]:
    """Give the processors inside the SDK's multi-processors, but not our own."""
    return (one for one in _inside(processor) if not isinstance(one, FlushGo))


def _inside(processor: Any) -> Iterator[Any]:
    inner = getattr(processor, "_span_processors", None)
    if inner is None:
        yield processor
        return
    for one in inner:
        yield from _inside(one)


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


class FlushGo(SpanProcessor):
    """The span processor through which the provider's flush reaches Go."""

    def shutdown(self) -> None:
        """Flush; Go's provider itself lives as long as the library."""
        self.force_flush()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what Go has buffered; false if it took too long."""
        if _process.loaded() is None:
            return True
        token = context.attach(trace.set_span_in_context(trace.INVALID_SPAN, context.Context()))
        try:
            _generated.flush(timeout=timeout_millis / 1000)
            _pending.drain_host()
        except GoError:
            return False
        finally:
            context.detach(token)
        return True
