"""Says what a task made, by tools that no contender is: its answer."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import zstandard

from ci_pipeline.merkle import tree_digest

BLOCK = 1 << 20


def tar_stream(archive: Path) -> str:
    """Give the SHA-256 of an archive's tar stream, whatever compressed it."""
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        zstd = file.read(4) == zstandard.FRAME_HEADER
        file.seek(0)
        plain: Any = (
            zstandard.ZstdDecompressor().stream_reader(file)
            if zstd
            else gzip.GzipFile(fileobj=file)
        )
        with plain:
            while block := plain.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


def tree(root: Path) -> list[object]:
    """Give a tree's digest, which covers names, modes and contents, and its times."""
    times = sorted((path.name, int(path.lstat().st_mtime)) for path in root.rglob("*"))
    return [tree_digest(root), hashlib.sha256(repr(times).encode()).hexdigest()]


def contents(root: Path) -> str:
    """Give a tree's digest alone: downloads have times of their own."""
    return tree_digest(root)
