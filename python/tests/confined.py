"""What confines a process, as text for programs of the tests: users, limits, filters of calls."""

from __future__ import annotations

FILTER = '''
import ctypes as _c, os as _os, struct as _s

_NUMBERS = {  # asm/unistd.h of both machines
    "x86_64": {"eventfd2": 290, "epoll_create1": 291, "pipe2": 293, "epoll_ctl": 233, "clone": 56,
               "clone3": 435, "memfd_create": 319, "epoll_pwait": 281,
               "prlimit64": 302, "sched_getaffinity": 204, "getrandom": 318, "poll": 7,
               "rt_sigprocmask": 14, "rt_sigaction": 13, "sigaltstack": 131},
    "aarch64": {"eventfd2": 19, "epoll_create1": 20, "pipe2": 59, "epoll_ctl": 21, "clone": 220,
                "clone3": 435, "memfd_create": 279, "epoll_pwait": 22,
                "prlimit64": 261, "sched_getaffinity": 123, "getrandom": 278, "poll": 73,
                "rt_sigprocmask": 135, "rt_sigaction": 134, "sigaltstack": 132},
}

def deny(error, *calls):
    """Have calls, by name or number, fail from now on: seccomp(2) with a filter of classic BPF."""
    known = _NUMBERS[_os.uname().machine]
    rules = [(0x20, 0, 0, 0)]  # load the call's number
    for call in calls:
        rules.append((0x15, 0, 1, known.get(call, call)))  # unless it is this one skip the next
        rules.append((0x06, 0, 0, 0x00050000 | error))  # SECCOMP_RET_ERRNO
    rules.append((0x06, 0, 0, 0x7FFF0000))  # SECCOMP_RET_ALLOW
    code = b"".join(_s.pack("HBBI", *rule) for rule in rules)
    buffer = _c.create_string_buffer(code)
    program = _s.pack("HxxxxxxP", len(rules), _c.addressof(buffer))
    libc = _c.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [_c.c_int] + 4 * [_c.c_ulong]
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    holder = _c.create_string_buffer(program)
    if libc.prctl(22, 2, _c.addressof(holder), 0, 0) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(_c.get_errno(), "no filter")
'''

UNPRIVILEGED = '''
import os as _os, resource as _r

def _threads():
    """Count the threads of this user."""
    total = 0
    for pid in filter(str.isdigit, _os.listdir("/proc")):
        try:
            if _os.stat("/proc/" + pid).st_uid == _os.getuid():
                total += len(_os.listdir("/proc/" + pid + "/task"))
        except OSError:
            pass
    return total

def become_user():
    """Give up root, which RLIMIT_NPROC does not bind; to be called when all is imported."""
    if _os.getuid() == 0:
        user = 100000 + _os.getpid()  # nobody else's, so that nobody else's threads count
        _os.setgid(user)
        _os.setuid(user)

def allow_threads(more):
    """Let this user have some threads more than there are."""
    _, hard = _r.getrlimit(_r.RLIMIT_NPROC)
    _r.setrlimit(_r.RLIMIT_NPROC, (_threads() + more, hard))
'''
"""``setrlimit(2)``: processes with CAP_SYS_RESOURCE or CAP_SYS_ADMIN, such as root's, are exempt."""
