"""Environment variables that the Go runtime and gostitch read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from gostitch import _go_environment
from gostitch.doctor import _mask
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
    "GOSTITCH_TRACES",
    "GOSTITCH_TRY_UNSUPPORTED",
)
"""The variables of gostitch, those for its build and its own tests included."""

_PREFIX = "GOSTITCH_"
_RUNTIME = ("GODEBUG", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GOTRACEBACK")
_TRACEBACKS = ("none", "single", "all", "system", "crash")
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
    shown = {
        name: _mask.settings(value) if name == "GODEBUG" else _mask.plain(value)
        for name, value in values.items()
    }
    words = f"The Go runtime is steered by {', '.join(f'{k}={v}' for k, v in shown.items())}."
    for more, fix in _remarks(values):
        return warning(f"{words} {more}", fix, variables=shown)
    return note(words, variables=shown)


def _remarks(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give what is to be said of the values, and what to do about it, the worst first."""
    collector, traceback = values.get("GOGC", "100"), values.get("GOTRACEBACK", "single")
    debug = values.get("GODEBUG", "")
    percent, fatal = _go_environment.percent(collector), _go_environment.fatal_setting(debug)
    if fatal is not None:
        name = fatal.partition("=")[0]
        words = f"Go ends the process over this {name} of GODEBUG, so the library refuses to load."
        yield words, f"Take {name} out of GODEBUG."
    if percent is None:
        words = "GOGC is no number that Go can use, so the library refuses to load."
        yield words, "Correct or unset GOGC."
    elif percent < 0 and "GOMEMLIMIT" not in values:
        yield (
            "Without garbage collection memory only grows.",
            "Set GOMEMLIMIT as well, or unset GOGC.",
        )
    number = _go_environment.whole(traceback, 64)
    if traceback not in _TRACEBACKS and number is None:
        words = "GOTRACEBACK is no word that Go knows and is taken for 'all'."
        yield words, f"Use one of {', '.join(_TRACEBACKS)}."
    if "asyncpreemptoff=1" in debug.split(","):
        words = "With asyncpreemptoff=1 goroutines that compute delay all others."
        yield words, "Unset it outside of experiments."


def own_variables(environment: Mapping[str, str]) -> Verdict:
    """Look for variables that begin like ours and are none, which are typing errors."""
    given = sorted(_mask.plain(name) for name in environment if name.startswith(_PREFIX))
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
