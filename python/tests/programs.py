"""Python programs in processes of their own, for what would harm the process of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from depth import GC_THRESHOLD

QUIET_LOOPS = 'import logging; logging.getLogger("asyncio").setLevel(logging.ERROR)\n'
"""For programs in Python's development mode: a busy machine makes any callback slow, which loops tell."""


class Programs:
    """Starts programs that use the library, and ends what is left of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self, text: str, *options: str, env: dict[str, str | None] | None = None, **popen: Any
    ) -> subprocess.Popen[str]:
        """Start a program; ``env`` changes variables, or removes those that are None."""
        environment = os.environ | {
            "PYTHONPATH": str(Path(__file__).parent),
            # What crashes here must not be told to whoever runs the tests.
            "GOSTITCH_CRASH_DIR": str(self.folder / "crashes"),
        }
        if GC_THRESHOLD:
            text = f"import gc; gc.set_threshold({GC_THRESHOLD}); del gc\n{text}"
        for name, value in (env or {}).items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        process = subprocess.Popen(
            [sys.executable, *options, "-c", text],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=environment,
            **popen,
        )
        self._started.append(process)
        return process

    def __call__(
        self,
        text: str,
        *options: str,
        env: dict[str, str | None] | None = None,
        timeout: float = 20,
        **popen: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, which must come within the timeout."""
        process = self.start(text, *options, env=env, **popen)
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(text, process.returncode, out, err)

    def close(self) -> None:
        """End what still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
