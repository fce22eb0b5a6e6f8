"""Environment variables that the Go runtime and gostitch read."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gostitch.doctor._finding import Verdict, note, ok, warning

KNOWN = ("GOSTITCH_LIBRARY", "GOSTITCH_CI", "GOSTITCH_LONG")
"""The variables of gostitch, those for its own tests included."""

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


def late_variables(environment: Mapping[str, str], initial: Mapping[str, str] | None) -> Verdict:
    """Look for variables that were changed after the start, which Go may not see.

    The Go runtime reads what the process was started with, not ``os.environ``.
    """
    if initial is None:
        return ok("Which variables were changed since the start cannot be seen.", changed=None)
    changed = [name for name in _READ_BY_GO if environment.get(name) != initial.get(name)]
    if not changed:
        words = "What the Go runtime reads from the environment was not changed since the start."
        return ok(words, changed=changed)
    words = (
        f"Changed by the program after its start: {', '.join(changed)}. The Go runtime reads the "
        "environment that the process was started with and does not see that."
    )
    fix = "Set them before Python starts (in the shell, the unit or the container)."
    return warning(words, fix, changed=changed)


def initial() -> dict[str, str] | None:
    """Give the variables that the process was started with, None if that cannot be seen."""
    try:
        text = os.fsdecode(Path("/proc/self/environ").read_bytes())
    except OSError:
        return None
    pairs = (entry.partition("=") for entry in text.split("\0") if "=" in entry)
    found = {name: value for name, _, value in pairs}
    # setproctitle and its like overwrite this memory with a title.
    kept = [name for name in os.environ if name in found]
    return found if len(kept) * 2 >= len(os.environ) else None
