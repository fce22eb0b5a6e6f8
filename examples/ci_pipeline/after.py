"""The heavy steps in Go, by gostitch; read `before` beside it.

Concurrency, retries, digests on the way, atomic writes and limits live in the Go functions; what is
left here is saying what is wanted. Each call is one crossing, and each makes a Go span below the
step's span without another line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gostitch import tasks

from .pipeline import Download, Extraction, PipelineError, Progress

__all__ = ["fetch", "hash_tree", "pack", "unpack"]


# --- fetch ------------------------------------------------------------------------------------


def fetch(downloads: Sequence[Download], progress: Progress) -> None:
    """Download everything in one call."""
    items = [
        tasks.FetchItem(url=one.url, path=str(one.path), digest=one.sha256) for one in downloads
    ]
    results = tasks.fetch(items, progress=lambda seen: progress(seen.done, seen.total))
    failed = [result.error for result in results if not result.ok]
    if failed:
        raise PipelineError(f"{len(failed)} downloads failed, the first: {failed[0]}")


# --- hash -------------------------------------------------------------------------------------


def hash_tree(root: Path) -> str:
    """Hash on all cores."""
    return tasks.hash_tree(root).digest


# --- unpack -----------------------------------------------------------------------------------


def unpack(extractions: Sequence[Extraction]) -> None:
    """Unpack one archive after another; each uses all cores."""
    for one in extractions:
        tasks.unpack(one.archive, one.target)


# --- pack -------------------------------------------------------------------------------------


def pack(root: Path, archive: Path) -> None:
    """Pack on all cores."""
    tasks.pack(root, archive)
