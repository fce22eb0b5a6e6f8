"""Run ``go build`` for a c-shared library, or say in one sentence why it failed.

gostitch's own build uses this module too, from ``python/native/shipped.py``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from . import _disk_space, _symbols, _toolchain

# The same sources give the same bytes: no paths, no time, no revision. With what is for debuggers,
# though it goes at once: without it (-w), zig as the linker leaves out the names of functions too.
_FLAGS = (
    "-buildmode=c-shared",
    "-trimpath",
    "-buildvcs=false",
    f"-ldflags=-compressdwarf=false -extldflags={_symbols.LINKER_FLAGS}",
)

# grpc's pages of traces, which are off unless a program asks for them. Their templates call
# methods by name, so with them the linker keeps every exported method: a fifth of a library.
_TAG = "grpcnotrace"

# What Go or the C compiler says, and what to do about it; the first that fits counts.
_REMEDIES = (
    (
        r"checksum mismatch|SECURITY ERROR|missing go\.sum entry",
        "a module is not the one that go.sum names; run 'go clean -modcache', or correct GOPROXY",
    ),
    (
        r"dial tcp|no such host|i/o timeout|connection refused|x509:|proxyconnect"
        r"|module lookup disabled|GOPROXY|unexpected EOF",
        "Go could not download the modules that go.mod names; let the build reach a module proxy "
        "(GOPROXY), or run 'go mod download' where there is one and keep GOMODCACHE",
    ),
    (
        r"C compiler|runtime/cgo|clang: error|gcc: error|cc1|collect2|ld returned|ld\.lld",
        "the C compiler {cc!r} failed; correct it, or hide it from PATH so that the build takes "
        "zig from PyPI",
    ),
    (r"", "correct the Go sources where the lines above point at"),
)


def build(package: str, target: Path, cwd: Path, env: dict[str, str]) -> None:
    """Build a Go package into the file ``target``, with its symbols beside it.

    Each file appears whole or not at all, and a process that has the old one
    loaded keeps it. Exits with Go's words and one sentence if it cannot be built.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.stem}.{os.getpid()}.so")
    try:
        done = subprocess.run(
            [go_command(), "build", *flags(env), "-o", str(unfinished), package],
            cwd=cwd,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip()
            # Go goes on without what it could not write, and says much that follows from it.
            said = _disk_space.lines(said) or said
            sys.exit(f"{said}\ngostitch: {package} was not built: {remedy(said)}")
        _place(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
        _symbols.beside(unfinished).unlink(missing_ok=True)
        unfinished.with_suffix(".h").unlink(missing_ok=True)


def _place(linked: Path, target: Path) -> None:
    """Put what was linked into its place, and its symbols beside it."""
    symbols, unfinished = _symbols.beside(target), _symbols.beside(linked)
    try:
        library, of = _symbols.split(linked.read_bytes(), symbols.name)
    except _symbols.SymbolsError as error:
        # It works, and profilers find the names in it: it is larger, that is all.
        print(f"gostitch: {target.name} keeps its symbols inside: {error}", file=sys.stderr)
        symbols.unlink(missing_ok=True)
    else:
        try:
            unfinished.write_bytes(of)
            linked.write_bytes(library)
        except OSError as error:
            full = _disk_space.reason(str(error))
            if full:
                sys.exit(f"{error}\ngostitch: {target.name} was not built: {full}")
            raise
        unfinished.replace(symbols)
    linked.replace(target)


def flags(env: dict[str, str]) -> list[str]:
    """Return the flags of ``go build`` in an environment, whose GOFLAGS may have build tags."""
    chosen = [
        flag.partition("=")[2]
        for flag in env.get("GOFLAGS", "").split()
        if flag.startswith(("-tags=", "--tags="))
    ]
    # On the command line they replace those of GOFLAGS.
    return [*_FLAGS, f"-tags={','.join([*chosen[-1:], _TAG])}"]


def go_command() -> str:
    """Give the path of Go; exits with one sentence if there is none."""
    go = _toolchain.go()
    if go is None:
        sys.exit(
            f"{_toolchain.no_go()}; install it from https://go.dev/dl, or build without "
            "--no-build-isolation so that it comes from PyPI"
        )
    return go


def remedy(said: str) -> str:
    """Give cause and remedy of a build that failed and said this."""
    full = _disk_space.reason(said)
    if full:
        return full
    fits = next(text for pattern, text in _REMEDIES if re.search(pattern, said))
    return fits.format(cc=_toolchain.cc())
