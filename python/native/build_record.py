"""Record what an in-place build was made from.

``gostitch._editable`` reads the record when it loads the library.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import core_sources
from core_sources import ROOT

NAME = "built-from.json"


def write(package: Path, c_sources: Iterable[str]) -> None:
    """Write the digest of each source, by its path below the root."""
    headers = ROOT.glob("python/native/*.h")
    c_files = {os.path.relpath(ROOT / path, ROOT) for path in (*c_sources, *headers)}
    written = {path for path in c_files if path.startswith("python/")}  # the others are generated
    files = {
        path: hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
        for path in sorted({*core_sources.paths(), *written})
    }
    unfinished = package / f".{NAME}.{os.getpid()}"
    unfinished.write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(package / NAME)
