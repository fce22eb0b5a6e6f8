"""What the tests of the doctor share: ways to run it, and a Go library of somebody else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shipped import toolchain

from doctor.diagnosis import Diagnosis, diagnose
from programs import Programs

EXAMINE = """
import json, gostitch.doctor
print("findings:" + json.dumps({f.id: f.as_dict() for f in gostitch.doctor.examine()}))
"""


@pytest.fixture
def doctor(tmp_path: Path) -> Callable[..., Diagnosis]:
    """Run ``gostitch doctor --json`` with other variables, and give what it found."""

    def run(*options: str, preexec_fn: Callable[[], None] | None = None, **env: str | None):
        done = diagnose("--json", *options, env=env, cwd=tmp_path, preexec_fn=preexec_fn)
        assert "" == done.stderr
        document = json.loads(done.stdout)
        assert document["ok"] is (done.returncode == 0)
        findings = {finding["id"]: finding for finding in document["findings"]}
        return Diagnosis(done.returncode, findings, done.stdout)

    return run


@pytest.fixture
def examined(program: Programs) -> Callable[..., dict[str, dict[str, Any]]]:
    """Run a program, and give what the doctor finds in it: by id."""

    def run(text: str, *options: str, **env: str | None) -> dict[str, dict[str, Any]]:
        done = program(text + EXAMINE, *options, env=env)
        assert 0 == done.returncode, done.stderr
        line = next(line for line in done.stdout.splitlines() if line.startswith("findings:"))
        findings: dict[str, dict[str, Any]] = json.loads(line.removeprefix("findings:"))
        return findings

    return run


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Go library that has nothing to do with gostitch."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "go.mod").write_text("module example.org/stranger\n\ngo 1.26\n")
    (folder / "main.go").write_text(
        'package main\n\nimport "C"\n\n//export Seven\nfunc Seven() C.int { return 7 }\n\n'
        "func main() {}\n"
    )
    library = folder / "libstranger.so"
    command = [str(toolchain.go()), "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w"]
    subprocess.run(
        [*command, "-o", str(library), "."], cwd=folder, env=toolchain.environment(), check=True
    )
    return library
