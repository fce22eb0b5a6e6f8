"""Why a file of a package is not where it should be, and what brings it there."""

from __future__ import annotations

import os
import sys

_FROZEN = "what froze this program left it out"
_ZIPPED = "it would be in a zip archive, from which no library can be loaded"
_UNZIP = (
    "keep the packages in a folder: install them there, or build the archive with shiv, which "
    "unpacks it when it starts"
)


def of_library(path: str, package: str, rebuild: str | None) -> tuple[str, str]:
    """Say why a package's library is not there, and the remedy: ``rebuild`` for a user's own."""
    if getattr(sys, "frozen", False):
        return _FROZEN, f"with PyInstaller repeat that with --collect-binaries {package}"
    if _is_in_archive(path):
        return _ZIPPED, _UNZIP
    if rebuild is not None:
        return "a module that was imported names it", rebuild
    return "the package is not built", "run 'pip install .' or 'make build'"


def of_bridge(error: ImportError) -> str:
    """Say why the compiled part cannot be imported, and the remedy."""
    if getattr(sys, "frozen", False):
        return f"{_FROZEN} ({error}); with PyInstaller repeat that with --collect-all gostitch"
    if _is_in_archive(__file__):
        return f"{_ZIPPED}; {_UNZIP}"
    return (
        f"it is missing or does not fit this Python ({error}); "
        "reinstall the package for it: pip install --force-reinstall gostitch"
    )


def _is_in_archive(path: str) -> bool:
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        if os.path.isfile(path):
            return True
    return False
