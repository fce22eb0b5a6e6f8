"""Fills the artifact server's store with real inputs.

The standard library of this interpreter, and wheels that pip fetched.

What a CI job fetches is many small things and a few large ones. The sources that the build works on
(the standard library and the packages in `CHECKOUT`) are published one by one, as a
content-addressed cache holds a checkout, as far as they are below 128 KiB; larger sources and data
travel in a `tar.zst`, compiled files in a `tar.gz`, and dependencies as the wheels they are. The
manifest names every input with its digest, and the digest of all inputs as a tree.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast

import zstandard

from .merkle import tree_digest

__all__ = ["EPOCH", "Input", "Manifest", "publish", "read_manifest"]

EPOCH = 1_767_225_600  # the release's own time, 2026-01-01: a build does not depend on when it ran
LOOSE_BELOW = 128 << 10
COMPILED = frozenset({".so", ".whl"})
NOT_SHIPPED = frozenset({".a", ".o", ".pyc"})
CHECKOUT = frozenset(
    {"botocore", "django", "sympy"}
)  # these wheels stand for the service's own packages
SKIPPED = frozenset({"__pycache__", "site-packages", "dist-packages"})
SMALL = frozenset(
    {
        "asyncio",
        "concurrent",
        "email",
        "encodings",
        "http",
        "json",
        "logging",
        "lib-dynload",
        "urllib",
        "xml",
        "",
    }
)


@dataclass(frozen=True)
class Input:
    """One file to fetch.

    `unpack_to` is where in the workspace an archive belongs, empty for a loose source.
    """

    path: str
    sha256: str
    size: int
    unpack_to: str = ""


@dataclass(frozen=True)
class Manifest:
    """All inputs of a build, their digest as a tree, and an artifact somebody tampered with."""

    inputs: tuple[Input, ...]
    tree: str
    epoch: int
    untrusted: Input


def read_manifest(text: str) -> Manifest:
    """Read the manifest from its JSON text. Raises KeyError or TypeError where it is not one."""
    data = json.loads(text)
    inputs = tuple(Input(**item) for item in data["inputs"])
    return Manifest(inputs, data["tree"], data["epoch"], Input(**data["untrusted"]))


def publish(store: Path, wheels: Sequence[Path], *, small: bool = False) -> Manifest:
    """Write inputs and manifest into the empty folder `store`.

    `small` takes only a few packages of the library.
    """
    inputs, checkout = store / "inputs", store / "checkout"
    inputs.mkdir(parents=True)
    _check_out(checkout, wheels, small)
    sources = list(_files(checkout))
    loose, packed = [p for p in sources if _is_loose(p)], [p for p in sources if not _is_loose(p)]
    for path in loose:
        _move(path, inputs / "src" / path.relative_to(checkout))
    unpack_to = {}
    for name, chosen in _archives(packed).items():
        _pack(inputs / "archives" / name, chosen, checkout)
        unpack_to[f"archives/{name}"] = name.partition(".")[0]
    for wheel in wheels:
        if _distribution(wheel) not in CHECKOUT:
            _copy(wheel, inputs / "archives" / wheel.name)
            unpack_to[f"archives/{wheel.name}"] = f"deps/{_distribution(wheel)}"
    return _describe(store, inputs, unpack_to)


def _check_out(checkout: Path, wheels: Sequence[Path], small: bool) -> None:
    """Write what a checkout of the service's sources would hold."""
    library = Path(sysconfig.get_path("stdlib"))
    for path in _files(library):
        if not small or _package(path, library) in SMALL:
            _copy(path, checkout / path.relative_to(library))
    for wheel in wheels:
        if _distribution(wheel) in CHECKOUT:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(checkout)


def _distribution(wheel: Path) -> str:
    return wheel.name.partition("-")[0]


def _describe(store: Path, inputs: Path, unpack_to: dict[str, str]) -> Manifest:
    described = tuple(_input(path, inputs, unpack_to) for path in _files(inputs))
    tampered = store / "untrusted" / "toolbox.tar.gz"
    _tamper(tampered, inputs / "src" / "abc.py")
    manifest = Manifest(described, tree_digest(inputs), EPOCH, _input(tampered, store, {}))
    (store / "manifest.json").write_text(json.dumps(asdict(manifest)), encoding="utf-8")
    return manifest


def _files(root: Path) -> Iterator[Path]:
    """Every regular file below `root`, in a fixed order.

    Links, caches and static libraries are left out.
    """
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in SKIPPED)
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix not in NOT_SHIPPED and path.is_file() and not path.is_symlink():
                yield path


def _package(path: Path, library: Path) -> str:
    parts = path.relative_to(library).parts
    return parts[0] if len(parts) > 1 else ""


def _is_loose(path: Path) -> bool:
    return path.suffix not in COMPILED and path.stat().st_size < LOOSE_BELOW


def _archives(packed: Sequence[Path]) -> dict[str, list[Path]]:
    compiled = [path for path in packed if path.suffix in COMPILED]
    rest = [path for path in packed if path.suffix not in COMPILED]
    return {
        name: chosen
        for name, chosen in (("toolchain.tar.gz", compiled), ("bulk.tar.zst", rest))
        if chosen
    }


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    target.chmod(0o644)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def _pack(target: Path, chosen: Sequence[Path], root: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as file,
        _compressor(target, file) as packer,
        tarfile.open(fileobj=packer, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in chosen:
            tar.add(path, arcname=str(path.relative_to(root)), filter=_without_owner)


def _compressor(target: Path, file: IO[bytes]) -> IO[bytes]:
    writer = (
        zstandard.ZstdCompressor().stream_writer(file, closefd=False)
        if target.suffix == ".zst"
        else gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=EPOCH)
    )
    return cast("IO[bytes]", writer)


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member


def _tamper(target: Path, victim: Path) -> None:
    """Write an archive with one member that climbs out of the folder it is unpacked to."""
    target.parent.mkdir(parents=True)
    with tarfile.open(target, "w:gz", compresslevel=6) as tar:
        tar.add(victim, arcname=f"toolbox/{victim.name}", filter=_without_owner)
        tar.add(victim, arcname="../../.bashrc", filter=_without_owner)


def _input(path: Path, root: Path, unpack_to: dict[str, str]) -> Input:
    relative = path.relative_to(root).as_posix()
    content = path.read_bytes()
    return Input(
        relative, hashlib.sha256(content).hexdigest(), len(content), unpack_to.get(relative, "")
    )
