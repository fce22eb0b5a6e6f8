"""The file systems that files of the process lie on."""

from __future__ import annotations

import os
from typing import NamedTuple


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
        with open("/proc/self/mountinfo", errors="surrogateescape") as file:
            return parse(file.read())
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
