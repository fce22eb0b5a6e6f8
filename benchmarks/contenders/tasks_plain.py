"""tasks.* in plain Python: the standard library, and a wheel where it has nothing.

One thing after another; downloads alone use threads, as everybody does for them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import requests
import zstandard
from blake3 import blake3

from benchmarks.contenders import output
from benchmarks.work import Work
from ci_pipeline.untar import extract_all

THREADS = 8
HASHES: dict[str, Callable[[bytes], Any]] = {"blake3": blake3, "sha256": hashlib.sha256}
local = threading.local()


def hash_tree(root: str, algorithm: str) -> Work:
    """Digest a tree, file by file."""
    new = HASHES[algorithm]

    def digest() -> str:
        top = b"d" + bytes(4) + bytes(8) + directory(Path(root), new)
        return str(new(b"gostitch.hashtree.v1.root\n" + top).hexdigest())

    return Work(lambda: output.void(digest()), digest)


def directory(path: Path, new: Callable[[bytes], Any]) -> bytes:
    """Digest the records of a folder's entries; docs/tasks.md has the definition."""
    entries = sorted(path.iterdir(), key=lambda entry: os.fsencode(entry.name))
    records = b"".join(record(entry, new) for entry in entries)
    framed = b"gostitch.hashtree.v1.dir\n" + len(entries).to_bytes(8, "big") + records
    return bytes(new(framed).digest())


def record(path: Path, new: Callable[[bytes], Any]) -> bytes:
    """Give the record of one entry."""
    name = os.fsencode(path.name)
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        kind, bits, payload = b"l", 0, new(os.fsencode(os.readlink(path))).digest()
    elif stat.S_ISDIR(mode):
        kind, bits, payload = b"d", stat.S_IMODE(mode), directory(path, new)
    else:
        kind, bits, payload = b"f", stat.S_IMODE(mode), new(path.read_bytes()).digest()
    return bytes(kind + bits.to_bytes(4, "big") + len(name).to_bytes(8, "big") + name + payload)


def pack(root: str, folder: str, compression: str) -> Work:
    """Pack a tree with tarfile."""

    def write(archive: Path) -> None:
        partial = archive.with_suffix(".part")
        with partial.open("wb") as file:
            with (
                compressor(file, compression) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                for entry in sorted(Path(root).iterdir()):
                    tar.add(entry, arcname=entry.name, filter=without_owner)
            os.fsync(file.fileno())
        partial.replace(archive)

    return output.packing(write, folder, compression)


def compressor(file: IO[bytes], compression: str) -> Any:
    """Compress what is written, at the level that is usual."""
    if compression == "gz":
        return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6)
    return zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False)


def without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out what differs from machine to machine."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = int(member.mtime)  # tarfile would write a fraction of .0 too
    return member


def unpack(archive: str, folder: str) -> Work:
    """Unpack a tree with tarfile."""

    def extract(tree: Path) -> None:
        with open(archive, "rb") as file:
            zstd = archive.endswith(".zst")
            plain: Any = (
                zstandard.ZstdDecompressor().stream_reader(file)
                if zstd
                else gzip.GzipFile(fileobj=file)
            )
            with plain, tarfile.open(fileobj=plain, mode="r|") as tar:
                extract_all(tar, tree, "data")

    return output.unpacking(extract, folder)


def fetch(listing: str, folder: str) -> Work:
    """Download many files with requests on the threads of a pool."""
    items = json.loads(Path(listing).read_text(encoding="utf-8"))

    def download(tree: Path) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda item: fetch_one(item, tree), items):
                pass

    return output.fetching(download, folder)


def fetch_one(item: dict[str, str], tree: Path) -> None:
    """Download one file over this thread's connection; it appears complete and right."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
    response = local.session.get(item["url"], timeout=60)
    response.raise_for_status()
    if hashlib.sha256(response.content).hexdigest() != item["digest"]:
        raise OSError(f"{item['url']} has another digest")
    path = tree / item["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(response.content)
    partial.replace(path)
