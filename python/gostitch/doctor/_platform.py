"""The operating system: whether it is one that the Go library can work on."""

from __future__ import annotations

import os
import platform
import sysconfig
from typing import Any

from gostitch.doctor import _versions
from gostitch.doctor._finding import Verdict, note, ok, problem

_TESTED = ("x86_64",)
_BUILT = ("x86_64", "aarch64")


def glibc() -> tuple[int, ...] | None:
    """Give the version of the C library if it is glibc."""
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return None
    kind, _, version = name.partition(" ")
    return _versions.numbers(version) if kind == "glibc" else None


def is_musl() -> bool:
    """Tell whether Python was built for musl."""
    words = (sysconfig.get_config_var("SOABI"), sysconfig.get_config_var("HOST_GNU_TYPE"))
    return any("musl" in word for word in words if isinstance(word, str))


def system() -> Verdict:
    """Check the system, its C library and the machine."""
    return judge(platform.system(), platform.release(), platform.machine(), glibc(), is_musl())


def judge(
    name: str, release: str, machine: str, libc: tuple[int, ...] | None, musl: bool
) -> Verdict:
    """Judge a system by its name, its release, its machine and its C library."""
    facts: dict[str, Any] = {
        "system": name,
        "release": release,
        "machine": machine,
        "glibc": _versions.text(libc) if libc else None,
        "musl": musl,
    }
    if name != "Linux":
        words = f"gostitch works on Linux only, and this is {name}."
        return problem(words, "Run it on Linux, for instance in a container.", **facts)
    if libc is None:
        words = (
            "The C library is not glibc"
            + (" but musl" if musl else "")
            + "; a Go library cannot be loaded there at run time (golang/go issue 54805)."
        )
        return problem(words, "Use an image with glibc, python:3.13-slim for instance.", **facts)
    words = f"{name} on {machine}, glibc {facts['glibc']}."
    if machine not in _BUILT:
        return problem(f"{words} There is no build for {machine}.", "Use x86_64.", **facts)
    if machine not in _TESTED:
        return note(f"{words} For {machine} gostitch is tested under an emulator only.", **facts)
    return ok(words, **facts)
