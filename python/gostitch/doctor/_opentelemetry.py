"""OpenTelemetry as it is in this process, and how Go's spans would leave."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from gostitch.doctor import _mask, _versions
from gostitch.doctor._finding import Verdict, note, ok, warning
from gostitch.observe import _proxies

OLDEST = (1, 30)
"""What the extra of pyproject.toml asks for (a test compares them)."""

_MAIN = ("opentelemetry-api", "opentelemetry-sdk")
_SHOWN_AS_THEY_ARE = (
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_PROPAGATORS",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
)


def opentelemetry() -> Verdict:
    """Look at the tracer provider, without making one."""
    versions = _family()
    api = sys.modules.get("opentelemetry.trace")
    facts: dict[str, Any] = {"versions": versions, "imported": api is not None, "provider": None}
    if not versions and api is None:
        return note("OpenTelemetry is not installed, so calls are not traced.", **facts)
    conflict = _conflict(versions)
    # Not get_tracer_provider(), which may make one.
    provider = getattr(api, "_TRACER_PROVIDER", None)
    if provider is not None:
        facts["provider"] = _described(provider)
    if conflict is not None:
        return warning(*conflict, **facts)
    version = versions.get("opentelemetry-sdk") or versions.get("opentelemetry-api")
    words = f"OpenTelemetry {version} is installed"
    if api is None:
        words += (
            " but not imported in this process. In your service, gostitch.doctor.examine() tells "
            "which provider is seen."
        )
        return note(words, **facts)
    if provider is None:
        words += ", and no TracerProvider is set in this process: calls are not traced."
        return note(words, "Call opentelemetry.trace.set_tracer_provider().", **facts)
    seen = facts["provider"]
    if seen["export"] is None:
        words += f"; the provider is {seen['class']}. Go's spans are not exported: {seen['why']}."
        fix = "Use the TracerProvider of opentelemetry-sdk, or a class made from it."
        return warning(words, fix, **facts)
    words = f"Calls are traced for the service {seen['service_name'] or 'without a name'}. " + (
        f"Go exports its spans itself to {seen['processors'][0]['endpoint']}: {seen['why']}."
        if seen["export"] == "direct"
        else f"Go's spans leave through Python's processors: {seen['why']}."
    )
    if not seen["processors"]:
        return warning(words, "Add a span processor with an exporter to the provider.", **facts)
    if str(seen["service_name"] or "unknown_service").startswith("unknown_service"):
        return note(words, "Set OTEL_SERVICE_NAME or service.name of the resource.", **facts)
    return ok(words, **facts)


def _family() -> dict[str, str]:
    """Give the versions of the API, the SDK and the OTLP exporters."""
    names = [f"opentelemetry-exporter-otlp-proto-{kind}" for kind in ("grpc", "http", "common")]
    found = {name: _versions.installed(name) for name in [*_MAIN, "opentelemetry-proto", *names]}
    return {name: version for name, version in found.items() if version}


def _conflict(versions: dict[str, str]) -> tuple[str, str] | None:
    """Say which versions do not fit each other or gostitch, and what to do."""
    releases = {_versions.numbers(version)[:2] for version in versions.values()}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    if len(releases) > 1:
        words = f"The packages of OpenTelemetry are of different releases: {listed}."
        return words, f"Install one release of them all: pip install {' '.join(versions)}"
    if releases and min(releases) < OLDEST:
        oldest = _versions.text(OLDEST)
        words = f"OpenTelemetry is older than {oldest}, with which gostitch is tested: {listed}."
        return words, f"Install newer ones: pip install 'opentelemetry-sdk>={oldest}'"
    return None


def _described(provider: Any) -> dict[str, Any]:
    """Describe a tracer provider, and the way Go's spans would take."""
    kind = type(provider)
    facts: dict[str, Any] = {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "service_name": None,
        "sampler": None,
        "processors": [],
        "export": None,
        "why": "it has no resource, as providers of the SDK have",
    }
    provider = _proxies.behind(provider)
    resource = getattr(provider, "resource", None)
    if resource is None:
        return facts
    facts["service_name"] = resource.attributes.get("service.name")
    describe = getattr(getattr(provider, "sampler", None), "get_description", None)
    facts["sampler"] = describe() if describe else None
    try:
        from gostitch.observe import _provider

        route = _provider.chosen_route(provider)
    except Exception as error:  # as when calls are traced: an observer is a guest
        return facts | {"why": f"{type(error).__name__}: {error}"}
    facts["processors"] = [_processor(each) for each in route.processors]
    return facts | {"export": "direct" if route.exporter else "python", "why": route.reason}


def _processor(processor: Any) -> dict[str, Any]:
    exporter = getattr(processor, "span_exporter", None)
    endpoint = getattr(exporter, "_endpoint", None)
    return {
        "class": type(processor).__name__,
        "exporter": None if exporter is None else type(exporter).__name__,
        "exporter_module": None if exporter is None else type(exporter).__module__,
        "endpoint": _mask.url(endpoint) if isinstance(endpoint, str) else None,
    }


def settings(environment: Mapping[str, str]) -> Verdict:
    """Show the OTEL_* variables, masked, and judge those that contradict."""
    shown = {
        name: show(name, value)
        for name, value in sorted(environment.items())
        if name.startswith("OTEL_")
    }
    if not shown:
        return ok("No OTEL_* variable is set.", variables=shown)
    words = f"Set: {', '.join(shown)}."
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        words = "OTEL_SDK_DISABLED=true turns tracing off, Go's included."
        return warning(words, "Unset it where you want traces.", variables=shown)
    protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    for port, other in ((":4317", "http/protobuf"), (":4318", "grpc")):
        if protocol == other and endpoint.rstrip("/").endswith(port):
            usual = "grpc" if other != "grpc" else "http/protobuf"
            words += f" The protocol is {other}, and collectors take {usual} at port {port[1:]}."
            fix = "Make OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_EXPORTER_OTLP_ENDPOINT agree."
            return warning(words, fix, variables=shown)
    return ok(words, variables=shown)


def show(name: str, value: str) -> str:
    """Give the value of an OTEL_* variable without what could be a secret."""
    if name in _SHOWN_AS_THEY_ARE:
        return value
    if name.endswith("_ENDPOINT"):
        return _mask.url(value)
    if name.endswith("_HEADERS") or name == "OTEL_RESOURCE_ATTRIBUTES":
        return _mask.pairs(value)
    return _mask.HIDDEN
