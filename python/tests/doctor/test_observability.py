"""OpenTelemetry and Sentry as they are seen, and that no secret is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from doctor.diagnosis import diagnose
from gostitch.doctor import _mask

_OTEL = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor, SpanProcessor)

def use(*processors):
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    for processor in processors:
        provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
"""
_OTLP = "OTLPSpanExporter(endpoint='http://127.0.0.1:4317', headers={'api-key': 'S3CRET'})"


class TestOpenTelemetry:
    def test_not_imported(self, examined: Callable) -> None:
        """Installed but not imported is a note, and examining does not import it."""
        found = examined("")["observe.opentelemetry"]

        assert ("note", False) == (found["status"], found["facts"]["imported"])
        assert "opentelemetry-sdk" in found["facts"]["versions"]

    def test_without_a_provider(self, examined: Callable) -> None:
        """With the API alone nothing is traced."""
        found = examined("import opentelemetry.trace")["observe.opentelemetry"]

        assert "no TracerProvider is set" in found["words"]

    def test_a_provider_named_by_the_environment_is_not_made(self, examined: Callable) -> None:
        """OTEL_PYTHON_TRACER_PROVIDER makes a provider at first use, not when it is examined."""
        env = {"OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider"}
        found = examined("import opentelemetry.trace", **env)["observe.opentelemetry"]

        assert None is found["facts"]["provider"]

    def test_otlp_alone(self, examined: Callable) -> None:
        """With the SDK's processor and OTLP over gRPC, Go exports itself."""
        found = examined(_OTEL + f"use(BatchSpanProcessor({_OTLP}))")["observe.opentelemetry"]

        assert "ok" == found["status"]
        seen = found["facts"]["provider"]
        assert ("direct", "shop") == (seen["export"], seen["service_name"])
        assert "127.0.0.1:4317" == seen["processors"][0]["endpoint"]
        assert "opentelemetry.sdk.trace.TracerProvider" == seen["class"]
        assert "Go exports its spans itself to 127.0.0.1:4317" in found["words"]
        assert "S3CRET" not in str(found)

    def test_otlp_and_console(self, examined: Callable) -> None:
        """With two processors spans go through Python, and the reason is told."""
        console = "SimpleSpanProcessor(ConsoleSpanExporter())"
        text = f"use(BatchSpanProcessor({_OTLP}), {console})"
        found = examined(_OTEL + text)["observe.opentelemetry"]

        seen = found["facts"]["provider"]
        assert "python" == seen["export"]
        assert "the provider has 2 span processors, not one" == seen["why"]
        assert ["OTLPSpanExporter", "ConsoleSpanExporter"] == [
            each["exporter"] for each in seen["processors"]
        ]

    @pytest.mark.parametrize(
        ("processor", "why"),
        [
            (
                "SimpleSpanProcessor(ConsoleSpanExporter())",
                "its exporter ConsoleSpanExporter is not",
            ),
            (f"Mine({_OTLP})", "its span processor Mine is none of the SDK's own"),
        ],
    )
    def test_why_through_python(self, examined: Callable, processor: str, why: str) -> None:
        """Each reason to go through Python is told."""
        text = "class Mine(BatchSpanProcessor): pass\n" + f"use({processor})"
        found = examined(_OTEL + text)["observe.opentelemetry"]

        assert why in found["facts"]["provider"]["why"]

    def test_what_is_told_is_what_is_done(self, examined: Callable) -> None:
        """After a traced call the route is the same: our own processor does not count."""
        text = f"""
import faults
use(BatchSpanProcessor({_OTLP}))
with trace.get_tracer("t").start_as_current_span("s"):
    faults.add(1, 2)
import atexit, os, sys
atexit.register(lambda: (sys.stdout.flush(), os._exit(0)))
"""
        seen = examined(_OTEL + text)["observe.opentelemetry"]["facts"]["provider"]

        assert ("direct", 1) == (seen["export"], len(seen["processors"]))

    def test_no_processor(self, examined: Callable) -> None:
        """A provider without a processor exports nothing."""
        found = examined(_OTEL + "use()")["observe.opentelemetry"]

        assert "warning" == found["status"]

    def test_a_provider_of_somebody_else(self, examined: Callable) -> None:
        """A provider that is not the SDK's exports no spans of Go."""
        text = "class Own(trace.TracerProvider):\n    def get_tracer(self, *a, **k): ...\n"
        found = examined(_OTEL + text + "trace.set_tracer_provider(Own())")["observe.opentelemetry"]

        assert "warning" == found["status"]
        assert "Go's spans are not exported" in found["words"]

    def test_versions_that_do_not_fit(self, doctor: Callable, tmp_path) -> None:
        """Packages of OpenTelemetry of different releases are a warning."""
        info = tmp_path / "opentelemetry_api-1.2.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: opentelemetry-api\nVersion: 1.2.0\n"
        )
        found = doctor(PYTHONPATH=str(tmp_path)).findings["observe.opentelemetry"]

        assert "warning" == found["status"]
        assert "are of different releases: opentelemetry-api 1.2.0, " in found["words"]


