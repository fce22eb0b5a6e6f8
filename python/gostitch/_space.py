"""What loading Go takes of a process: it ends the process where the system refuses any of that."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable

from gostitch.exceptions import LibraryError

NEEDED = 2 << 30
"""The address space that loading and the first calls take besides stacks: 1.65 GB are reserved at
once, and 2.1 GB were seen in all."""

_DATA = 128 << 20
"""The writable memory that loading and the first calls take besides stacks (64 MiB of heap at once,
100 MB measured in all), with some to spare."""

_FILES = 16
"""Descriptors that loading and the first calls take, with some to spare."""

_OWN_THREADS = 9
"""Threads of Go and of the package that do not run Go code: with fewer the first calls ended."""

_MOST_PROCS = 64
"""Processors from which on Go was not seen to use more threads at its start."""

_TOO_MANY = (errno.EMFILE, errno.ENFILE)
_DENIED = (errno.EPERM, errno.EACCES, errno.ENOSYS)

TryThreads = Callable[[int], tuple[int, int, int]]
TryCalls = Callable[[], tuple[str, int] | None]


def threads_needed(processors: int) -> int:
    """Return how many threads loading and the first calls take: each processor may run one."""
    return _OWN_THREADS + min(processors, _MOST_PROCS)


def refuse_little(try_threads: TryThreads, try_calls: TryCalls, processors: int | None) -> None:
    """Raise ``LibraryError`` where the Go runtime would end the process for want of anything.

    ``processors`` is how many Go is told to use, None: as many as there are.
    """
    _refuse_few_files()
    _refuse_denied_calls(try_calls)
    threads = threads_needed(processors or _usable())
    _, _, stack = try_threads(0)
    _refuse_little_space(NEEDED + threads * stack)
    _refuse_little_data(_DATA + threads * stack)
    made, error, _ = try_threads(threads)
    if made < threads and not processors:
        threads = threads_needed(_of_the_quota())
    if made < threads:
        raise _few_threads(threads, made, error)


def _usable() -> int:
    """Return how many processors this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except OSError:  # a sandbox forbids to ask, as it does Go
        return os.cpu_count() or 1


def _of_the_quota() -> int:
    """Return how many processors Go uses by itself in this container."""
    from gostitch import _cgroup  # seldom wanted

    usable, quota = _usable(), _cgroup.read().cpus
    return usable if quota is None else min(usable, max(2, -int(-quota // 1)))


def _few_threads(needed: int, made: int, error: int) -> LibraryError:
    limit = _limit(resource.RLIMIT_NPROC)
    said = "unlimited" if limit == resource.RLIM_INFINITY else str(limit)
    if error in _DENIED:
        remedy = _allow("clone, clone3, mmap and mprotect")
    else:
        remedy = (
            "raise the limit (ulimit -u, TasksMax= of systemd, docker run --pids-limit), end "
            "threads that are not needed, or have Go use fewer processors (GOMAXPROCS)"
        )
    return LibraryError(
        f"loading Go takes up to {needed} threads, and {made} can be started "
        f"({os.strerror(error)}; RLIMIT_NPROC, for all threads of this user, is {said}); {remedy}",
        details={"needed": needed, "free": made, "limit": limit},
    )


def _refuse_few_files() -> None:
    taken: list[int] = []
    try:
        # Tried, since counting those of a process that has many takes longer.
        taken.extend(os.eventfd(0, os.EFD_CLOEXEC) for _ in range(_FILES))
    except OSError as error:
        number = error.errno or 0
        if number not in _TOO_MANY:
            raise _refused("eventfd2", number) from None
        raise LibraryError(
            f"loading Go takes up to {_FILES} file descriptors, and {len(taken)} can be had "
            f"({error.strerror}); {_more_files(number)}, or close files that are not needed",
            details={"needed": _FILES, "free": len(taken)},
        ) from None
    finally:
        for fd in taken:
            os.close(fd)


def no_descriptor(error: OSError) -> OSError:
    """Return the error of ``eventfd`` for a queue of replies, with the remedy."""
    number = error.errno or 0
    if number in _TOO_MANY:
        remedy = f"{_more_files(number)}, or close files that are not needed"
    elif number in _DENIED:
        remedy = _allow("eventfd2")
    else:
        return error
    return OSError(number, f"{error.strerror}: no descriptor for replies can be had; {remedy}")


def _more_files(number: int) -> str:
    """Say how more files can be open, in this process or in the system."""
    if number == errno.ENFILE:
        return "raise the limit of the system (sysctl fs.file-max)"
    return "raise the limit (ulimit -n)"


def _refuse_denied_calls(try_calls: TryCalls) -> None:
    refused = try_calls()
    if refused is not None:
        raise _refused(*refused)


def _refused(call: str, number: int) -> LibraryError:
    if number in _TOO_MANY:
        remedy = _more_files(number)
    elif number in _DENIED:
        remedy = _allow(call)
    elif number == errno.ENOSPC:
        remedy = "raise the limit of what this user may watch (sysctl fs.epoll.max_user_watches)"
    elif number == errno.ENOMEM:
        remedy = "give the machine or the container more memory, which the kernel has none of"
    else:
        remedy = "see what in the system refuses it"
    return LibraryError(
        f"loading Go takes the system call {call}, which is refused here "
        f"({os.strerror(number)}); {remedy}",
        details={"call": call, "errno": number},
    )


def _allow(call: str) -> str:
    return (
        f"allow {call} in what confines this process: a filter of system calls (seccomp) of the "
        "container, SystemCallFilter= of systemd, or another sandbox"
    )


def _limit(which: int) -> int:
    """Return a limit of this process."""
    try:
        return resource.getrlimit(which)[0]
    except OSError:  # a sandbox forbids to ask
        return resource.RLIM_INFINITY


def _used(column: int) -> int | None:
    """Return a size of this process in bytes: 0 is its address space, 5 its writable memory."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[column]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return None


_REMEDY = "limit memory by the container or GOMEMLIMIT (GOMAXPROCS=2 takes few threads)"


def _refuse_little_data(needed: int) -> None:
    limit = _limit(resource.RLIMIT_DATA)
    used = None if limit == resource.RLIM_INFINITY else _used(5)
    if used is not None and limit - used < needed:
        raise LibraryError(
            f"the data of this process is limited to {limit >> 20} MiB (RLIMIT_DATA), of which "
            f"{used >> 20} are in use, and loading Go takes up to {needed >> 20}, the stacks of "
            "its threads (ulimit -s) included; remove the limit (ulimit -d unlimited), and "
            f"{_REMEDY}",
            details={"limit": limit, "used": used, "needed": needed},
        )


def _refuse_little_space(needed: int) -> None:
    limit = _limit(resource.RLIMIT_AS)
    used = None if limit == resource.RLIM_INFINITY else _used(0)
    if used is not None and limit - used < needed:
        raise LibraryError(
            f"the address space is limited to {limit >> 20} MiB (RLIMIT_AS), of which {used >> 20} "
            f"are in use, and loading Go reserves {needed >> 20}, most of it never used; remove "
            f"the limit (ulimit -v unlimited), and {_REMEDY}",
            details={"limit": limit, "used": used, "needed": needed},
        )
