"""The runner's end of a worker process: one contender of one case."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from benchmarks.machine import ROOT

ANSWER_S = 300.0
STOP_S = 20.0


class ContenderError(Exception):
    """A contender failed or took too long; what it said itself is on standard error."""


class Contender:
    """A worker process, started at once and ended by the end of the block."""

    def __init__(self, name: str, where: str, arguments: Mapping[str, object], otel: bool) -> None:
        self.name = name
        self._what = f"the contender {name} ({where})"
        command = [sys.executable, "-m", "benchmarks.worker", where, json.dumps(dict(arguments))]
        self._process = subprocess.Popen(
            [*command, "otel" if otel else "plain"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Contender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, what: str) -> Any:
        """Ask for ``answer``, ``round`` or ``facts``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(ANSWER_S, self._process.kill)
        late.start()
        try:
            self._process.stdin.write(f"{what}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            late.cancel()
        if not line:
            raise ContenderError(f"{self._what} did not {what}; its own words are above")
        return json.loads(line)