class TestSettings:
    def test_none(self, doctor: Callable) -> None:
        """Without OTEL_* variables there is nothing to say."""
        assert "ok" == doctor().findings["observe.settings"]["status"]

    def test_disabled(self, doctor: Callable) -> None:
        """OTEL_SDK_DISABLED is a warning."""
        found = doctor(OTEL_SDK_DISABLED="true").findings["observe.settings"]

        assert "warning" == found["status"]

    def test_protocol_and_port(self, doctor: Callable) -> None:
        """A protocol at the port of the other is a warning."""
        env = {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
        }
        found = doctor(**env).findings["observe.settings"]

        assert "collectors take grpc at port 4317" in found["words"]


class TestSentry:
    def test_not_imported(self, examined: Callable) -> None:
        """Installed but not imported is a note."""
        found = examined("")["observe.sentry"]

        assert ("note", False) == (found["status"], found["facts"]["imported"])

    def test_not_initialised(self, examined: Callable) -> None:
        """Imported without init() is a note."""
        found = examined("import sentry_sdk")["observe.sentry"]

        assert ("note", False) == (found["status"], found["facts"]["active"])

    def test_without_dsn(self, examined: Callable) -> None:
        """Without a DSN nothing is sent."""
        found = examined("import sentry_sdk; sentry_sdk.init()")["observe.sentry"]

        assert "without a DSN" in found["words"]

    def test_with_dsn(self, examined: Callable) -> None:
        """With a DSN it is shown without its key, with release and environment."""
        text = (
            "import sentry_sdk\n"
            "sentry_sdk.init('http://S3CRETKEY@127.0.0.1:9/42', release='r1', environment='prod')"
        )
        found = examined(text)["observe.sentry"]

        assert "ok" == found["status"]
        facts = found["facts"]
        assert ("http://***@127.0.0.1:9/42", "r1", "prod") == (
            facts["dsn"],
            facts["release"],
            facts["environment"],
        )
        assert "S3CRET" not in str(found)

    def test_otlp_integration(self, examined: Callable) -> None:
        """The integration that replaces the propagator is told, with the way to avoid it."""
        text = """
import sentry_sdk
from sentry_sdk.integrations import Integration

class OTLPIntegration(Integration):
    identifier = "otlp"
    setup_otlp_traces_exporter = False
    setup_propagator = {replaces}
    setup_once = staticmethod(lambda: None)

sentry_sdk.init("http://key@127.0.0.1:9/42", integrations=[OTLPIntegration()])
"""
        found = examined(text.format(replaces=True))["observe.sentry"]
        assert ("note", {"exporter": False, "propagator": True}) == (
            found["status"],
            found["facts"]["otlp"],
        )
        assert "setup_propagator=False" in found["fix"]
        assert "ok" == examined(text.format(replaces=False))["observe.sentry"]["status"]


SECRETS = {
    "SENTRY_DSN": "https://S3CRET@o1.ingest.example.org/42",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer S3CRET,x-key=S3CRET",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "S3CRET",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://me:S3CRET@collector.example.org:4317/S3CRET?k=S3CRET",
    "OTEL_RESOURCE_ATTRIBUTES": "service.name=shop,token=S3CRET",
    "OTEL_SOMETHING_NEW": "S3CRET",
    "HTTPS_PROXY": "http://me:S3CRET@proxy.example.org:3128",
    "GOSTITCH_TOKEN": "S3CRET",
    "DATABASE_URL": "postgres://me:S3CRET@db/x",
}


@pytest.mark.parametrize("option", ["--json", "--verbose"])
def test_no_secret_is_shown(option: str) -> None:
    """Neither text nor JSON shows a value that could be a secret."""
    done = diagnose(option, env=SECRETS)

    assert "S3CRET" not in done.stdout + done.stderr
    assert "https://***@collector.example.org:4317" in "".join(done.stdout.split())
    assert "authorization=***,x-key=***" in done.stdout


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/traces"),
        ("collector:4317", "collector:4317"),
        ("http://[::1]:4317", "http://[::1]:4317"),
        ("https://u:p@host/tenant-key/v1/traces?a=b#c", "https://***@host/***?***"),
        ("https://a:99999999/", "***"),
        ("http://a,http://u@b", "http://a,http://***@b"),
        ("", ""),
    ],
)
def test_masked_urls(value: str, shown: str) -> None:
    """Of a URL only scheme, host, port and usual paths are shown."""
    assert shown == _mask.url(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://key@o1.ingest.example.org/42", "https://***@o1.ingest.example.org/42"),
        ("https://key:old@host:8000/path/42", "https://***@host:8000/42"),
        ("key", "***"),
        ("https://key@host/name", "https://***@host/***"),
        ("https://key@host:x/1", "***"),
    ],
)
def test_masked_dsns(value: str, shown: str) -> None:
    """Of a DSN only scheme, host and project are shown."""
    assert shown == _mask.dsn(value)
