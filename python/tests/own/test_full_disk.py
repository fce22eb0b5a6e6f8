"""Builds of users' projects on a full disk: one sentence, nothing partial, the old files stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import full_disk
from programs import Programs

pytestmark = pytest.mark.timeout(300)

KINDS = full_disk.kinds()

BEGIN = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import full_disk
from own.projects import Project

here = Path.cwd()

def files(folder):
    return sorted(str(of.relative_to(folder)) for of in Path(folder).rglob("*") if of.is_file())

def tell(done, folder, **facts):
    print(json.dumps(dict(status=done.returncode, said=done.stderr, left=files(folder), **facts)))
"""

# The compilers have no room for what they write.
TEMPORARY = """
project = Project(here / "project")
disk = full_disk.{kind}(here / "disk", {size})
before = files(project.root)
done = project.gostitch("build", env=dict(TMPDIR=str(disk.folder)))
tell(done, disk.folder, unchanged=before == files(project.root))
"""

# The wheel has no room.
OUT = """
project = Project(here / "project")
disk = full_disk.{kind}(here / "disk", {size})
before = files(project.root)
done = project.gostitch("build", "--out", str(disk.folder))
tell(done, disk.folder, unchanged=before == files(project.root))
"""

# Neither library nor module has room beside the old ones.
IN_PLACE = """
disk = full_disk.{kind}(here / "disk", {size})
project = Project(disk.folder / "project")
project.library.write_bytes(b"old")
generated = project.write("python/sums/_generated.py", "old")
before = files(disk.folder)
done = project.gostitch("develop", "--no-install")
old = (b"old", "old") == (project.library.read_bytes(), generated.read_text())
tell(done, project.root.parent / "nothing", unchanged=old and before == files(disk.folder))
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("scene", "size"),
    [
        # Too small for an object of C, for one of Go, and for the library.
        (TEMPORARY, 10_000),
        (TEMPORARY, 100_000),
        (TEMPORARY, 3 * full_disk.SIZE),
        (OUT, full_disk.SIZE),
        (IN_PLACE, full_disk.SIZE),
    ],
    ids=["c", "go", "generator", "wheel", "in place"],
)
def test_a_build_on_a_full_disk(program: Programs, kind: str, scene: str, size: int) -> None:
    """Wherever a build runs out of room it says so, with the remedy, and leaves things as they were."""
    text = BEGIN.format(tests=str(Path(__file__).parents[1])) + scene.format(kind=kind, size=size)
    done = program(text, timeout=280)
    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)

    assert (1, [], True) == (told["status"], told["left"], told["unchanged"])
    remedy = {"LimitedDisk": "raise the limit", "TinyDisk": "the disk is full; make room"}[kind]
    assert remedy in told["said"].splitlines()[-1]
    assert "Traceback" not in told["said"], told["said"]
    assert len(told["said"].splitlines()) <= 4
