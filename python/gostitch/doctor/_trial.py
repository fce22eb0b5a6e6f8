"""Loading the library in another process, so that a crash is a finding and harms nobody.

Its twin, which runs there, is ``_attempt``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

from gostitch.doctor import _attempt

TIMEOUT_S = 20.0
"""How long the trial may take, unless told otherwise."""

_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; from gostitch.doctor import _attempt; "
    "_attempt.main(load={load!r})"
)
_TELLING = re.compile(r"(fatal error|panic|runtime|Fatal Python error|\w*Error)\b.*:|fatal error")


@dataclasses.dataclass(frozen=True)
class Trial:
    """How the trial went: what its stages told, and how the process ended."""

    stages: dict[str, dict[str, Any]]
    ended: str | None
    """Why it came to an early end (a signal, an exit status, the timeout), or None."""
    said: str | None
    """The line of its standard error that tells most."""
    started: bool = True


def run(timeout_s: float = TIMEOUT_S, *, load: bool = True) -> Trial:
    """Run the trial, up to loading the library or beyond."""
    program = os.path.basename(sys.executable or "")
    if "py" not in program:  # a server that embeds Python, which must not be started once more
        why = f"could not be started, since {program or 'nothing'} is no Python program"
        return Trial({}, why, None, started=False)
    command = [sys.executable, "-c", _PROGRAM.format(path=sys.path, load=load)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except OSError as error:
        return Trial({}, f"could not be started: {error.strerror}", None, started=False)
    except subprocess.TimeoutExpired as late:
        return Trial(
            _stages(late.stdout), f"did not end within {timeout_s:g} s", _said(late.stderr)
        )
    return Trial(_stages(done.stdout), _ended(done.returncode), _said(done.stderr))


def _stages(out: bytes | None) -> dict[str, dict[str, Any]]:
    lines = (out or b"").decode(errors="replace").splitlines()
    told = [json.loads(line.removeprefix(_attempt.MARK)) for line in lines if _is_told(line)]
    return {stage.pop("stage"): stage for stage in told}


def _is_told(line: str) -> bool:
    return line.startswith(_attempt.MARK) and line.endswith("}")


def _ended(status: int) -> str | None:
    if status == 0:
        return None
    if status > 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _said(err: bytes | None) -> str | None:
    """Give the first telling line, or else the last one."""
    lines = [line.strip() for line in (err or b"").decode(errors="replace").splitlines()]
    lines = [line for line in lines if line]
    telling = next((line for line in lines if _TELLING.match(line)), None)
    return (telling or (lines[-1] if lines else None) or "")[:300] or None
