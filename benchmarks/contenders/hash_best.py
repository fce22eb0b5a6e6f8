"""tasks.hash_tree by the best Python has: scandir, and a warm process for each core."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from blake3 import blake3

from benchmarks.work import Work

HASHES: dict[str, Callable[[bytes], Any]] = {"blake3": blake3, "sha256": hashlib.sha256}
# More shares than processes, so that both end at about the same time.
SHARES = 8 * (os.cpu_count() or 1)

# The records of a folder's entries, in order; to that of a folder its digest is yet to be added.
Records = list[tuple[bytes, str]]


def hash_tree(root: str, algorithm: str) -> Work:
    """Digest a tree; the processes were started before, as a service would."""
    pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork"))
    list(pool.map(abs, range(64)))
    new = HASHES[algorithm]

    def digest() -> str:
        folders = [root, *below(root)]
        shares = [folders[i::SHARES] for i in range(SHARES)]
        found: dict[str, Records] = {}
        for part in pool.map(read, shares, [algorithm] * SHARES):
            found.update(part)
        top = b"d" + bytes(12) + directory(root, found, new)
        return str(new(b"gostitch.hashtree.v1.root\n" + top).hexdigest())

    def run() -> None:
        digest()

    return Work(run, digest, close=pool.shutdown)


def below(path: str) -> Iterator[str]:
    """Name all folders below one."""
    with os.scandir(path) as entries:
        inner = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for one in inner:
        yield one
        yield from below(one)


def read(folders: list[str], algorithm: str) -> dict[str, Records]:
    """Read what is in some folders, without those below."""
    new = HASHES[algorithm]
    found = {}
    for path in folders:
        with os.scandir(path) as entries:
            ordered = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        found[path] = [record(entry, new) for entry in ordered]
    return found


def record(entry: os.DirEntry[str], new: Callable[[bytes], Any]) -> tuple[bytes, str]:
    """Give the record of one entry."""
    name = os.fsencode(entry.name)
    named = len(name).to_bytes(8, "big") + name
    if entry.is_symlink():
        target = os.fsencode(os.readlink(entry.path))
        return b"l" + bytes(4) + named + new(target).digest(), ""
    bits = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode).to_bytes(4, "big")
    if entry.is_dir(follow_symlinks=False):
        return b"d" + bits + named, entry.path
    with open(entry.path, "rb", buffering=0) as file:
        return b"f" + bits + named + new(file.read()).digest(), ""


def directory(path: str, found: Mapping[str, Records], new: Callable[[bytes], Any]) -> bytes:
    """Digest a folder from what was read."""
    records = [
        head + directory(inner, found, new) if inner else head for head, inner in found[path]
    ]
    framed = b"gostitch.hashtree.v1.dir\n" + len(records).to_bytes(8, "big") + b"".join(records)
    return bytes(new(framed).digest())
