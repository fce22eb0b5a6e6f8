"""Versions of what is installed, and how they compare."""

from __future__ import annotations

import importlib.metadata
import re


def installed(distribution: str) -> str | None:
    """Give the version of an installed distribution."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def numbers(version: str) -> tuple[int, ...]:
    """Give the numbers a version begins with, enough to compare releases."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found[1].split("."))) if found else ()


def text(version: tuple[int, ...]) -> str:
    """Write numbers as a version."""
    return ".".join(map(str, version))
