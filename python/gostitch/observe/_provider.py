"""Python's tracer provider, for Go's spans.

Twin of ``gocore/observe/provider.go``. Needs the OpenTelemetry SDK, and reads
from it what it keeps to itself: there is no public way to ask a provider where
it exports to.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.trace import NoOpTracer

from gostitch import _hooks, _process, _settings
from gostitch._version import VERSION
from gostitch.observe import (
    _ends,
    _exporter,
    _flush,
    _generated,
    _handover,
    _ids,
    _plain,
    _processors,
    _resource,
    _sampler,
    _spans,
    _traces,
)

_log = logging.getLogger("gostitch")

_default_configurator = getattr(sdk, "_default_tracer_configurator", None)

_QUEUE_SIZE, _BATCH_SIZE = 2048, 512
_DELAY_S = 1.0
"""How long a span of Go waits for company, unless it was chosen otherwise: with the five seconds
that are Python's default a trace would look broken for as long."""

_LAST_S = 0.5
"""Seconds that Go has at least to send its last spans when a provider is shut down."""

_EXCEPTIONS_VARIABLE = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN"

_DEFAULT_DELAY_MS = 5000
_DELAY_VARIABLE = "OTEL_BSP_SCHEDULE_DELAY"


_SCOPE = "github.com/gostitch/gostitch"
"""The instrumentation scope of calls' spans."""


def serve(provider: Any) -> None:
    """Let Go export as the provider does: to the same place, or through it."""
    _handover.finish()
    _hooks.spans_are_theirs = True
    if not _records(provider):
        _traces.ask(None)
        _plain.record_nothing("off")
        return
    route = chosen_route(provider)
    if route.warning:
        _log.warning("%s", route.warning)
    config = _trace_config(provider, route)
    through = _processors.Processors(provider, route.processors)
    if route.exporter is None:
        _handover.use(_handover.Handover(through), provider)
    else:
        _handover.use(None)
    _hooks.ids = functools.partial(_ids.hand_over, provider)
    _traces.ask(_asking(provider))
    _generated.configure(traces=config)
    if not config.random_ids:
        _hooks.ids()
    several = provider._active_span_processor
    if not hasattr(several.shutdown, "_gostitch"):
        _bring_go_along(several, provider)
    if not hasattr(several.add_span_processor, "_gostitch"):
        _watch(several)
    _ends.watch()


def _records(provider: Any) -> bool:
    """Tell whether the provider records spans of Go; OTEL_SDK_DISABLED, say, has it not."""
    tracer = provider.get_tracer(_SCOPE, VERSION)
    is_enabled = getattr(tracer, "_is_enabled", None)
    return not isinstance(tracer, NoOpTracer) and (is_enabled is None or bool(is_enabled()))


def _asking(provider: Any) -> Any:
    """Give what asks the provider's sampler about calls; None if Go has all of it."""
    if all(each.kind != "python" for each in _sampler.described(provider.sampler)):
        return None
    return functools.partial(_sampler.ask, provider)


def _bring_go_along(several: Any, provider: Any) -> None:
    """Have the flush and the shutdown of a provider's processors be Go's too.

    Around all of them and not as one: several may flush at once, and those that Go's spans go
    through must have them before. Where Go sends by itself it does so while they shut down, so
    the end of a process whose collector is gone waits for both together.
    """
    force_flush, shutdown = several.force_flush, several.shutdown

    def flush_all(timeout_millis: int = 30000) -> bool:
        until = time.monotonic() + timeout_millis / 1000
        sent = _flush.flush_go(timeout_millis / 1000)
        while True:
            left = max(until - time.monotonic(), 0)
            flushed = bool(force_flush(max(int(left * 1000), 1)))  # 0: it would not look
            if not _flush.has_more() or time.monotonic() >= until:
                return flushed and sent and not _flush.has_more()
            sent = _flush.flush_go(max(until - time.monotonic(), 0))  # there is room again

    def shut_down_all() -> None:
        exporter = chosen_route(provider).exporter
        until = _process.exit_began(time.monotonic()) + _exporter.timeout(exporter)

        def shut_down_go() -> None:
            _flush.flush_go(max(until - time.monotonic(), _LAST_S))
            while _flush.has_more() and time.monotonic() < until:
                force_flush(int((until - time.monotonic()) * 1000))  # which makes room
                _flush.flush_go(max(until - time.monotonic(), 0))
            _traces.end(provider)  # what ends later is dropped, as spans of Python are

        first, last = (shut_down_go, shutdown) if exporter is None else (shutdown, shut_down_go)
        try:
            first()
        finally:
            last()

    shut_down_all._gostitch = True  # type: ignore[attr-defined]
    several.force_flush, several.shutdown = flush_all, shut_down_all


