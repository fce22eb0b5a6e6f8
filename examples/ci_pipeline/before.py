"""The heavy steps in Python, the way a good engineer writes them today; read `after` beside it.

Threads where waiting or C code that releases the GIL allows it (downloads, archives, compression,
hashing of large files), wheels with C or Rust inside (zstandard, blake3), keep-alive connections,
atomic writes.
"""

from __future__ import annotations

import contextvars
import hashlib
import os
import tarfile
import threading
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import IO

import requests
import zstandard
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from . import telemetry
from .merkle import tree_digest
from .pipeline import Download, Extraction, PipelineError, Progress
from .untar import extract_all

__all__ = ["fetch", "hash_tree", "pack", "unpack"]

CONNECTIONS = 8  # of 4, 8, 16, 32: more is slower here (GIL), fewer too few elsewhere
RETRIES = Retry(total=3, backoff_factor=0.1, status_forcelist=(408, 425, 429, 500, 502, 503, 504))
TIMEOUT_S = 60.0
BLOCK = 1 << 16
BUFFER = 1 << 20
UNIX = 3  # the system of a zip member that records permissions

_local = threading.local()


# --- fetch ------------------------------------------------------------------------------------


def fetch(downloads: Sequence[Download], progress: Progress) -> None:
    """Download with a pool of threads, each with its own session and connection."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        running = [pool.submit(_download, download) for download in downloads]
        try:
            for done, future in enumerate(as_completed(running), start=1):
                future.result()
                progress(done, len(running))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _download(download: Download) -> None:
    """One file.

    Streamed to a temporary name, hashed on the way, renamed when it is complete and right.
    """
    download.path.parent.mkdir(parents=True, exist_ok=True)
    partial = download.path.with_name(f".{download.path.name}.part")
    digest = hashlib.sha256()
    try:
        with (
            _session().get(download.url, stream=True, timeout=TIMEOUT_S) as response,
            partial.open("wb") as file,
        ):
            response.raise_for_status()
            for block in response.iter_content(BLOCK):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != download.sha256:
            raise PipelineError(
                f"{download.url} has the digest {digest.hexdigest()}, not {download.sha256}"
            )
        partial.replace(download.path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _session() -> requests.Session:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.mount("http://", HTTPAdapter(max_retries=RETRIES))
    session: requests.Session = _local.session
    return session


# --- hash -------------------------------------------------------------------------------------


def hash_tree(root: Path) -> str:
    """Hash with the blake3 wheel: small files one by one, large ones on all cores."""
    return tree_digest(root)


# --- unpack -----------------------------------------------------------------------------------


def unpack(extractions: Sequence[Extraction]) -> None:
    """Unpack several archives at a time; decompression releases the GIL."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [
            pool.submit(contextvars.copy_context().run, _unpack_one, one) for one in extractions
        ]
        for future in running:
            future.result()


def _unpack_one(extraction: Extraction) -> None:
    with telemetry.span("unpack one", {"ci.archive": extraction.archive.name}):
        extraction.target.mkdir(parents=True)
        if zipfile.is_zipfile(extraction.archive):
            _unzip(extraction)
        elif extraction.archive.suffix == ".zst":
            _untar_zstd(extraction)
        else:
            with tarfile.open(extraction.archive, "r|*") as tar:
                extract_all(tar, extraction.target, "data")


def _untar_zstd(extraction: Extraction) -> None:
    with (
        extraction.archive.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        extract_all(tar, extraction.target, "data")


def _unzip(extraction: Extraction) -> None:
    """`extractall` with the permissions, which zipfile leaves behind.

    It keeps member names inside of the target.
    """
    with zipfile.ZipFile(extraction.archive) as archive:
        for member in archive.infolist():
            path = archive.extract(member, extraction.target)
            if not member.is_dir():
                recorded = member.external_attr >> 16 if member.create_system == UNIX else 0
                os.chmod(path, recorded & 0o777 or 0o644)


# --- pack -------------------------------------------------------------------------------------


def pack(root: Path, archive: Path) -> None:
    """Pack with tarfile into zstandard's compressor, which works on all cores."""
    partial = archive.with_name(f".{archive.name}.part")
    try:
        with partial.open("wb") as file:
            _compress(root, file)
            os.fsync(file.fileno())
        partial.replace(archive)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _compress(root: Path, file: IO[bytes]) -> None:
    compressor = zstandard.ZstdCompressor(level=3, threads=-1)
    with (
        compressor.stream_writer(file, closefd=False, write_size=BUFFER) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for entry in sorted(root.iterdir()):
            tar.add(entry, arcname=entry.name, filter=_without_owner)


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return the member without what differs from machine to machine."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = int(member.mtime)
    return member
