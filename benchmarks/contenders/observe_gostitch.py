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

    Nobody listens where the spans go: they are encoded, and the network does not count.
    """
    logging.disable()
    provider = TracerProvider()
    provider.add_span_processor(
        BatchSpanProcessor(
            OTLPSpanExporter(endpoint="http://127.0.0.1:9", timeout=1), max_queue_size=1 << 16
        )
    )
    trace._TRACER_PROVIDER = provider
    gostitch.configure(export=export)
    delivered: list[float] = []
    made = 0
    with trace.use_span(CURRENT["sampled"]):
        faults.nothing()  # loads the library, and Go learns of the provider

    def under_span() -> float:
        if state == "none":
            return _seconds()
        with trace.use_span(CURRENT[state]):
            return _seconds()

    def run() -> Sample:
        nonlocal made
        difference = 0.0
        for _ in repeat(None, count // CHUNK):
            bridge.install(trace=None, context=None)
            difference -= _seconds()
            bridge.install(trace=_hooks.trace_context, context=_traces._reader())
            difference += under_span()
        made += count
        return Sample(difference, 0.0)

    def reset() -> None:
        began = time.perf_counter()
        gostitch.force_flush(0.2)
        if export == "python" and made:
            delivered.append((time.perf_counter() - began) / count * 1e6)

    def facts() -> dict[str, object]:
        return {"delivery_us_per_span": round(min(delivered), 2)} if delivered else {}

    return Work(run, lambda: state, reset=reset, facts=facts)


def _seconds() -> float:
    structured, inner = faults.structured, faults.FaultsInner(7, "linux")
    numbers = list(range(20))
    began = time.perf_counter()
    for _ in repeat(None, CHUNK):
        structured("release", numbers, inner)
    return time.perf_counter() - began