def _watch(several: Any) -> None:
    """Look again when a processor is added: Go must not pass it by."""
    add = several.add_span_processor

    def add_span_processor(span_processor: Any) -> None:
        add(span_processor)
        _traces.look_again()

    add_span_processor._gostitch = True  # type: ignore[attr-defined]
    several.add_span_processor = add_span_processor


class Route(NamedTuple):
    """The way Go's spans take: to ``exporter``'s place, or if that is None through Python."""

    exporter: Any
    reason: str
    processors: list[Any]
    batching: Any = None  # the processor in front of the exporter
    warning: str = ""


def chosen_route(provider: Any) -> Route:
    """Choose the way for Go's spans as ``export`` says, and say why."""
    mode, source = _mode()
    processors = list(_leaves(provider._active_span_processor))
    if mode == "python":
        return Route(None, f"{source} says so", processors)
    recorder = next((each for each in processors if getattr(each, "records_go", False)), None)
    if recorder is not None:
        return Route(None, f"its span processor {type(recorder).__name__} records", processors)
    strange = _resource.refusal(provider.resource)
    if strange and mode == "direct":
        warning = (
            f"{source} cannot be: {strange}; spans of Go go through Python's processors instead; "
            "give that attribute a text, a bool, a number, or a list of one of them"
        )
        return Route(None, strange, processors, warning=warning)
    if mode == "direct":
        return _direct(processors, source)
    by_python = strange or _decided_by_python(provider)
    route = Route(None, by_python, processors) if by_python else _auto(processors)
    if mode != "auto":
        words = f"{source} must be 'auto', 'python' or 'direct', not {mode!r}, and is ignored"
        return route._replace(warning=words)
    return route


def _decided_by_python(provider: Any) -> str:
    """Say what of the provider decides on each span; nothing if Go has all of it."""
    if _sampler.is_asked(provider.sampler):
        return f"its sampler {type(provider.sampler).__name__} is none of the SDK's own"
    chosen = getattr(provider, "_tracer_configurator", None)
    if chosen is not None and chosen is not _default_configurator:
        return "its tracer configurator is none of the SDK's own"
    return ""


def _mode() -> tuple[str, str]:
    """Give how Go's spans are to leave, and who says so."""
    configured = _settings.present().export
    if configured is not None:
        return configured, f"configure(export={configured!r})"
    variable = _settings.EXPORT_VARIABLE
    mode = os.environ.get(variable) or _settings.EXPORTS[0]
    return mode, f"{variable}={mode}"


def _direct(processors: list[Any], source: str) -> Route:
    """Find the one exporter that Go can stand in for, whatever else there is."""
    refusals = {id(each): _refusal(each) for each in processors}
    usable = [each for each in processors if not refusals[id(each)]]
    if len(usable) == 1:
        return Route(usable[0].span_exporter, f"{source} says so", processors, usable[0])
    if usable:
        reason = f"the provider has {len(usable)} exporters of OTLP over gRPC, not one"
    else:
        listed = "; ".join(refusals[id(each)] for each in processors)
        reason = listed or "the provider has no span processor"
    warning = (
        f"{source} cannot be: {reason}; spans of Go go through Python's processors instead; "
        "give the provider one OTLPSpanExporter of opentelemetry-exporter-otlp-proto-grpc"
    )
    return Route(None, reason, processors, warning=warning)


