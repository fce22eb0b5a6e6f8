"""The limits of the control group, which a container is, in both versions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from gostitch import _mounts

_NO_LIMIT = 1 << 62  # version 1 has a number near 2**63 for "none"


class Limits(NamedTuple):
    """The narrowest limits of the group and those around it; None: none."""

    version: int | None
    cpus: float | None
    memory: int | None
    pids: int | None
    pids_used: int | None


def read(root: str = "/") -> Limits:
    """Read the limits; another root than / is for tests."""
    groups = _text(root, "proc/self/cgroup")
    mounted = _text(root, "proc/self/mountinfo")
    if groups is None or mounted is None:
        return Limits(None, None, None, None, None)
    mounts = _mounts.parse(mounted)
    found = []
    for line in groups.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for mount in mounts:
            wanted = set(controllers.split(",")) if controllers else None
            if _is_of(mount, wanted):
                folders = list(_folders(root, mount, path))
                found.append(_version_1(folders) if wanted else _version_2(folders))
    return _narrowest(found)


def _is_of(mount: _mounts.Mount, controllers: set[str] | None) -> bool:
    if controllers is None:
        return mount.kind == "cgroup2"
    return mount.kind == "cgroup" and bool(controllers & set(mount.source_options))


def _folders(root: str, mount: _mounts.Mount, path: str) -> Iterator[str]:
    """Give the folder of the group and of the groups around it, as far as they are mounted."""
    top = os.path.join(root, mount.point.strip("/"))
    # In a container the group's path may be that of the host, of which only a part is mounted.
    inside = path.removeprefix(mount.root.rstrip("/")).strip("/")
    if ".." in inside.split("/") or not os.path.isdir(os.path.join(top, inside)):
        inside = ""
    while inside:
        yield os.path.join(top, inside)
        inside = os.path.dirname(inside)
    yield top


def _version_2(folders: list[str]) -> Limits:
    cpus = []
    for folder in folders:
        quota, _, period = (_text(folder, "cpu.max") or "max").partition(" ")
        if quota.isdigit() and period.isdigit() and int(period):
            cpus.append(int(quota) / int(period))
    pids, used = _pids(folders)
    memory = [_number(folder, "memory.max") for folder in folders]
    return Limits(2, min(cpus, default=None), _least(memory), pids, used)


def _version_1(folders: list[str]) -> Limits:
    cpus = []
    for folder in folders:
        quota = _number(folder, "cpu.cfs_quota_us")  # -1, which is no number here: none
        period = _number(folder, "cpu.cfs_period_us")
        if quota and period:
            cpus.append(quota / period)
    pids, used = _pids(folders)
    memory = [_number(folder, "memory.limit_in_bytes") for folder in folders]
    return Limits(1, min(cpus, default=None), _least(memory), pids, used)


def _pids(folders: list[str]) -> tuple[int | None, int | None]:
    """Give limit and use of the group that has the fewest left."""
    each = [(_number(f, "pids.max"), _number(f, "pids.current") or 0) for f in folders]
    limited = [(limit, used) for limit, used in each if limit is not None]
    return min(limited, key=lambda of: of[0] - of[1], default=(None, None))


def _narrowest(found: list[Limits]) -> Limits:
    pids = [(of.pids, of.pids_used or 0) for of in found if of.pids is not None]
    of_pids = min(pids, key=lambda of: of[0] - of[1], default=(None, None))
    limited = [of for of in found if of[1:] != (None,) * 4]
    version = max((of.version or 0 for of in limited or found), default=0) or None
    cpus = min((of.cpus for of in found if of.cpus is not None), default=None)
    return Limits(version, cpus, _least([of.memory for of in found]), *of_pids)


def _least(numbers: list[int | None]) -> int | None:
    return min((n for n in numbers if n is not None and n < _NO_LIMIT), default=None)


def _number(folder: str, name: str) -> int | None:
    text = _text(folder, name)
    return int(text) if text is not None and text.isdigit() else None


def _text(folder: str, name: str) -> str | None:
    try:
        with open(os.path.join(folder, name), errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None
