"""Editable installs: a change of their Go or C sources is noticed, and built on demand."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch import _editable
from gostitch.exceptions import LibraryError
from install_matrix import scenes

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small checkout with a record of its sources."""
    sources = {"go.mod": "module m", "gocore/a.go": "package a", "python/native/b.c": "int b;"}
    for path, text in sources.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    package(tmp_path).mkdir()
    record = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in sources.items()}
    (package(tmp_path) / "built-from.json").write_text(json.dumps(record))
    return tmp_path


def package(root: Path) -> Path:
    return root / "python" / "gostitch"


def test_an_unchanged_checkout_is_left_alone(root: Path) -> None:
    """New times do not count, contents do; neither do files that no build reads."""
    (root / "gocore" / "a.go").touch()
    (root / "gocore" / "a_test.go").write_text("package a")
    (root / "gocore" / ".#a.go").write_text("an editor's lock")
    (root / "gocore" / "notes.md").write_text("notes")

    assert [] == _editable.changed(root, package(root))
    _editable.refresh(str(package(root)))


def test_what_changed_came_and_went_is_found(root: Path) -> None:
    """A source of the last build that changed or went, and one that came beside it."""
    (root / "gocore" / "a.go").write_text("package a // changed")
    (root / "gocore" / "new.go").write_text("package a")
    (root / "python" / "native" / "b.c").unlink()

    assert ["gocore/a.go", "gocore/new.go", "python/native/b.c"] == _editable.changed(
        root, package(root)
    )


def test_a_stale_checkout_warns_with_the_command(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence: what changed, and the two ways to rebuild."""
    monkeypatch.delenv(_editable.REBUILD_VARIABLE, raising=False)
    (root / "go.mod").write_text("module n")
    (root / "gocore" / "a.go").write_text("package b")

    with pytest.warns(RuntimeWarning) as warned:
        _editable.refresh(str(package(root)))

    (warning,) = warned
    assert (
        f"go.mod and 1 more changed after gostitch was built in {root}; run 'pip install "
        f"--editable {root}' (there: 'make build'), or set GOSTITCH_REBUILD=1 to have that done "
        "by the first call"
    ) == str(warning.message)


def test_a_rebuild_that_fails_says_why(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call raises with what the build said."""
    monkeypatch.setenv(_editable.REBUILD_VARIABLE, "1")
    (root / "go.mod").write_text("module n")
    (root / "python" / "native" / "rebuild.py").write_text(
        "import sys; sys.exit('gostitch needs Go')"
    )

    with pytest.raises(LibraryError, match=r"cannot be rebuilt in .*\ngostitch needs Go") as raised:
        _editable.refresh(str(package(root)))

    assert {"root": str(root)} == raised.value.details


def test_a_checkout_is_rebuilt_on_demand(
    checkout: Path, tmp_path: Path, must_run: Callable[..., str]
) -> None:
    """A stale library is used with a warning; GOSTITCH_REBUILD=1 has it built by the first call.

    Programs that start together both get the new one.
    """
    root = tmp_path / "checkout"
    # Without what was built in it; python/gostitch/build is a source.
    shutil.copytree(
        checkout, root, ignore=lambda folder, _: {"build"} if Path(folder) == checkout else set()
    )
    must_run(sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", cwd=root)
    env = {"PYTHONPATH": str(root / "python")}
    version = root / "gocore" / "doc.go"
    version.write_text(version.read_text().replace('Version = "', 'Version = "9.9.9-'))

    must_run(sys.executable, "-c", scenes.STALE, cwd=tmp_path, **env)
    together = [
        subprocess.Popen(
            [sys.executable, "-c", scenes.REBUILT],
            cwd=tmp_path,
            env=os.environ | env | {"GOSTITCH_REBUILD": "1", "GOSTITCH_LIBRARY": ""},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    assert [(0, ""), (0, "")] == [
        (program.returncode, err) for program in together for _, err in [program.communicate()]
    ]
    assert [] == [name.name for name in package(root).iterdir() if name.name.startswith(".")]
