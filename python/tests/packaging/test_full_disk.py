"""Builds on a full disk: one sentence with cause and remedy, nothing partial, the old library stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import full_disk
from install_matrix import checkouts
from programs import Programs

pytestmark = pytest.mark.timeout(300)

KINDS = full_disk.kinds()

BEGIN = """
import json, os, subprocess, sys
from pathlib import Path
sys.path.insert(0, {native!r})
import full_disk

here = Path.cwd()

def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())

def tell(**facts):
    print()  # a line of its own
    print(json.dumps(facts))
"""

LIBRARY = """
import go_library
from shipped import toolchain
toolchain.environment()  # finds the compilers while there is room
disk = full_disk.{kind}(here / "disk")
target = disk.folder / "lib.so"
target.write_bytes(b"old")
try:
    go_library.build("./gocore/cmd/libgostitch", target)
except SystemExit as refused:
    tell(said=str(refused), left=names(disk.folder), old=target.read_bytes() == b"old")
disk.make_room()
go_library.build("./gocore/cmd/libgostitch", target)
tell(left=names(disk.folder), old=target.read_bytes() == b"old")
"""

PIP = """
env = dict(os.environ)
disk = full_disk.{kind}(here / "disk", {size})
if full_disk.TinyDisk is type(disk):
    env["TMPDIR"] = str(disk.folder)
into = here / "into"
into.mkdir()
done = subprocess.run(
    [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
     "--wheel-dir", into, "."],
    cwd={source!r}, env=env, capture_output=True, text=True, timeout=240,
)
tell(said=done.stdout + done.stderr, failed=done.returncode != 0, left=names(into))
"""

IN_PLACE = """
from install_matrix import checkouts
disk = full_disk.TinyDisk(here / "disk", 64 * full_disk.SIZE)
source = checkouts.copy(disk.folder / "source")
package = source / "python" / "gostitch"
(package / "libgostitch.so").write_bytes(b"old")
status = os.statvfs(disk.folder)
(disk.folder / "filler").write_bytes(bytes(status.f_bavail * status.f_frsize - 2 * full_disk.SIZE))
(here / "into").mkdir()
done = subprocess.run(
    [sys.executable, "-c",
     "import sys; sys.path.insert(0, 'python/native'); import gostitch_backend;"
     "gostitch_backend.build_editable(" + repr(str(here / "into")) + ")"],
    cwd=source, capture_output=True, text=True, timeout=240,
)
tell(said=done.stdout + done.stderr, failed=done.returncode != 0,
     left=[name for name in names(package) if "libgostitch" in name],
     old=(package / "libgostitch.so").read_bytes() == b"old")
"""


def play(program: Programs, scene: str, **names: object) -> list[dict[str, object]]:
    """Play a scene in a process of its own, and give what it tells."""
    native = str(checkouts.ROOT / "python" / "native")
    done = program(BEGIN.format(native=native) + scene.format(**names), timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("kind", KINDS)
def test_the_target_of_a_library(program: Programs, kind: str) -> None:
    """The old library stays while there is no room, and is replaced when there is."""
    full, roomy = play(program, LIBRARY, kind=kind)

    remedy = {"LimitedDisk": "raise the limit", "TinyDisk": "the disk is full; make room"}[kind]
    last = str(full["said"]).splitlines()[-1]
    assert "gostitch: ./gocore/cmd/libgostitch was not built: " in last
    assert remedy in last
    assert len(str(full["said"]).splitlines()) <= 4
    assert (["lib.so"], True) == (full["left"], full["old"])
    assert (["lib.so", "lib.so.debug"], False) == (roomy["left"], roomy["old"])


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        (kind, size)
        for kind in KINDS
        # Too small for metadata, for a C object, and for the library.
        for size in (10_000, 40_000, full_disk.SIZE)
    ],
)
def test_a_wheel(program: Programs, checkout: Path, kind: str, size: int) -> None:
    """Wherever pip's build runs out of room, it says so, and leaves no wheel."""
    (told,) = play(program, PIP, kind=kind, size=size, source=str(checkout))

    assert (True, []) == (told["failed"], told["left"])
    assert "Traceback" not in str(told["said"])
    assert "needs a C compiler" not in str(told["said"])
    remedies = ("make room, or point TMPDIR", "raise the limit, with 'ulimit -f")
    said = str(told["said"])
    assert any(remedy in said for remedy in remedies)


@pytest.mark.parametrize("scene", [IN_PLACE] if "TinyDisk" in KINDS else [LIBRARY])
def test_an_editable_build(program: Programs, scene: str) -> None:
    """In place, too, the old library stays; without a tiny disk, that of a plain build."""
    told = play(program, scene, kind="LimitedDisk")[0]

    assert True is told["old"]
    assert 1 == len(told["left"])  # type: ignore[arg-type]
    assert "make room" in str(told["said"]) or "raise the limit" in str(told["said"])
