"""Starts and ends the demo's child processes.

None outlives the demo, and no wait is without an end.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

__all__ = ["ChildError", "run_module", "serving"]

EXAMPLES = Path(__file__).resolve().parent.parent
START_S = 30.0
STOP_S = 20.0
TERMINATE_S = 5.0
RUN_S = 900.0


class ChildError(Exception):
    """A child process failed, or did not do its part in time."""


def run_module(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a module of this package to its end, on our terminal.

    Raises ChildError where it fails or takes too long.
    """
    child = subprocess.Popen(_command(module, arguments), env=_environment(environment))
    try:
        code = child.wait(RUN_S)
    except subprocess.TimeoutExpired:
        raise ChildError(f"{module} {arguments[0]} did not end within {RUN_S:.0f} s") from None
    finally:
        _end(child)
    if code != 0:
        raise ChildError(
            f"{module} {arguments[0]} failed with exit status {code}; its own words are above"
        )


@contextmanager
def serving(
    module: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Run a module that serves while the block lasts.

    It says where in one line of JSON, and ends when its input does.
    """
    child = subprocess.Popen(
        _command(module, arguments),
        env=_environment(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield json.loads(_first_line(child.stdout, module))
    finally:
        child.stdin.close()
        _end(child, STOP_S)
        child.stdout.close()


def _command(module: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", f"ci_pipeline.{module}", *arguments]


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join(part for part in (str(EXAMPLES), environment.get("PYTHONPATH")) if part)
    return {**environment, "PYTHONPATH": path}


def _first_line(stream: IO[bytes], module: str) -> bytes:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        if not selector.select(START_S):
            raise ChildError(f"{module} did not start within {START_S:.0f} s")
    line = stream.readline()
    if not line:
        raise ChildError(f"{module} ended before it served; its own words are above")
    return line


def _end(child: subprocess.Popen[bytes], patience: float = 0.0) -> None:
    """Make sure that the child is gone: let it end, then ask it, then stop it."""
    for ask, seconds in (
        (None, patience),
        (child.terminate, TERMINATE_S),
        (child.kill, TERMINATE_S),
    ):
        if child.poll() is not None:
            return
        if ask is not None:
            ask()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
