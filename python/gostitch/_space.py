"""The address space and the descriptors that loading Go takes, where a process has few left."""

from __future__ import annotations

import os
import resource

from gostitch.exceptions import LibraryError

NEEDED = int(1.75 * (1 << 30))
"""The address space that loading takes (1.65 GB measured), with some to spare."""


_FILES = 16
"""Descriptors that loading and the first calls take, with some to spare."""


def refuse_little() -> None:
    """Raise ``LibraryError`` where the Go runtime would end the process for want of either."""
    _refuse_little_space()
    _refuse_few_files()


def _refuse_few_files() -> None:
    taken: list[int] = []
    try:
        # Tried, since counting those of a process that has many takes longer.
        taken.extend(os.eventfd(0, os.EFD_CLOEXEC) for _ in range(_FILES))
    except OSError as error:
        raise LibraryError(
            f"loading Go takes up to {_FILES} file descriptors, and {len(taken)} can be had "
            f"({error.strerror}); raise the limit (ulimit -n), or close files that are not needed",
            details={"needed": _FILES, "free": len(taken)},
        ) from None
    finally:
        for fd in taken:
            os.close(fd)


def _refuse_little_space() -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    try:
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    if limit - used < NEEDED:
        raise LibraryError(
            f"the address space is limited to {limit >> 20} MiB (RLIMIT_AS), of which {used >> 20} "
            f"are in use, and loading Go reserves {NEEDED >> 20}, most of it never used; remove "
            "the limit (ulimit -v unlimited), and limit memory by the container or GOMEMLIMIT",
            details={"limit": limit, "used": used, "needed": NEEDED},
        )
