"""Values made fit to be shown: without what could be a secret."""

from __future__ import annotations

import re
import urllib.parse

from gostitch import _printable

HIDDEN = "***"

_LONGEST = 10_000  # characters of a value that is shown

_OF_THE_RUNTIME = frozenset(
    [
        "adaptivestackstart",
        "asyncpreemptoff",
        "asynctimerchan",
        "cgocheck",
        "checkfinalizers",
        "clobberfree",
        "containermaxprocs",
        "decoratemappings",
        "disablethp",
        "efence",
        "fips140",
        "gccheckmark",
        "gcpacertrace",
        "gcshrinkstackoff",
        "gcstoptheworld",
        "gctrace",
        "harddecommit",
        "http2client",
        "http2debug",
        "http2server",
        "inittrace",
        "invalidptr",
        "madvdontneed",
        "memprofilerate",
        "netdns",
        "panicnil",
        "profstackdepth",
        "sbrk",
        "scavtrace",
        "scheddetail",
        "schedtrace",
        "traceadvanceperiod",
        "tracebackancestors",
        "tracebacklabels",
        "tracefpunwindoff",
        "updatemaxprocs",
    ]
)
_PLAIN = re.compile(r"-?[0-9]{1,10}|on|off|only|debug|go|cgo")

_USUAL_PATHS = ("", "/", "/v1/traces", "/v1/metrics", "/v1/logs")


def url(value: str) -> str:
    """Keep scheme, host, port and usual paths: all else of a URL may hold a key.

    Several, with commas between them, are masked one by one.
    """
    return ",".join(_one_url(each.strip()) for each in value.split(","))


def _one_url(value: str) -> str:
    has_scheme = "://" in value
    try:
        parts = urllib.parse.urlsplit(value if has_scheme else f"//{value}")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return HIDDEN
    user = f"{HIDDEN}@" if "@" in parts.netloc else ""
    path = parts.path if parts.path in _USUAL_PATHS else f"/{HIDDEN}"
    query = f"?{HIDDEN}" if parts.query or parts.fragment else ""
    scheme = f"{parts.scheme}://" if has_scheme else ""
    return f"{scheme}{user}{host}{port}{path}{query}"


def dsn(value: str) -> str:
    """Keep scheme, host and project of a Sentry DSN."""
    try:
        parts = urllib.parse.urlsplit(value)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return HIDDEN
    if not parts.hostname:
        return HIDDEN
    project = parts.path.rpartition("/")[2]
    project = project if project.isdigit() else HIDDEN
    return f"{parts.scheme}://{HIDDEN}@{parts.hostname}{port}/{project}"


def pairs(value: str) -> str:
    """Keep the names in ``name=value,name=value``."""
    names = [each.partition("=") for each in value.split(",") if each.strip()]
    return ",".join(
        f"{plain(name.strip())}={HIDDEN}" if equals else HIDDEN for name, equals, _ in names
    )


def settings(value: str) -> str:
    """Keep the names in GODEBUG, and the values of well-known settings that look like theirs."""
    return ",".join(_one_setting(each) for each in value.split(",") if each)


def _one_setting(field: str) -> str:
    name, equals, value = field.partition("=")
    if name in _OF_THE_RUNTIME and _PLAIN.fullmatch(value):
        return field
    return f"{plain(name)}={HIDDEN}" if equals else HIDDEN


def plain(value: str) -> str:
    """Keep a short value that is no secret, without what a terminal would act on."""
    return _printable.line(value, _LONGEST)
