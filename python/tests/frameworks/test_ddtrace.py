"""Datadog's tracer through OpenTelemetry's API: spans of Go are its own, below those of Python."""

from __future__ import annotations

from frameworks.conftest import Run

CODE = """
import os
os.environ |= {"DD_TRACE_OTEL_ENABLED": "true", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
               "DD_TRACE_AGENT_URL": "http://127.0.0.1:9", "DD_REMOTE_CONFIGURATION_ENABLED": "false"}
import logging, sys
from opentelemetry import trace
from ddtrace.opentelemetry import TracerProvider
from ddtrace.trace import TraceFilter, tracer

trace.set_tracer_provider(TracerProvider())

class Keep(TraceFilter):
    def process_trace(self, spans):
        seen.extend(spans)

seen = []
tracer.configure(trace_processors=[Keep()])
import faults, gostitch
"""


def test_spans(run: Run) -> None:
    """They are in Datadog's trace, each below the one that it was made in."""
    said = run(
        CODE
        + """
step = faults.FaultsVisitStep
with trace.get_tracer("x").start_as_current_span("root"):
    list(faults.visit_lines([step("own", -1, "inline", "", ""), step("below", 0, "inline", "", "")]))
by_id = {span.span_id: span for span in seen}
above = {(span.resource, by_id[span.parent_id].resource) for span in seen if span.parent_id}
assert above == {
    ("faults.visit_lines", "root"), ("own", "faults.visit_lines"), ("below", "own")
}, above
assert 1 == len({span.trace_id for span in seen})
"""
    )

    assert "" == said


def test_the_injection_of_ids_into_logs(run: Run) -> None:
    """A format with Datadog's ids has in records of Go what it has in those of Python."""
    said = run(
        CODE
        + """
from ddtrace import patch
patch(logging=True)
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("%(message)s:%(dd.trace_id)s"))
logging.getLogger("gostitch.go").addHandler(handler)
faults.log(8, "without")
gostitch.force_flush(10)
with trace.get_tracer("x").start_as_current_span("root"):
    logging.getLogger("gostitch.go").error("within")
    faults.log(8, "within")
    gostitch.force_flush(10)
"""
    )

    without, python, go = said.split()
    assert "without:0" == without
    assert python == go
