"""The address space that loading Go takes, where a process has a limit of it."""

from __future__ import annotations

import resource

from gostitch.exceptions import LibraryError

NEEDED = int(1.75 * (1 << 30))
"""The address space that loading takes (1.65 GB measured), with some to spare."""


def refuse_little() -> None:
    """Raise ``LibraryError`` where the Go runtime would end the process for want of it."""
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
