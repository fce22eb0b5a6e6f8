"""Nothing of the environment reaches Go's SDK but through Python's."""

from __future__ import annotations

import pytest

from ci_pipeline.receiver import receiving
from observe.scenario import run_to
from observe.spans import spans_of

PROLOGUE = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import gostitch
gostitch.configure(export="direct")
provider = TracerProvider(resource=Resource({"service.name": "own", "answer": 42}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("scenario")
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,answer=43"),
        ("OTEL_SERVICE_NAME", "another"),
        ("OTEL_RESOURCE_ATTRIBUTES", "no pair,=,%zz=%zz"),  # of which Go's SDK would complain
        ("OTEL_GO_X_RESOURCE", "true"),
    ],
)
def test_a_resource_that_was_made_without_the_environment(name: str, value: str) -> None:
    """Python's resource was; Go's spans have the same one, and nothing is said."""
    code = """
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
        assert provider.force_flush()
    """
    with receiving() as receiver:
        said = run_to(receiver, code, {name: value}, PROLOGUE)
        spans = spans_of(receiver.document())

    assert ["caller", "tasks.hash_tree"] == sorted(span.name for span in spans)
    assert 1 == len({span.resource for span in spans}), spans
    assert "in Go" not in said
