"""The file systems that the process needs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from gostitch import _mounts
from gostitch.doctor._finding import Verdict, note, ok, problem, warning


def file_systems() -> Verdict:
    """Check /proc, /dev/shm and the folder for temporary files."""
    return judge(Path("/"), _mounts.read())


def judge(root: Path, mounts: list[_mounts.Mount]) -> Verdict:
    """Judge the file systems below a root, with these mounts."""
    memory = root / "dev/shm"
    facts: dict[str, Any] = {
        "proc": (root / "proc/self/maps").exists(),
        "shared_memory_bytes": _size(memory),
        "shared_memory_noexec": _mounts.forbids_programs(str(memory), mounts),
        "temporary_folder": None,
        "temporary_folder_noexec": None,
    }
    if not facts["proc"]:
        words = (
            "/proc is not mounted, so most of what follows could not be looked at, and the Go "
            "runtime cannot see limits of the container."
        )
        return warning(words, "Mount /proc in the container or chroot.", **facts)
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        words = f"There is no folder for temporary files: {error.strerror or error}."
        fix = "Set TMPDIR to a folder that can be written to."
        return problem(words, fix, **facts)
    facts["temporary_folder"] = folder
    facts["temporary_folder_noexec"] = _mounts.forbids_programs(folder, mounts)
    if facts["shared_memory_bytes"] is None:
        words = "Nothing can be written to /dev/shm, so locks of multiprocessing do not work."
        fix = "Mount a tmpfs there (docker run --shm-size=64m)."
        return warning(words, fix, **facts)
    if facts["temporary_folder_noexec"]:
        words = (
            f"Programs in {folder} may not be executed (noexec). gostitch needs that not, but "
            "building Go functions of your own does."
        )
        return note(words, "To build there, set GOTMPDIR to another folder.", **facts)
    return ok(f"/proc and /dev/shm are there; temporary files go to {folder}.", **facts)


def _size(folder: Path) -> int | None:
    """Give the size of a file system that can be written to."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    return status.f_blocks * status.f_frsize if os.access(folder, os.W_OK) else None
