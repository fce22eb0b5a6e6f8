"""Prepares what the task cases work on: a tree that others wrote."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zstandard

from benchmarks.machine import BUILT, ROOT, first_line
from ci_pipeline.workplace import working_folder

STOP_S = 10.0


@dataclass(frozen=True)
class Inputs:
    """A tree, what it is, and its archives; ``folder`` takes what the contenders write."""

    folder: Path
    tree: Path
    name: str
    files: int
    bytes: int

    def archive(self, compression: str) -> Path:
        """Give the tree's archive, made by Python's own tools."""
        return self.folder / f"tree.tar.{compression}"


@contextmanager
def inputs(quick: bool) -> Iterator[Inputs]:
    """Copy the source tree of the Go at hand, a part of it where it must be quick."""
    part = Path("src", "internal") if quick else Path("src")
    source = Path(first_line("go", "env", "GOROOT")) / part
    with working_folder(ROOT / "build", None, keep=False) as folder:
        tree = folder / "tree"
        shutil.copytree(source, tree, symlinks=True)
        everything = sorted(tree.rglob("*"))
        for path in everything:
            # Python knows times as floats, so that it cannot keep fractions exactly.
            whole = int(path.lstat().st_mtime)
            os.utime(path, (whole, whole), follow_symlinks=False)
        found = [path for path in everything if path.is_file()]
        made = Inputs(
            folder=folder,
            tree=tree,
            name=f"{first_line('go', 'env', 'GOVERSION')}'s {part}",
            files=len(found),
            bytes=sum(path.stat().st_size for path in found),
        )
        with (
            made.archive("zst").open("wb") as file,
            zstandard.ZstdCompressor(level=3).stream_writer(file) as packed,
        ):
            write_tar(tree, packed)
        with gzip.open(made.archive("gz"), "wb", compresslevel=6) as packed:
            write_tar(tree, packed)
        yield made


def write_tar(tree: Path, stream: object) -> None:
    """Write a tree as tar into something that compresses it."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for entry in sorted(tree.iterdir()):
            tar.add(entry, arcname=entry.name)


@contextmanager
def served(made: Inputs) -> Iterator[Path]:
    """Serve the tree while the block lasts; give the file that lists its URLs and digests."""
    server = subprocess.Popen(
        [str(BUILT / "fileserver"), str(made.tree)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        listing = made.folder / "listing.json"
        listing.write_text(json.dumps(list(items(made.tree, url))), encoding="utf-8")
        yield listing
    finally:
        server.stdin.close()
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()


def items(tree: Path, url: str) -> Iterator[dict[str, str]]:
    """Name each file of the tree: its URL, its path and its SHA-256."""
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            name = path.relative_to(tree).as_posix()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield {"url": f"{url}/{name}", "path": name, "digest": digest}
