"""tasks.pack by the best Python has: tar blocks without TarFile, compressors with threads."""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path
from typing import IO, Any

import zstandard
from isal import igzip_threaded

from benchmarks.contenders import output
from benchmarks.work import Work


def pack(root: str, folder: str, compression: str) -> Work:
    """Pack a tree."""

    def write(archive: Path) -> None:
        partial = archive.with_suffix(".part")
        with partial.open("wb") as file:
            with compressor(file, compression) as packed:
                end = write_entries(root, "", packed) + 2 * tarfile.BLOCKSIZE
                packed.write(bytes(2 * tarfile.BLOCKSIZE + -end % tarfile.RECORDSIZE))
            os.fsync(file.fileno())
        partial.replace(archive)

    return output.packing(write, folder, compression)


def compressor(file: IO[bytes], compression: str) -> Any:
    """Compress on all cores: of gzip's compressors isal is quickest, at the cost of some size."""
    threads = os.cpu_count() or 1
    if compression == "gz":
        return igzip_threaded.open(file, "wb", compresslevel=2, threads=threads)
    compressing = zstandard.ZstdCompressor(level=3, threads=threads)
    return compressing.stream_writer(file, closefd=False, write_size=1 << 20)


def write_entries(path: str, prefix: str, packed: IO[bytes]) -> int:
    """Write the entries of a folder, and give the number of bytes written."""
    written = 0
    for name in sorted(os.listdir(path)):
        inner = os.path.join(path, name)
        status = os.lstat(inner)
        member = tarfile.TarInfo(prefix + name)
        member.mode = stat.S_IMODE(status.st_mode)
        member.mtime = int(status.st_mtime)
        content = b""
        if stat.S_ISDIR(status.st_mode):
            member.type = tarfile.DIRTYPE
        elif stat.S_ISLNK(status.st_mode):
            member.type, member.linkname = tarfile.SYMTYPE, os.readlink(inner)
        else:
            with open(inner, "rb", buffering=0) as file:
                content = file.read()
            member.size = len(content)
        head = member.tobuf(tarfile.PAX_FORMAT)
        written += packed.write(head + content + bytes(-len(content) % tarfile.BLOCKSIZE))
        if member.isdir():
            written += write_entries(inner, f"{prefix}{name}/", packed)
    return written
