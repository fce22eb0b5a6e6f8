"""Chooses where the demo works.

In memory where the system offers enough of it, so that programs are measured and not the disk.

Both runs work in the same place. Folders of demos that were killed are swept away by the next one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["in_memory", "working_folder"]

MEMORY = Path("/dev/shm")
NEEDED = 3 << 30
PREFIX = "gostitch-demo-"


@contextmanager
def working_folder(beside: Path, chosen: Path | None, *, keep: bool) -> Iterator[Path]:
    """Make a fresh folder.

    Below `chosen`, else in memory, else in the folder `beside` the results; removed afterwards
    unless `keep`.
    """
    parent = chosen or (MEMORY if _roomy() else beside)
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent)).resolve()
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def in_memory(folder: Path) -> bool:
    """Tell whether a folder is in the memory file system."""
    return folder.is_relative_to(MEMORY)


def _roomy() -> bool:
    """Tell whether the memory file system takes the demo and the machine has memory to spare."""
    try:
        room = min(shutil.disk_usage(MEMORY).free, _available_memory())
    except (OSError, ValueError):
        return False
    return room > NEEDED and os.access(MEMORY, os.W_OK)


def _available_memory() -> int:
    """Read how many bytes of memory programs can still get without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    return 0


def _sweep(parent: Path) -> None:
    for left in parent.glob(f"{PREFIX}*"):
        owner = left.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            shutil.rmtree(left, ignore_errors=True)
