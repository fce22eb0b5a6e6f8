"""The business logic of the CI service: which steps a build has, in which order, with which inputs.

The same for both runs.

What is heavy (`Heavy`) is handed in: `before` does it in Python, `after` in Go. Everything that
decides something is here.

Why just those steps move is measured, not guessed: they are many small operations (thousands of
downloads, files and archive members), where an interpreter pays per operation and the GIL keeps
threads from helping. Running the tests and uploading one file are one operation each that waits for
somebody else: they stay.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from . import telemetry
from .artifacts import ArtifactServer
from .progress import Display
from .publish import Input, Manifest, read_manifest

__all__ = [
    "MOVED",
    "STEPS",
    "Build",
    "Download",
    "Extraction",
    "Heavy",
    "PipelineError",
    "Progress",
    "run",
]

STEPS = ("fetch", "verify", "unpack", "stage", "hash", "test", "pack", "upload", "report")
MOVED = frozenset({"fetch", "verify", "unpack", "hash", "pack"})

TESTED = (
    "asyncio",
    "concurrent",
    "django",
    "email",
    "http",
    "importlib",
    "json",
    "logging",
    "multiprocessing",
    "xml",
)
TEST_TIMEOUT_S = 300.0


class PipelineError(Exception):
    """A step found something wrong with the build."""


@dataclass(frozen=True)
class Download:
    """One file to fetch: where from, where to, and the SHA-256 it must have."""

    url: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Extraction:
    """One archive to unpack into a folder that does not exist yet."""

    archive: Path
    target: Path


Progress = Callable[[int, int], None]
"""Told how many items are done, and of how many."""


class Heavy(Protocol):
    """The steps worth moving. `before` and `after` are modules with these functions."""

    def fetch(self, downloads: Sequence[Download], progress: Progress) -> None:
        """Download all files, each checked against its digest and complete under its name.

        Raise if any fails.
        """

    def hash_tree(self, root: Path) -> str:
        """Compute the BLAKE3 Merkle digest of a tree."""

    def unpack(self, extractions: Sequence[Extraction]) -> None:
        """Unpack all archives: contents, permissions and times, nothing outside of the targets."""

    def pack(self, root: Path, archive: Path) -> None:
        """Pack a tree into a reproducible `tar.zst`, complete and on disk under its name."""


@dataclass
class Build:
    """One run: its folders, and what is known of it so far."""

    heavy: Heavy
    server: ArtifactServer
    work: Path
    display: Display
    seconds: dict[str, float] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> Path:
        """Where inputs are fetched to."""
        return self.work / "inputs"

    @property
    def workspace(self) -> Path:
        """What becomes the release."""
        return self.work / "workspace"

    @property
    def release(self) -> Path:
        """The packed result."""
        return self.work / "release.tar.zst"


def run(build: Build) -> None:
    """Make the whole build; afterwards `build` holds times and digests.

    Raises PipelineError or what a step raised.
    """
    manifest = _read_manifest(build.server)
    with _step(build, "fetch"):
        _fetch(build, manifest)
    with _step(build, "verify"):
        _verify(build, manifest)
    with _step(build, "unpack"):
        _unpack(build, manifest.inputs)
    with _step(build, "stage"):
        _stage(build, manifest.epoch)
    with _step(build, "hash"):
        build.digests["workspace tree"] = build.heavy.hash_tree(build.workspace)
    with _step(build, "test"):
        _test(build)
    with _step(build, "pack"):
        build.heavy.pack(build.workspace, build.release)
    with _step(build, "upload"):
        build.digests["uploaded"] = build.server.put_file(
            f"{build.work.name}.tar.zst", build.release
        )
    with _step(build, "report"):
        _report(build)


@contextmanager
def _step(build: Build, name: str) -> Iterator[None]:
    """Show a step, time it, and make a span of it."""
    attributes: dict[str, str | bool] = {
        "cicd.pipeline.task.name": name,
        "ci.step.heavy": name in MOVED,
    }
    with build.display.step(name), telemetry.span(name, attributes):
        started = time.perf_counter()
        yield
        build.seconds[name] = time.perf_counter() - started


def _read_manifest(server: ArtifactServer) -> Manifest:
    with telemetry.span("read the manifest"):
        return read_manifest(server.get_text("/manifest.json"))


def _fetch(build: Build, manifest: Manifest) -> None:
    downloads = [
        Download(build.server.artifact_url(item.path), build.inputs / item.path, item.sha256)
        for item in manifest.inputs
    ]
    build.heavy.fetch(downloads, build.display.advance)


def _verify(build: Build, manifest: Manifest) -> None:
    """All inputs together must be what was published: no file altered, missing or added since."""
    found = build.heavy.hash_tree(build.inputs)
    if found != manifest.tree:
        raise PipelineError(
            f"{build.inputs} has the digest {found}, the manifest says {manifest.tree}"
        )
    build.digests["inputs tree"] = found


def _unpack(build: Build, inputs: Sequence[Input]) -> None:
    extractions = [
        Extraction(build.inputs / item.path, build.workspace / item.unpack_to)
        for item in inputs
        if item.unpack_to
    ]
    build.heavy.unpack(extractions)


def _stage(build: Build, epoch: int) -> None:
    """Put the sources beside what was unpacked, and give everything the release's time.

    The build is reproducible.
    """
    build.workspace.mkdir(exist_ok=True)
    (build.inputs / "src").rename(build.workspace / "src")
    stamp = (epoch, epoch)
    for folder, _, files in os.walk(build.workspace, topdown=False):
        for name in files:
            os.utime(os.path.join(folder, name), stamp, follow_symlinks=False)
        os.utime(folder, stamp)


def _test(build: Build) -> None:
    """Run the tests: compile the packages, and try the examples in their documentation."""
    sources = build.workspace / "src"
    packages = [str(path) for name in TESTED if (path := sources / name).is_dir()]
    _command(build, "compile", ["-m", "compileall", "-q", "-f", "-j", "1", *packages])
    _command(
        build,
        "doctest",
        ["-m", "doctest", *(str(sources / name) for name in ("statistics.py", "difflib.py"))],
    )


def _command(build: Build, name: str, arguments: Sequence[str]) -> None:
    with telemetry.span(f"python -m {arguments[1]}", {"cicd.pipeline.task.type": "test"}):
        done = subprocess.run(
            [sys.executable, "-B", *arguments],
            env={**os.environ, "PYTHONPYCACHEPREFIX": str(build.work / "pycache")},
            capture_output=True,
            text=True,
            timeout=TEST_TIMEOUT_S,
            check=False,
        )
    if done.returncode != 0:
        raise PipelineError(
            f"the test command {name!r} failed:\n{(done.stdout + done.stderr).strip()}"
        )


def _report(build: Build) -> None:
    report = build.work / "report.json"
    report.write_text(
        json.dumps({"seconds": build.seconds, "digests": build.digests}, indent=2), encoding="utf-8"
    )
    build.server.put_file(f"{build.work.name}.json", report)
