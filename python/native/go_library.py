"""Build a c-shared library from a Go package of this repository."""

from __future__ import annotations

from pathlib import Path

from core_sources import ROOT
from shipped import go_build, toolchain


def build(package: str, target: Path) -> None:
    """Build a package into the file ``target``; exits with one sentence if it cannot be built."""
    go_build.build(package, target, ROOT, toolchain.environment())
