"""One failure on purpose.

An artifact with a member that climbs out of its folder is unpacked, refused in Go, caught in
Python.

Knows how to tell an error that crossed the boundary: its type, code and details, the Python
traceback and the Go stack.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import gostitch
from gostitch import GoError, tasks

from . import telemetry
from .pipeline import Build, PipelineError

__all__ = ["provoke"]

REPOSITORY = Path(__file__).resolve().parents[2]


def provoke(build: Build) -> dict[str, Any]:
    """Fetch the tampered artifact and unpack it.

    Raises PipelineError should it not be refused, or leave anything behind.
    """
    archive, target = build.work / "toolbox.tar.gz", build.work / "toolbox"
    build.server.download("/artifacts/untrusted/toolbox.tar.gz", archive)
    try:
        with telemetry.span("unpack a tampered artifact"):
            tasks.unpack(archive, target)
    except GoError as error:
        if target.exists():
            raise PipelineError(f"the refused artifact left {target} behind") from error
        return {"failure": _told(error, build.work), "runtime": _runtime()}
    raise PipelineError("the tampered artifact was unpacked without a complaint")


def _told(error: GoError, work: Path) -> dict[str, Any]:
    """Tell the error as text, with the folders of this machine left out."""

    def short(text: str) -> str:
        for folder, name in ((f"{work}/", ""), (f"{REPOSITORY}/", ""), (f"{sys.prefix}/", "")):
            text = text.replace(folder, name)
        return text

    return {
        "type": f"gostitch.{type(error).__name__}",
        "code": error.code,
        "message": short(str(error)),
        "details": {name: short(str(value)) for name, value in error.details.items()},
        "python_stack": short("".join(traceback.format_exception(error))),
        "go_stack": short(error.go_stack),
    }


def _runtime() -> dict[str, str]:
    info = gostitch.runtime_info()
    return {name: str(info.get(name, "")) for name in ("version", "go_version")}
