"""The limits that the operating system sets to this process."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

from gostitch._space import NEEDED, threads_needed
from gostitch.doctor import _runtime
from gostitch.doctor._finding import Verdict, ok, problem, warning

_GIB = 1 << 30

_ROOMY_SPACE = 4 * _GIB
_FEW_FILES = 128
_FEW_THREADS = 64


def _soft(limit: int) -> int | None:
    soft, _ = resource.getrlimit(limit)
    return None if soft == resource.RLIM_INFINITY else soft


def status() -> dict[str, str]:
    """Give /proc/self/status."""
    try:
        lines = Path("/proc/self/status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def open_files() -> Verdict:
    """Check the limit of open files (RLIMIT_NOFILE)."""
    limit = _soft(resource.RLIMIT_NOFILE)
    try:
        used = len(os.listdir("/proc/self/fd")) - 1
    except OSError:
        used = None
    facts: dict[str, Any] = {"limit": limit, "used": used}
    if limit is None:
        return ok("Open files are not limited.", **facts)
    words = f"{limit} files may be open at once" + (f", {used} are." if used is not None else ".")
    if limit - (used or 0) < _FEW_FILES:
        words += " Functions that open many (hash_tree, fetch) can fail with 'too many open files'."
        return warning(
            words, "Raise the limit (ulimit -n 4096, or LimitNOFILE= of systemd).", **facts
        )
    return ok(words, **facts)


def address_space() -> Verdict:
    """Check the limits of address space (RLIMIT_AS) and data (RLIMIT_DATA)."""
    space, data = _soft(resource.RLIMIT_AS), _soft(resource.RLIMIT_DATA)
    used = int(status().get("VmSize", "0").split()[0]) * 1024
    facts: dict[str, Any] = {"limit": space, "used": used, "data_limit": data}
    loaded = _runtime.is_loaded()
    facts["needed"] = 0 if loaded else NEEDED
    fix = "Remove the limit (ulimit -v unlimited); limit memory by the container or GOMEMLIMIT."
    if space is None:
        if data is not None and data < _GIB:
            words = (
                f"The data of this process is limited to {_mb(data)} (RLIMIT_DATA), Go's included."
            )
            return warning(words, "Remove the limit (ulimit -d unlimited).", **facts)
        return ok("Address space is not limited.", **facts)
    free = space - used
    words = f"Address space is limited to {_mb(space)} (RLIMIT_AS), and {_mb(free)} of it is free."
    if free < facts["needed"]:
        words += f" The Go runtime reserves {_mb(NEEDED)} of it, most of it never used."
        return problem(words, fix, **facts)
    if free < _ROOMY_SPACE - (NEEDED if loaded else 0):
        words += " The Go runtime reserves address space in large pieces."
        return warning(words, fix, **facts)
    return ok(words, **facts)


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"


def threads(pids: tuple[int | None, int | None], loaded: bool) -> Verdict:
    """Check the limits of threads: RLIMIT_NPROC, and the cgroup's (its limit and use)."""
    limit = _soft(resource.RLIMIT_NPROC)
    privileged = os.geteuid() == 0
    used = None if limit is None or privileged else _threads_of_user(os.getuid())
    group, group_used = pids
    facts: dict[str, Any] = {
        "limit": limit,
        "used": used,
        "privileged": privileged,
        "cgroup_limit": group,
        "cgroup_used": group_used,
    }
    fix = "Raise the limit (ulimit -u, TasksMax= of systemd, docker run --pids-limit)."
    for most, now, whose in ((limit, used, "this user"), (group, group_used, "the container")):
        if most is None or now is None:
            continue
        words = f"{most} threads are allowed to {whose}, and there are {now}."
        if most - now < threads_needed(len(os.sched_getaffinity(0))) and not loaded:
            return problem(f"{words} The Go runtime cannot start its own.", fix, **facts)
        if most - now < _FEW_THREADS:
            return warning(f"{words} Go starts one for each call that blocks.", fix, **facts)
    return ok("There is room for the threads of Go.", **facts)


def _threads_of_user(user: int) -> int | None:
    """Count the threads of a user, as far as /proc shows them."""
    total = 0
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return None
    for name in names:
        try:
            if os.stat(f"/proc/{name}").st_uid == user:
                total += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            pass  # it has ended, or is not ours to look at
    return total


def confinement() -> Verdict:
    """Tell whether system calls are filtered."""
    now = status()
    mode = {"0": "off", "1": "strict", "2": "filter"}.get(now.get("Seccomp", ""), "unknown")
    gained = {"0": False, "1": True}.get(now.get("NoNewPrivs", ""))
    facts: dict[str, Any] = {"seccomp": mode, "no_new_privileges": gained}
    if mode == "strict":
        words = "seccomp is in strict mode, which allows no threads and no files."
        return problem(words, "Use a filter instead of strict mode.", **facts)
    words = "System calls are not filtered (seccomp)."
    if mode == "filter":
        words = (
            "System calls are filtered (seccomp); usual filters, like that of Docker, let the Go "
            "runtime work, as the trial of loading shows."
        )
    elif mode == "unknown":
        words = "Whether system calls are filtered (seccomp) cannot be seen here."
    return ok(words, **facts)
