"""import.* of ctypes and a plain Go library."""

from __future__ import annotations

from benchmarks.contenders import interpreter
from benchmarks.machine import BUILT
from benchmarks.work import Work

LIBRARY = BUILT / "libgolang.so"


def package() -> Work:
    """Import it."""
    return interpreter.package("import ctypes, json")


def first_call() -> Work:
    """Load it, then call a function."""
    return interpreter.first_call(
        "import ctypes, json", f"library = ctypes.CDLL({str(LIBRARY)!r})", "library.add(40, 2)"
    )


def whole() -> Work:
    """Start, load it, call a function, and exit."""
    return interpreter.whole(
        f"import ctypes, json\nassert ctypes.CDLL({str(LIBRARY)!r}).add(0, 1) == 1", 1
    )
