"""Tasks on a full disk: a clear error, nothing partial, what was there stays."""

from __future__ import annotations

import pytest

import full_disk
from programs import Programs

BEGIN = """
import os, sys, tarfile, zipfile
from pathlib import Path
import pytest
import full_disk
from gostitch import GoOSError, tasks
from http_servers import serving

# Content that no compression makes small enough.
here = Path.cwd()
tree = here / "tree"
tree.mkdir()
for n in range(50):
    (tree / f"small{n}").write_bytes(os.urandom(100))
(tree / "large").write_bytes(os.urandom(3 * full_disk.SIZE))
(tree / "last").write_bytes(b"z")

def left(folder):
    "Give every name below a folder."
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))

def check(caught, below):
    "The error names the path, the number and the reason."
    error = caught.value
    assert type(error) is GoOSError, repr(error)
    assert disk.errno == error.errno == error.details["errno"], error.details
    assert Path(error.filename).is_relative_to(below), error.filename
    assert error.filename in str(error), str(error)
    assert disk.text in str(error), str(error)
    assert ".gostitch-" not in str(error) + str(error.details), str(error)
"""

PACK = """
disk = full_disk.{kind}(here / "disk")
target = disk.folder / "a.tar"
target.write_bytes(b"old")
for compression in ("zstd", "gzip", "none"):
    with pytest.raises(GoOSError) as caught:
        tasks.pack(tree, target, compression=compression)
    check(caught, target)
    assert ["a.tar"] == left(disk.folder)
    assert b"old" == target.read_bytes()
disk.make_room()
for compression in ("zstd", "gzip", "none"):
    assert 52 == tasks.pack(tree, target, compression=compression).files
assert ["a.tar"] == left(disk.folder)
"""

UNPACK = """
tasks.pack(tree, here / "a.tar.zst")
tasks.pack(tree, here / "a.tar.gz", compression="gzip")
tasks.pack(tree, here / "a.tar", compression="none")
for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(here / f"a{{method}}.zip", "w", method) as archive:
        for path in sorted(tree.iterdir()):
            archive.write(path, path.name)
archives = sorted(here.glob("a*"))
assert 5 == len(archives)
disk = full_disk.{kind}(here / "disk")
(disk.folder / "there").mkdir()
for archive in archives:
    for dest in (disk.folder / "new" / "deep", disk.folder / "there"):
        with pytest.raises(GoOSError) as caught:
            tasks.unpack(archive, dest)
        check(caught, dest)
        assert ["there"] == left(disk.folder)
disk.make_room()
for archive in archives:
    dest = disk.folder / f"{{archive.name}}.d"
    assert 52 == tasks.unpack(archive, dest).files
    assert left(tree) == left(dest)
"""

NO_INODES = """
tasks.pack(tree, here / "a.tar.zst")
disk = full_disk.TinyDisk(here / "disk", inodes=20)
with pytest.raises(GoOSError) as caught:
    tasks.unpack(here / "a.tar.zst", disk.folder / "new")
check(caught, disk.folder / "new")
assert [] == left(disk.folder)
disk.make_room()
assert 52 == tasks.unpack(here / "a.tar.zst", disk.folder / "new").files
"""

FETCH = """
disk = full_disk.{kind}(here / "disk")
target = disk.folder / "large"
target.write_bytes(b"old")
with serving(tree) as url:
    items = [
        {{"url": f"{{url}}/small1", "path": disk.folder / "new" / "small"}},
        {{"url": f"{{url}}/large", "path": target}},
    ]
    for resume in (False, True):
        # One at a time: the large one fills the disk, the small one must have been first.
        small, large = tasks.fetch(items, resume=resume, concurrency=1)
        assert small.ok
        assert (False, 1, 0) == (large.ok, large.attempts, large.bytes)
        assert f"cannot write {{target}}" in large.error, large.error
        assert disk.text in large.error, large.error
        assert ".fetch-" not in large.error, large.error
        assert ["large", "new", "new/small"] == left(disk.folder)
        assert b"old" == target.read_bytes()
    disk.make_room()
    assert [True, True] == [result.ok for result in tasks.fetch(items)]
assert (tree / "large").read_bytes() == target.read_bytes()
"""

KINDS = full_disk.kinds()


def run(program: Programs, scene: str, kind: str) -> None:
    """Play a scene in a process of its own."""
    done = program(BEGIN + scene.format(kind=kind), timeout=50)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_packing(program: Programs, kind: str) -> None:
    """An archive that does not fit leaves the old one, and works when there is room."""
    run(program, PACK, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_unpacking(program: Programs, kind: str) -> None:
    """A tree that does not fit leaves nothing, neither a destination nor its parents."""
    run(program, UNPACK, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_fetching(program: Programs, kind: str) -> None:
    """An item that does not fit fails alone, at once, and keeps nothing even to resume."""
    run(program, FETCH, kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind == "TinyDisk"] or ["LimitedDisk"])
def test_files_that_are_too_many(program: Programs, kind: str) -> None:
    """A disk may have room and no inodes; where that cannot be made, the limit again."""
    run(program, NO_INODES if kind == "TinyDisk" else UNPACK, kind)
