"""The file systems that files of the process lie on."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from gostitch.doctor._finding import Verdict, note, ok, problem, warning


class Mount(NamedTuple):
    """A line of /proc/self/mountinfo."""

    root: str
    point: str
    options: tuple[str, ...]
    kind: str
    source_options: tuple[str, ...]


def read() -> list[Mount]:
    """Give all mounts; none where /proc is not there."""
    try:
        return parse(Path("/proc/self/mountinfo").read_text(errors="surrogateescape"))
    except OSError:
        return []


def parse(text: str) -> list[Mount]:
    """Read the text of /proc/self/mountinfo."""
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, more = left.split(" "), right.split(" ")
        if len(fields) < 6 or len(more) < 3:
            continue
        root, point = _plain(fields[3]), _plain(fields[4])
        of_source = tuple(more[2].split(","))
        found.append(Mount(root, point, tuple(fields[5].split(",")), more[0], of_source))
    return found


def _plain(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def of(path: str, mounts: list[Mount]) -> Mount | None:
    """Give the mount that a path lies on; of several at one point the last, which covers."""
    real = os.path.realpath(path)
    best = None
    for mount in mounts:
        point = mount.point.rstrip("/")
        if real == point or real.startswith(point + "/"):
            best = mount if best is None or len(mount.point) >= len(best.point) else best
    return best


def forbids_programs(path: str, mounts: list[Mount]) -> bool:
    """Tell whether code cannot be loaded from a path (the mount option noexec)."""
    mount = of(path, mounts)
    return mount is not None and "noexec" in mount.options


def file_systems() -> Verdict:
    """Check /proc, /dev/shm and the folder for temporary files."""
    return judge(Path("/"), read())


def judge(root: Path, mounts: list[Mount]) -> Verdict:
    """Judge the file systems below a root, with these mounts."""
    memory = root / "dev/shm"
    facts: dict[str, Any] = {
        "proc": (root / "proc/self/maps").exists(),
        "shared_memory_bytes": _size(memory),
        "shared_memory_noexec": forbids_programs(str(memory), mounts),
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
    facts["temporary_folder_noexec"] = forbids_programs(folder, mounts)
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
