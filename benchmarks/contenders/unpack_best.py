"""tasks.unpack by the best Python has: tarfile reads, the files are written without it."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, Any

import zstandard
from isal import igzip

from benchmarks.contenders import output
from benchmarks.work import Work

BUFFER = 1 << 18


def unpack(archive: str, folder: str) -> Work:
    """Unpack a tree."""

    def extract(tree: Path) -> None:
        with (
            open(archive, "rb") as file,
            decompressor(file, archive) as plain,
            tarfile.open(fileobj=plain, mode="r|", bufsize=BUFFER) as tar,
        ):
            write_members(tar, str(tree))

    return output.unpacking(extract, folder)


def decompressor(file: IO[bytes], archive: str) -> Any:
    """Decompress by the quickest wheel."""
    if archive.endswith(".zst"):
        return zstandard.ZstdDecompressor().stream_reader(file)
    return igzip.open(file, "rb")


def write_members(tar: tarfile.TarFile, root: str) -> None:
    """Write folders and files; nothing may lead out of the root."""
    os.mkdir(root)
    folders: list[tuple[str, tarfile.TarInfo]] = []
    for member in tar:
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts or not (member.isdir() or member.isreg()):
            raise ValueError(f"{member.name} is not taken")
        path = f"{root}/{member.name}"
        if member.isdir():
            os.mkdir(path)
            folders.append((path, member))
            continue
        content = tar.extractfile(member)
        assert content is not None
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, member.mode)
        try:
            os.write(descriptor, content.read())
            os.utime(descriptor, (member.mtime, member.mtime))
        finally:
            os.close(descriptor)
    # A folder gets its time after what is in it.
    for path, member in reversed(folders):
        os.chmod(path, member.mode)
        os.utime(path, (member.mtime, member.mtime))
