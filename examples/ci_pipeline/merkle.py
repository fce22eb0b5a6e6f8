"""Gives a directory tree one digest, in pure Python.

The reference for `gocore/tasks/hashtree`, whose package doc defines it.

`before` hashes with it, `publish` signs the inputs with it, and `compare` judges both results with
it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from blake3 import blake3

__all__ = ["tree_digest"]

# From this size on, hashing on all cores beats the cost of waking them.
LARGE = 1 << 20


def tree_digest(root: Path) -> str:
    """Digest a tree by BLAKE3: names, contents, modes, link targets; not times and owners.

    The result is lower-case hex. Raises ValueError for what is not a file, directory or link.
    """
    record = b"d" + bytes(4) + bytes(8) + _directory(os.fspath(root))
    return blake3(b"gostitch.hashtree.v1.root\n" + record).hexdigest()


def _directory(path: str) -> bytes:
    with os.scandir(path) as entries:
        records = [
            _record(entry) for entry in sorted(entries, key=lambda entry: os.fsencode(entry.name))
        ]
    count = len(records).to_bytes(8, "big")
    return blake3(b"gostitch.hashtree.v1.dir\n" + count + b"".join(records)).digest()


def _record(entry: os.DirEntry[str]) -> bytes:
    name = os.fsencode(entry.name)
    named = len(name).to_bytes(8, "big") + name
    if entry.is_symlink():
        return b"l" + bytes(4) + named + blake3(os.fsencode(os.readlink(entry.path))).digest()
    status = entry.stat(follow_symlinks=False)
    mode = stat.S_IMODE(status.st_mode).to_bytes(4, "big")
    if stat.S_ISDIR(status.st_mode):
        return b"d" + mode + named + _directory(entry.path)
    if stat.S_ISREG(status.st_mode):
        return b"f" + mode + named + _content(entry.path, status.st_size)
    raise ValueError(f"neither a file, a directory nor a symbolic link: {entry.path}")


def _content(path: str, size: int) -> bytes:
    if size >= LARGE:
        return blake3(max_threads=blake3.AUTO).update_mmap(path).digest()
    with open(path, "rb", buffering=0) as file:
        return blake3(file.read()).digest()
