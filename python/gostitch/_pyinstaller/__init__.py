"""What PyInstaller asks a package for: the folder of its hooks."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Return the folder with ``hook-gostitch.py``."""
    return [str(Path(__file__).parent)]
