"""Where gostitch builds, as rules over plain facts about one machine.

``refusal`` gives the one sentence that ends a build before any work, with the
reason, the remedy, and the switch where trying could work. An older Python must
be able to read this far, so no syntax newer than 3.9's.
"""

from __future__ import annotations

import os
import platform
import struct
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

SWITCH = "GOSTITCH_TRY_UNSUPPORTED"
MACHINES = ("x86_64", "aarch64")
OLDEST_PYTHON = (3, 10)


class Facts(NamedTuple):
    """What the rules look at; the defaults are those of a supported machine."""

    system: str = "linux"
    implementation: str = "cpython"
    version: tuple[int, int] = (3, 11)
    bits: int = 64
    libc: str = "glibc"
    machine: str = "x86_64"
    gil_disabled: bool = False
    header: str = "/usr/include/python3.11/Python.h"
    header_exists: bool = True
    try_unsupported: bool = False

    @property
    def limited_api(self) -> bool:
        """Whether one build serves all later CPythons; a free-threaded one has no such promise."""
        return not self.gil_disabled


def of_this_machine() -> Facts:
    """Read the facts of the interpreter that builds."""
    header = Path(sysconfig.get_path("include")) / "Python.h"
    return Facts(
        system=sys.platform,
        implementation=sys.implementation.name,
        version=(sys.version_info[0], sys.version_info[1]),
        bits=struct.calcsize("P") * 8,
        libc=_libc(),
        machine=platform.machine(),
        gil_disabled=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        header=str(header),
        header_exists=header.is_file(),
        try_unsupported=os.environ.get(SWITCH) == "1",
    )


def refusal(facts: Facts) -> str | None:
    """Say why nothing can be built here, or give None."""
    return _never(facts) or _untried(facts) or _no_header(facts)


def _never(facts: Facts) -> str | None:
    """Say what no switch helps against."""
    if facts.implementation != "cpython":
        return (
            f"gostitch needs CPython and this is {facts.implementation}: its C extension is tied "
            "to CPython's memory and locks; install it with CPython 3.10 or newer"
        )
    if facts.version < OLDEST_PYTHON:
        return (
            f"gostitch needs CPython {_dotted(OLDEST_PYTHON)} or newer and this is "
            f"{_dotted(facts.version)}: its C extension uses the limited API of that version; "
            "install it with a newer one"
        )
    if facts.system != "linux":
        name = {"darwin": "macOS", "win32": "Windows"}.get(facts.system, facts.system)
        return (
            f"gostitch needs Linux and this is {name}: the boundary uses Linux's eventfd and "
            "memfd; use a Linux container or virtual machine"
        )
    if facts.bits != 64:
        return (
            f"gostitch needs a 64-bit Python and this one has {facts.bits} bits: addresses cross "
            "the boundary as 64-bit numbers; install a 64-bit CPython"
        )
    if facts.libc == "musl":
        return (
            "gostitch needs glibc and this Python uses musl (Alpine, for one): Go's shared "
            "libraries use initial-exec TLS, so musl cannot dlopen them (golang/go#54805); use an "
            "image with glibc, such as Debian's"
        )
    return None


def _untried(facts: Facts) -> str | None:
    """Say what might work, but nobody tried."""
    if facts.try_unsupported:
        return None
    if facts.libc != "glibc":
        reason = "needs glibc, and this Python uses another C library"
    elif facts.machine not in MACHINES:
        reason = f"is built for {' and '.join(MACHINES)} only, and this machine is {facts.machine}"
    elif facts.gil_disabled:
        reason = (
            "is not tried on free-threaded CPython yet, and this is one (the stable ABI that its "
            "wheels use does not exist there)"
        )
    else:
        return None
    return f"gostitch {reason}; set {SWITCH}=1 to try it anyway"


def _no_header(facts: Facts) -> str | None:
    """Say which package brings Python.h."""
    if facts.header_exists:
        return None
    return (
        f"gostitch's C extension needs Python.h, and there is none at {facts.header}; install "
        f"python{_dotted(facts.version)}-dev (Debian, Ubuntu) or "
        f"python{_dotted(facts.version)}-devel (Fedora, RHEL), or use a Python from pyenv, uv or "
        "python.org, which brings it"
    )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _libc() -> str:
    """Name the C library that this interpreter was built for."""
    built_for = " ".join(
        str(sysconfig.get_config_var(name)) for name in ("SOABI", "HOST_GNU_TYPE", "MULTIARCH")
    )
    if "musl" in built_for:
        return "musl"
    try:
        return "glibc" if "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "") else "unknown"
    except (AttributeError, ValueError, OSError):
        pass
    return "musl" if list(Path("/lib").glob("ld-musl-*")) else "unknown"
