"""trace.* through gostitch: calls under a span, and the same calls without OpenTelemetry."""

from __future__ import annotations

import logging
import time
from itertools import repeat

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, TraceFlags

import faults
import gostitch
from benchmarks.work import Sample, Work
from gostitch import _hooks
from gostitch._process import bridge
from gostitch.observe import _traces

CHUNK = 500

CURRENT = {
    "none": INVALID_SPAN,
    "unsampled": NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(0))),
    "sampled": NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1))),
}


def added(count: int, state: str, export: str) -> Work:
    """Call with OpenTelemetry and without it, by turns, and give the difference.

    Where Go sends by itself nobody listens: spans are encoded, and the network does not count.
    """
    logging.disable()
    if export == "direct":
        send_to("http://127.0.0.1:9", timeout_s=1, queue_size=1 << 16)
    gostitch.configure(export=export)
    with trace.use_span(CURRENT["sampled"]):
        faults.nothing()  # loads the library, and Go learns of the provider

    def under_span() -> float:
        if state == "none":
            return _seconds()
        with trace.use_span(CURRENT[state]):
            return _seconds()

    def run() -> Sample:
        difference = 0.0
        for _ in repeat(None, count // CHUNK):
            bridge.install(trace=None, context=None)
            difference -= _seconds()
            bridge.install(trace=_hooks.trace_context, context=_traces.reader())
            difference += under_span()
        return Sample(difference, 0.0)

    def facts() -> dict[str, object]:
        return {"delivery_us_per_span": _delivery_us()} if export == "python" else {}

    return Work(run, lambda: state, reset=_flush, facts=facts)


def _flush() -> None:
    gostitch.force_flush(0.2)


def send_to(endpoint: str, timeout_s: int | None = None, queue_size: int | None = None) -> None:
    """Have spans encoded and sent there."""
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=timeout_s)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=queue_size))
    trace._TRACER_PROVIDER = provider


def _delivery_us() -> float:
    """Give how long a span of Go holds Python's lock on its way through the processors."""
    take, ended = _hooks.spans, time.perf_counter
    bridge.install(spans=None)
    with trace.use_span(CURRENT["sampled"]):
        _seconds()
    began = ended()
    take(b"")
    taken = ended() - began
    bridge.install(spans=take)
    return round(taken / CHUNK * 1e6, 2)


def _seconds() -> float:
    structured, inner = faults.structured, faults.FaultsInner(7, "linux")
    numbers = list(range(20))
    began = time.perf_counter()
    for _ in repeat(None, CHUNK):
        structured("release", numbers, inner)
    return time.perf_counter() - began
