"""Gives each contender a place of its own to write to, and work that is judged by it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import judge
from benchmarks.work import Work


def place(folder: str, suffix: str = "") -> Path:
    """Give the path that this process writes to."""
    return Path(folder) / f"output-{os.getpid()}{suffix}"


def packing(pack: Callable[[Path], object], folder: str, compression: str) -> Work:
    """Time the making of an archive, which is judged by the tar inside."""
    archive = place(folder, f".tar.{compression}")

    def answer() -> str:
        pack(archive)
        return judge.tar_stream(archive)

    def facts() -> dict[str, object]:
        return {"archive_mb": round(archive.stat().st_size / 1e6, 1)}

    return Work(lambda: void(pack(archive)), answer, lambda: remove(archive), facts)


def unpacking(unpack: Callable[[Path], object], folder: str) -> Work:
    """Time the making of a tree."""
    tree = place(folder)

    def answer() -> list[object]:
        unpack(tree)
        return judge.tree(tree)

    return Work(lambda: void(unpack(tree)), answer, lambda: remove(tree))


def fetching(fetch: Callable[[Path], object], folder: str) -> Work:
    """Time the download of a tree."""
    tree = place(folder)

    def answer() -> str:
        fetch(tree)
        return judge.contents(tree)

    return Work(lambda: void(fetch(tree)), answer, lambda: remove(tree))


def remove(path: Path) -> None:
    """Remove what the last round left."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def void(_: object) -> None:
    """Drop a result."""
