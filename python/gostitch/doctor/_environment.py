"""Environment variables that the Go runtime and gostitch read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from gostitch.doctor._finding import Verdict, note, ok, warning

KNOWN = (
    "GOSTITCH_CHECK_LOANS",
    "GOSTITCH_CI",
    "GOSTITCH_CRASH_DIR",
    "GOSTITCH_EXPORT",
    "GOSTITCH_FORK",
    "GOSTITCH_LIBRARY",
    "GOSTITCH_LONG",
    "GOSTITCH_REBUILD",
    "GOSTITCH_TARGET",
    "GOSTITCH_TRY_UNSUPPORTED",
)
"""The variables of gostitch, those for its build and its own tests included."""

_PREFIX = "GOSTITCH_"
_RUNTIME = ("GODEBUG", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK")
_TRACEBACKS = ("none", "single", "all", "system", "crash", "wer")
_READ_BY_GO = (
    *_RUNTIME,
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "TMPDIR",
    "TZ",
)


def go_variables(environment: Mapping[str, str]) -> Verdict:
    """Check the variables that steer the Go runtime; those of quotas are judged there."""
    values = {name: environment[name] for name in _RUNTIME if environment.get(name)}
    if not values:
        return ok("No variable steers the Go runtime (GOGC, GODEBUG, ...).", variables=values)
    collector, traceback = values.get("GOGC", "100"), values.get("GOTRACEBACK", "single")
    words = f"The Go runtime is steered by {', '.join(f'{k}={v}' for k, v in values.items())}."
    if collector != "off" and not re.fullmatch(r"-?[0-9]+", collector):
        words += " GOGC is no number and is ignored."
        return warning(words, "Correct or unset GOGC.", variables=values)
    if (collector == "off" or collector.startswith("-")) and "GOMEMLIMIT" not in values:
        words += " Without garbage collection memory only grows."
        return warning(words, "Set GOMEMLIMIT as well, or unset GOGC.", variables=values)
    if traceback not in _TRACEBACKS and not traceback.isdigit():
        words += " GOTRACEBACK is no word that Go knows and is ignored."
        return warning(words, f"Use one of {', '.join(_TRACEBACKS)}.", variables=values)
    if "asyncpreemptoff=1" in values.get("GODEBUG", "").split(","):
        words += " With asyncpreemptoff=1 goroutines that compute delay all others."
        return warning(words, "Unset it outside of experiments.", variables=values)
    return note(words, variables=values)


def own_variables(environment: Mapping[str, str]) -> Verdict:
    """Look for variables that begin like ours and are none, which are typing errors."""
    given = sorted(name for name in environment if name.startswith(_PREFIX))
    unknown = {
        name: next(iter(difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.0)), None)
        for name in given
        if name not in KNOWN
    }
    facts: dict[str, Any] = {"set": given, "unknown": unknown}
    if unknown:
        words = f"gostitch knows no variable {', '.join(unknown)}."
        nearest = ", ".join(dict.fromkeys(str(name) for name in unknown.values()))
        return warning(words, f"Perhaps {nearest} is meant.", **facts)
    if given:
        return ok(f"Set: {', '.join(given)}.", **facts)
    return ok("No variable of gostitch is set.", **facts)


def late_variables(environment: Mapping[str, str], given: Mapping[str, str] | None) -> Verdict:
    """Look for variables that were changed after they were given to Go.

    Go has the environment of the first call. Functions that start programs
    through ``gocore.Command`` give them Python's present one.
    """
    if given is None:
        words = "Go gets Python's os.environ at the first call, dotenv and the like included."
        return ok(words, changed=None)
    changed = [name for name in _READ_BY_GO if environment.get(name) != given.get(name)]
    if not changed:
        words = "What Go reads from the environment was not changed since the first call."
        return ok(words, changed=changed)
    words = (
        f"Changed since the first call: {', '.join(changed)}. Go has the environment of that call "
        "and does not see this."
    )
    return warning(words, "Set them before the first call into Go.", changed=changed)
