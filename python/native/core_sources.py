"""Which files make up the Go core.

A build reads them, the sdist and the wheel contain them. Tests stay behind, and
the packages that only tests and benchmarks import.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_SUFFIXES = (".go", ".h", ".c", ".s", ".pgo")
_TESTS_ONLY = (
    "gocore/cmd/libbare",
    "gocore/cmd/libfaults",
    "gocore/cmd/nativefaults",
    "gocore/internal/archtest",
    "gocore/internal/faults",
    "gocore/internal/golden",
)


def paths() -> list[str]:
    """Give the files of the core, relative to the root, sorted."""
    found = ["go.mod", "go.sum"]
    for folder, folders, names in os.walk(ROOT / "gocore"):
        inside = Path(folder).relative_to(ROOT)
        folders[:] = [
            name
            for name in folders
            if name != "testdata" and (inside / name).as_posix() not in _TESTS_ONLY
        ]
        found += [(inside / name).as_posix() for name in names if _is_source(name)]
    return sorted(found)


def _is_source(name: str) -> bool:
    # Go ignores names that begin with a dot or an underscore, editors make them.
    return (
        name.endswith(_SUFFIXES)
        and not name.endswith("_test.go")
        and not name.startswith((".", "_"))
    )
