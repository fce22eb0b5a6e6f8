"""Judges whether two builds made the same thing, from their releases alone.

Each release is decompressed and unpacked once more, by Python's own zstandard and tarfile whoever
packed it, and digested by the reference in `merkle`; the builds' own claims must agree with that.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import zstandard

from .merkle import tree_digest
from .untar import extract_all

__all__ = ["Comparison", "compare"]

BLOCK = 1 << 20
TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Comparison:
    """One thing that must be equal: what it is, and its digest on both sides."""

    what: str
    before: str
    after: str

    @property
    def equal(self) -> bool:
        """Whether it is."""
        return self.before == self.after


def compare(
    before: Path, after: Path, claims: tuple[Mapping[str, str], Mapping[str, str]]
) -> list[Comparison]:
    """Compare two releases, and the digests that the builds claimed while they ran.

    Takes both at once, a process each.
    """
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(_judge, release) for release in (before, after)]
        (stream_before, tree_before), (stream_after, tree_after) = (
            one.result(TIMEOUT_S) for one in running
        )
    first, second = claims
    return [
        Comparison("Fetched inputs (tree)", first["inputs tree"], second["inputs tree"]),
        Comparison("Workspace (tree)", first["workspace tree"], second["workspace tree"]),
        Comparison("Release, decompressed (tar stream)", stream_before, stream_after),
        Comparison("Release, unpacked again (tree)", tree_before, tree_after),
        Comparison("Workspace before, unpacked release after", first["workspace tree"], tree_after),
    ]


def _judge(release: Path) -> tuple[str, str]:
    """Compute the SHA-256 of the release's tar stream, and the digest of the tree it unpacks to."""
    # A folder of its own, so that a release can be compared with itself.
    target = Path(tempfile.mkdtemp(prefix=f"{release.name}.", dir=release.parent))
    stream = hashlib.sha256()
    with release.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as plain:
        while block := plain.read(BLOCK):
            stream.update(block)
    with (
        release.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as plain,
        tarfile.open(fileobj=plain, mode="r|") as tar,
    ):
        extract_all(tar, target, "fully_trusted")
    digest = tree_digest(target)
    shutil.rmtree(target)
    return stream.hexdigest(), digest
