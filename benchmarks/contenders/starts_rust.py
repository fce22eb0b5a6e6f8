"""import.* of a PyO3 extension."""

from __future__ import annotations

from benchmarks.contenders import interpreter
from benchmarks.work import Work


def package() -> Work:
    """Import it."""
    return interpreter.package("import rust_peer")


def first_call() -> Work:
    """Load it, then call a function."""
    return interpreter.first_call("", "import rust_peer", "rust_peer.add(40, 2)")


def whole() -> Work:
    """Start, import it, call a function, and exit."""
    return interpreter.whole("import rust_peer\nassert rust_peer.add(0, 1) == 1", 1)
