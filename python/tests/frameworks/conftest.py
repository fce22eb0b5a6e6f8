"""What the tests of frameworks share: an environment of their own, which has the real ones."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = Path(os.environ.get("GOSTITCH_FRAMEWORKS", ROOT / ".venv" / "frameworks"))
"""Made by ``make test-long`` from ``requirements/frameworks.txt``."""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program, or a command with ``command=``, and return what it prints."""

    def run(text: str = "", *, command: list[str] | None = None, timeout: float = 50) -> str:
        (tmp_path / "program.py").write_text(text)
        arguments = command or ["python", "-W", "error::RuntimeWarning", "program.py"]
        paths = [ROOT / "python", ROOT / "python" / "tests", tmp_path]
        environment = os.environ | {
            "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "HOME": str(tmp_path),
            "GOSTITCH_CRASH_DIR": str(tmp_path / "crashes"),
        }
        done = subprocess.run(
            [str(ENVIRONMENT / "bin" / arguments[0]), *arguments[1:]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert 0 == done.returncode, (done.stdout + done.stderr)[-4000:]
        return done.stdout

    return run
