"""tasks.* through gostitch: the task library, as its users call it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from benchmarks.contenders import output
from benchmarks.work import Work
from gostitch import tasks


def hash_tree(root: str, algorithm: str) -> Work:
    """Digest a tree."""
    chosen = tasks.HashAlgorithm(algorithm)

    def run() -> None:
        tasks.hash_tree(root, algorithm=chosen)

    return Work(run, lambda: tasks.hash_tree(root, algorithm=chosen).digest)


def pack(root: str, folder: str, compression: str) -> Work:
    """Pack a tree."""
    name = tasks.ArchiveCompression({"zst": "zstd", "gz": "gzip"}[compression])
    return output.packing(
        lambda archive: tasks.pack(root, archive, compression=name), folder, compression
    )


def pack_often(root: str, folder: str, calls: int) -> Work:
    """Pack a tree many times, at the lowest, the default, a high and the highest level."""
    levels = [None, 1, 7, 22]
    calling = itertools.count()

    def pack(archive: Path) -> None:
        for _ in range(calls):
            tasks.pack(root, archive, level=levels[next(calling) % len(levels)])

    return output.packing(pack, folder, "zst")


def unpack(archive: str, folder: str) -> Work:
    """Unpack a tree."""
    return output.unpacking(lambda tree: tasks.unpack(archive, tree), folder)


def fetch(listing: str, folder: str) -> Work:
    """Download many files."""
    items = json.loads(Path(listing).read_text(encoding="utf-8"))

    def download(tree: Path) -> None:
        wanted = [
            tasks.FetchItem(item["url"], tree / item["path"], digest=item["digest"])
            for item in items
        ]
        for result in tasks.fetch(wanted):
            if not result.ok:
                raise OSError(result.error)

    return output.fetching(download, folder)
