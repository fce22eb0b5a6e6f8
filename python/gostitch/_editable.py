"""Notice that an editable install was built from other sources than it has now.

An in-place build leaves a record of its sources beside the library, which
``python/native/build_record.py`` writes. An installed wheel has none, so
``_process`` does not ask.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

from gostitch.exceptions import LibraryError

REBUILD_VARIABLE = "GOSTITCH_REBUILD"
"""Set to 1, it has a stale editable install rebuilt by the first call."""

_RECORD = "built-from.json"
_SOURCE_SUFFIXES = (".go", ".h", ".c", ".s", ".pgo")


def refresh(folder: str) -> None:
    """Warn if the sources in a checkout changed since its last build, or rebuild it.

    Raises ``LibraryError`` if rebuilding fails, or comes too late for this process.
    """
    package = Path(folder)
    root = package.parents[1]
    found = changed(root, package)
    if not found:
        return
    if os.environ.get(REBUILD_VARIABLE) != "1":
        warnings.warn(
            f"{_names(found)} changed after gostitch was built in {root}; run 'pip install "
            f"--editable {root}' (there: 'make build'), or set {REBUILD_VARIABLE}=1 to have "
            "that done by the first call",
            RuntimeWarning,
            stacklevel=2,
        )
        return
    _rebuild(root, package)
    loaded = [name for name, module in sys.modules.items() if _is_native(module, package)]
    if loaded and any(path.endswith((".c", ".h")) for path in found):
        raise LibraryError(
            f"{_names(found)} changed and gostitch was rebuilt, but this process has {loaded[0]} "
            "loaded from before; start it again",
            details={"changed": found},
        )


def changed(root: Path, package: Path) -> list[str]:
    """Give the sources that changed, came or went since the build, relative to the root."""
    record: dict[str, str] = json.loads((package / _RECORD).read_text(encoding="utf-8"))
    folders = {os.path.dirname(path) for path in record} - {""}
    present = {
        f"{folder}/{name}"
        for folder in folders
        for name in (os.listdir(root / folder) if (root / folder).is_dir() else ())
        if name.endswith(_SOURCE_SUFFIXES)
        and not name.endswith("_test.go")
        and not name.startswith((".", "_"))
    }
    return sorted(
        path for path in record.keys() | present if record.get(path) != _digest(root / path)
    )


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _rebuild(root: Path, package: Path) -> None:
    """Build in a program of its own; processes that start together build once."""
    with (package / _RECORD).open() as record:
        fcntl.flock(record, fcntl.LOCK_EX)
        if not changed(root, package):
            return  # another process was first
        program = root / "python" / "native" / "rebuild.py"
        done = subprocess.run(
            [sys.executable, str(program)], capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise LibraryError(
            f"{REBUILD_VARIABLE}=1, but gostitch cannot be rebuilt in {root}; correct this:\n"
            f"{(done.stdout + done.stderr).strip()}",
            details={"root": str(root)},
        )


def _is_native(module: object, package: Path) -> bool:
    file = getattr(module, "__file__", None) or ""
    return file.endswith(".so") and Path(file).parent == package


def _names(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
