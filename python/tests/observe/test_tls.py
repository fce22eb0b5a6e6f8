"""Go sends over TLS as Python's exporter does, and shows the same certificate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from ci_pipeline.receiver import Receiver, receiving
from observe.scenario import run_to
from observe.spans import spans_of

FILES = Path(__file__).parent / "certificates"
GO = "OTel OTLP Exporter Go"

CALL = """
from gostitch import tasks
with tracer.start_as_current_span("caller"):
    tasks.hash_tree("/etc/hosts")
assert provider.force_flush()
"""

EXPLICIT = f"""
import grpc
from pathlib import Path
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
read = lambda name: (Path({str(FILES)!r}) / name).read_bytes()
credentials = grpc.ssl_channel_credentials(read("ca.pem"), read("client.key"), read("client.pem"))
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(credentials=credentials)))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("scenario")
"""

NAMED = {"CERTIFICATE": "ca.pem", "CLIENT_CERTIFICATE": "client.pem", "CLIENT_KEY": "client.key"}


@contextmanager
def receiving_by_tls() -> Iterator[Receiver]:
    """Run a receiver that wants to see a certificate of its authority."""
    credentials = grpc.ssl_server_credentials(
        [((FILES / "server.key").read_bytes(), (FILES / "server.pem").read_bytes())],
        (FILES / "ca.pem").read_bytes(),
        require_client_auth=True,
    )
    with receiving(credentials=credentials) as receiver:
        yield receiver


@pytest.mark.parametrize("of", ["", "TRACES_"])
def test_certificates_of_the_environment(of: str) -> None:
    """OTEL_EXPORTER_OTLP_CERTIFICATE, or that of traces, and those of the client count for Go."""
    environment = {
        f"OTEL_EXPORTER_OTLP_{of}{kind}": str(FILES / file) for kind, file in NAMED.items()
    }
    with receiving_by_tls() as receiver:
        run_to(receiver, CALL, environment)

        assert any(sender.startswith(GO) for sender in receiver.senders)
        names = sorted(span.name for span in spans_of(receiver.document()))
        assert ["caller", "tasks.hash_tree"] == names


def test_explicit_credentials() -> None:
    """Those that the exporter was given count, though the environment names none."""
    with receiving_by_tls() as receiver:
        run_to(receiver, CALL, prologue=EXPLICIT)

        assert any(sender.startswith(GO) for sender in receiver.senders)
        names = sorted(span.name for span in spans_of(receiver.document()))
        assert ["caller", "tasks.hash_tree"] == names


@pytest.mark.parametrize(
    "wrapped",
    [
        "grpc.composite_channel_credentials(credentials, grpc.access_token_call_credentials('t'))",
        "grpc.local_channel_credentials()",
    ],
)
def test_credentials_that_go_has_not_are_left_to_python(wrapped: str) -> None:
    """Tokens and the like are no certificates: the route says so, and goes through Python."""
    with receiving() as receiver:
        run_to(
            receiver,
            f"""
            from gostitch.observe import _provider
            provider.shutdown()
            other = TracerProvider()
            other.add_span_processor(
                BatchSpanProcessor(OTLPSpanExporter(endpoint="https://x", credentials={wrapped}))
            )
            route = _provider.chosen_route(other)
            assert route.exporter is None
            assert "credentials that are more than certificates" in route.reason, route
            import os
            os._exit(0)
            """,
            prologue=EXPLICIT,
        )
