"""The service in the pictures: it makes a release, and fails to make another one.

Everything that Go does here is a function of ``gostitch.tasks``. Argument: where artifacts
are served.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import sentry_sdk
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from gostitch import tasks

sentry_sdk.init(release="shop@1.2.3", environment="staging")  # SENTRY_DSN says where
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))  # OTEL_EXPORTER_OTLP_ENDPOINT
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")


def make_release(artifacts: str, names: list[str]) -> None:
    """Fetch, unpack, check and pack."""
    with tempfile.TemporaryDirectory() as folder, tracer.start_as_current_span("POST /releases"):
        work = Path(folder)
        with tracer.start_as_current_span("fetch artifacts"):
            items = [{"url": f"{artifacts}/{name}", "path": work / "in" / name} for name in names]
            tasks.fetch(items, progress=seen)
        with tracer.start_as_current_span("stage"):
            for name in names:
                tasks.unpack(work / "in" / name, work / "out" / name)
            digest = tasks.hash_tree(work / "out").digest
        with tracer.start_as_current_span("publish"):
            tasks.pack(work / "out", work / f"{digest[:12]}.tar.zst")


def seen(progress: tasks.FetchProgress) -> None:
    """Note progress: Go calls this, below its own span."""
    if progress.done == progress.total:
        with tracer.start_as_current_span("update the ticket"):
            pass


if __name__ == "__main__":
    tasks.hash_tree(__file__)  # the first call loads the library; as a service does at its start
    make_release(sys.argv[1], ["engine.tar.gz", "site.tar.gz", "docs.tar.gz"])
    make_release(sys.argv[1], ["engine.tar.gz", "broken.tar.gz"])