def _auto(processors: list[Any]) -> Route:
    """Let Go send by itself where nothing of the user's pipeline is passed by.

    That is one of the SDK's own processors, in front of OTLP over gRPC.
    """
    if len(processors) != 1:
        reason = f"the provider has {len(processors)} span processors, not one"
        return Route(None, reason, processors)
    refusal = _refusal(processors[0])
    if refusal:
        return Route(None, refusal, processors)
    reason = "its only span processor is the SDK's, with OTLP over gRPC"
    return Route(processors[0].span_exporter, reason, processors, processors[0])


def _refusal(processor: Any) -> str:
    """Say why Go cannot stand in for a processor and its exporter; nothing if it can."""
    kind = type(processor)
    if kind not in (BatchSpanProcessor, SimpleSpanProcessor) or "on_end" in vars(processor):
        return f"its span processor {kind.__name__} is none of the SDK's own"
    return _exporter.refusal(processor.span_exporter)


def _leaves(processor: Any) -> Iterator[Any]:
    """Give the processors inside the SDK's multi-processors."""
    inner = getattr(processor, "_span_processors", None)
    if inner is None:
        yield processor
        return
    for one in inner:
        yield from _leaves(one)


def _trace_config(provider: Any, route: Route) -> _generated.ObserveTraceConfig:
    """Describe where to send; without an exporter, to Python's own (``_spans``)."""
    resource, batching = provider.resource, route.batching
    batching = getattr(batching, "_batch_processor", batching)
    return _generated.ObserveTraceConfig(
        # Else it is put to the spans in Python, whatever it has.
        resource=_resource.described(resource) if route.exporter else [],
        resource_schema_url=resource.schema_url or "",
        queue_size=_number(batching, "max_queue_size", _QUEUE_SIZE),
        batch_size=_number(batching, "max_export_batch_size", _BATCH_SIZE),
        delay_s=_delay(batching),
        limits=_limits(getattr(provider, "_span_limits", None)),
        start_baggage=route.exporter is None and _spans.see_starts(route.processors),
        export="python" if route.exporter is None else "direct",
        samplers=_sampler.described(provider.sampler),
        roots=_settings.traces() == "always",
        request_spans=_settings.request_spans(),
        exceptions=_exceptions(),
        random_ids=_ids.are_random(provider.id_generator),
        **_exporter.described(route.exporter),
    )


def _exceptions() -> str:
    """Give how errors are told: the conventions' variable may ask for log records."""
    chosen = {each.strip() for each in os.environ.get(_EXCEPTIONS_VARIABLE, "").lower().split(",")}
    return next((each for each in ("logs/dup", "logs") if each in chosen), "")


def _number(batching: Any, name: str, default: int) -> int:
    found = getattr(batching, f"_{name}", getattr(batching, name, None))
    return found if isinstance(found, int) else default


def _delay(batching: Any) -> float:
    milliseconds = _number(batching, "schedule_delay_millis", _DEFAULT_DELAY_MS)
    if milliseconds == _DEFAULT_DELAY_MS and _DELAY_VARIABLE not in os.environ:
        return _DELAY_S
    return milliseconds / 1000


def _limits(limits: Any) -> _generated.ObserveSpanLimits:
    """Describe what a span may hold; -1: as much as there is."""

    def limit(name: str) -> int:
        found = getattr(limits, name, None)
        return found if isinstance(found, int) else -1

    return _generated.ObserveSpanLimits(
        attributes=limit("max_span_attributes"),
        attribute_length=limit("max_span_attribute_length"),
        inner_length=limit("max_attribute_length"),
        events=limit("max_events"),
        event_attributes=limit("max_event_attributes"),
        links=limit("max_links"),
        link_attributes=limit("max_link_attributes"),
    )


def leave(provider: Any) -> None:
    """Have Go export nothing any more for a provider that was shut down, and count what ends."""
    _traces.ask(None)
    _plain.record_nothing("ended")
