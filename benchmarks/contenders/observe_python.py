"""trace.* in Python: a span of the SDK around nothing, whose exporter drops it."""

from __future__ import annotations

from itertools import repeat

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from benchmarks.work import Work

FLAGS = {"unsampled": TraceFlags(0), "sampled": TraceFlags(1)}


def span(count: int, state: str, export: str) -> Work:
    """Make spans below one that is sampled, or is not."""
    above = NonRecordingSpan(SpanContext(1, 2, True, FLAGS[state]))
    tracer = trace.get_tracer("benchmark")

    def run() -> None:
        with trace.use_span(above):
            for _ in repeat(None, count):
                with tracer.start_as_current_span("span"):
                    pass

    return Work(run, lambda: state)
