"""Unpacks a tar that Python opened, on every Python from 3.10 on."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Literal

__all__ = ["extract_all"]


def extract_all(tar: tarfile.TarFile, target: Path, rule: Literal["data", "fully_trusted"]) -> None:
    """Extract all members by tarfile's rule of that name.

    Python before 3.10.12 and 3.11.4 (Debian 12 has such a one) knows no rules and takes all as it
    is recorded. What the demo unpacks so is its own.
    """
    if hasattr(tarfile, "data_filter"):
        tar.extractall(target, filter=rule)
    else:
        tar.extractall(target)
