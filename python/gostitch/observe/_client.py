"""What Go has to know of Python's Sentry client."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import sentry_sdk
from sentry_sdk.scrubber import EventScrubber

from gostitch._crash_owners import Owner
from gostitch._version import VERSION
from gostitch.observe import _build, _generated

_ALL_CRUMBS = 100

_ONLY_PYTHON = (
    "before_send",
    "before_send_transaction",
    "before_breadcrumb",
    "error_sampler",
    "transport",
    "http_proxy",
    "https_proxy",
    "proxy_headers",
    "ca_certs",
    "cert_file",
    "key_file",
    "socket_options",
)
"""Options that only Python's client can follow."""


def of_process() -> Any:
    """Return the client that all scopes have in common; without one, that of the current scope.

    A package may have a client of its own in a scope of its own.
    """
    common = sentry_sdk.get_global_scope().client
    return common if common.is_active() else sentry_sdk.get_client()


def described(
    client: Any, *, closed: bool = False, ends: bool = False
) -> _generated.ObserveSentryConfig:
    """Describe a client to Go; whether it is closed, and the process is about to end."""
    options = client.options
    alone = _may_go_alone(options)
    rate, crumbs = options.get("sample_rate"), options.get("max_breadcrumbs")
    return _generated.ObserveSentryConfig(
        active=client.is_active() and (not closed or (ends and alone)),
        dsn=str(options.get("dsn") or ""),
        release=str(options.get("release") or "").strip(),
        environment=str(options.get("environment") or "").strip(),
        dist=str(options.get("dist") or "").strip(),
        server_name=str(options.get("server_name") or "").strip(),
        sample_rate=1.0 if rate is None else float(rate),
        traces_sample_rate=_traces_sample_rate(options),
        trace_propagation_targets=_targets(options),
        trace_host=_host(client),
        max_breadcrumbs=_ALL_CRUMBS if crumbs is None else int(crumbs),
        attach_stacktrace=bool(options.get("attach_stacktrace")),
        send_default_pii=bool(options.get("send_default_pii")),
        alone=alone,
        ended=closed,
    )


def owner(client: Any) -> Owner | None:
    """Describe whose crashes those of this process are; None for a client that does not send."""
    dsn = client.options.get("dsn") if client.is_active() else None
    if not dsn:
        return None
    named = ("release", "environment", "dist", "server_name")
    texts = {name: str(client.options.get(name) or "").strip() for name in named}
    of = hashlib.sha256(str(dsn).encode()).hexdigest()
    return Owner(of, **texts, gostitch=VERSION, go=_build.go_version())


def _may_go_alone(options: dict[str, Any]) -> bool:
    """Tell whether what Go sends by itself is what Python's client would have sent."""
    if not options.get("dsn") or any(options.get(name) for name in _ONLY_PYTHON):
        return False
    if sentry_sdk.get_global_scope()._event_processors:
        return False
    scrubber = options.get("event_scrubber")
    usual = EventScrubber(send_default_pii=bool(options.get("send_default_pii")))
    is_usual = type(scrubber) is EventScrubber and vars(scrubber) == vars(usual)
    return scrubber is None or is_usual


def _targets(options: dict[str, Any]) -> list[str]:
    """Return the regular expressions of the URLs whose requests carry the trace."""
    if not options.get("propagate_traces", True):
        return []
    targets = options.get("trace_propagation_targets")
    return [_expression(each) for each in targets or ()]


def _expression(target: Any) -> str:
    """Return a regular expression with its flags, if it is a compiled one."""
    if not isinstance(target, re.Pattern):
        return str(target)
    flags = "".join(each for each in "ims" if target.flags & getattr(re, each.upper()))
    return f"(?{flags}){target.pattern}" if flags else str(target.pattern)


def _host(client: Any) -> str:
    """Return where the client sends to, as URLs have it; nothing if it does not send."""
    dsn = getattr(getattr(client, "transport", None), "parsed_dsn", None)
    return str(dsn.netloc) if dsn is not None else ""


def _traces_sample_rate(options: dict[str, Any]) -> float:
    """Return the share of transactions that is kept of those which begin in Go; -1: there are none.

    A sampler of the user's own cannot be asked, and must not be passed by.
    """
    enabled, rate = options.get("enable_tracing"), options.get("traces_sample_rate")
    if enabled is False:
        return -1.0
    if options.get("traces_sampler") is not None:
        return 0.0
    if rate is None:
        return 1.0 if enabled else -1.0
    return float(rate)
