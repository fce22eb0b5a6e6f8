"""What the Go library is, in events: the version of Go, of Go's modules, and the machine.

Twin of ``gocore/observe/build.go``. sentry-go says so of a program whose runtime is Go, and
sentry_sdk of one whose runtime is Python. Here there are both: an event has the runtime of the
language that has made it in ``runtime``, and the other one beside it, as Sentry has several.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

import sentry_sdk

from gostitch import _process
from gostitch.observe import _generated, _library

_built: _generated.ObserveBuild | None = None


def learn() -> None:
    """Ask Go, once: an event may tell of a library that takes no more calls."""
    global _built
    if _built is None:
        _built = _generated.describe_build()


def go_version() -> str:
    """Return the version of Go that the library was built with; empty if it was not asked."""
    return "" if _built is None else _built.go_version


def target() -> str:
    """Return the system and the architecture that the library was built for, as Go names both."""
    return "" if _built is None else f"{_built.system}-{_built.arch}"


def short_modules() -> tuple[str, ...]:
    """Return what names of functions begin with that are of modules whose paths look like Go's."""
    modules = {} if _built is None else _built.modules
    short = [path for path in modules if "." not in path.partition("/")[0]]
    return tuple(f"{path}{end}" for path in short for end in "./")


def add_go(event: dict[str, Any]) -> None:
    """Put Go beside Python in an event that Python has made of an error of Go."""
    if _built is None:
        return
    here = {"arch": _built.arch, "num_cpu": _processors()}
    _put(event, "go", {"type": "runtime"} | go_runtime(_built.go_version) | _live())
    _put(event, "device", here)
    _put(event, "os", {"name": _built.system})
    add_modules(event, _built.modules)


def add_python(event: dict[str, Any]) -> None:
    """Put Python beside Go in an event that sentry-go has made."""
    name, version = platform.python_implementation(), platform.python_version()
    python = {"type": "runtime", "name": name, "version": version, "build": sys.version}
    _put(event, "python", python)


def add_modules(event: dict[str, Any], modules: dict[str, str]) -> None:
    """Put Go's modules beside Python's, if the client tells of modules.

    A module of Go has an import path, so that no name is one of both.
    """
    if sentry_sdk.get_client().get_integration("modules") is None:
        event.pop("modules", None)
    else:
        event["modules"] = {**(event.get("modules") or {}), **modules}


def go_runtime(version: str) -> dict[str, Any]:
    """Return Go as a runtime."""
    return {"name": "go", "version": version}


def _live() -> dict[str, Any]:
    """Return what sentry-go tells of the runtime at the time of the event."""
    library = _process.loaded()
    if library is None or not _library.is_there():
        return {}
    stats = library.stats()
    return {
        "go_numroutines": stats.goroutines,
        "go_maxprocs": stats.resources.max_procs,
        "go_numcgocalls": stats.cgo_calls,
    }


def _processors() -> int:
    return len(os.sched_getaffinity(0))  # as Go's NumCPU counts


def _put(event: dict[str, Any], name: str, told: dict[str, Any]) -> None:
    """Add to a context what it does not say yet."""
    contexts = event.setdefault("contexts", {})
    if isinstance(contexts, dict):
        before = contexts.get(name) or {}
        if isinstance(before, dict):
            contexts[name] = {**told, **before}
