"""Runs a piece of Python in a process of its own, with a real OTLP receiver to export to."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping

from ci_pipeline.receiver import Receiver, receiving
from observe.spans import Span, spans_of

PROLOGUE = """
from opentelemetry import baggage, context, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

resource = Resource.create({"service.name": "scenario", "answer": 42, "tags": ["a", "b"]})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("scenario")
"""


def run(code: str, env: Mapping[str, str] | None = None, prologue: str = PROLOGUE) -> list[Span]:
    """Run the code below the prologue; give the spans that had arrived when it was gone."""
    with receiving() as receiver:
        run_to(receiver, code, env, prologue)
        return spans_of(receiver.document())


def run_to(
    receiver: Receiver, code: str, env: Mapping[str, str] | None = None, prologue: str = PROLOGUE
) -> str:
    """Run the code with a receiver of the test's own; give what it has printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", prologue + textwrap.dedent(code)],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **(env or {})},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
