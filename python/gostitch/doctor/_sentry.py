"""Sentry as it is in this process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from gostitch.doctor import _mask, _versions
from gostitch.doctor._finding import Verdict, note, ok, warning

OLDEST = (2, 20)
"""What the extra of pyproject.toml asks for (a test compares them)."""


def sentry(environment: Mapping[str, str]) -> Verdict:
    """Look at the client, without making one."""
    version, sdk = _versions.installed("sentry-sdk"), sys.modules.get("sentry_sdk")
    variable = environment.get("SENTRY_DSN")
    facts: dict[str, Any] = {
        "version": version,
        "imported": sdk is not None,
        "active": False,
        "dsn": None,
        "dsn_variable": _mask.dsn(variable) if variable else None,
        "release": None,
        "environment": None,
        "integrations": [],
        "otlp": None,
    }
    if version is None and sdk is None:
        return note("sentry-sdk is not installed, so panics are not reported to Sentry.", **facts)
    if version is not None and _versions.numbers(version) < OLDEST:
        oldest = _versions.text(OLDEST)
        words = f"sentry-sdk {version} is older than {oldest}, with which gostitch is tested."
        return warning(words, f"Install a newer one: pip install 'sentry-sdk>={oldest}'", **facts)
    if sdk is None:
        words = (
            f"sentry-sdk {version} is installed but not imported in this process. In your service, "
            "gostitch.doctor.examine() tells which client is seen."
        )
        return note(words, **facts)
    client = sdk.get_client()
    if not client.is_active():
        words = f"sentry-sdk {version} is imported but not initialised: panics are not reported."
        return note(words, "Call sentry_sdk.init() with a DSN.", **facts)
    facts |= _client(client)
    if not facts["dsn"]:
        words = f"sentry-sdk {version} is initialised without a DSN, so it sends nothing."
        return note(words, "Give sentry_sdk.init() a DSN, or set SENTRY_DSN.", **facts)
    words = (
        f"Panics go to {facts['dsn']} (release {facts['release'] or 'not set'}, environment "
        f"{facts['environment'] or 'not set'})."
    )
    otlp = facts["otlp"]
    if otlp is not None and otlp["propagator"]:
        words += (
            " OTLPIntegration has replaced the global propagator, so requests to other services, "
            "Go's too, carry sentry-trace and no traceparent."
        )
        fix = "Use OTLPIntegration(setup_propagator=False) if other services want traceparent."
        return note(words, fix, **facts)
    return ok(words, **facts)


def _client(client: Any) -> dict[str, Any]:
    """Describe an active client."""
    options, integrations = client.options, getattr(client, "integrations", {})
    otlp = integrations.get("otlp")
    return {
        "active": True,
        "dsn": _mask.dsn(str(options["dsn"])) if options.get("dsn") else None,
        "release": options.get("release"),
        "environment": options.get("environment"),
        "integrations": sorted(integrations),
        "otlp": None
        if otlp is None
        else {
            "exporter": bool(getattr(otlp, "setup_otlp_traces_exporter", False)),
            "propagator": bool(getattr(otlp, "setup_propagator", False)),
        },
    }
