"""Runs ``gostitch doctor`` as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, NamedTuple


class Diagnosis(NamedTuple):
    """What the command said, by the id of the finding."""

    status: int
    findings: dict[str, dict[str, Any]]
    text: str


def diagnose(
    *options: str, env: dict[str, str | None] | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run ``gostitch doctor``."""
    environment = dict(os.environ)
    for name, value in (env or {}).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    return subprocess.run(
        [sys.executable, "-m", "gostitch", "doctor", *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        **more,
    )
