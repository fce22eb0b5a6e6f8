"""Programs that are packed: what is in them, and what the errors say where it is not."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from frameworks.conftest import ROOT, Run

_APP = """
import pathlib
from gostitch import tasks
pathlib.Path("a").write_text("1")
print(tasks.hash_tree("a").bytes)
"""


@pytest.mark.timeout(150)
def test_pyinstaller(run: Run, tmp_path: Path) -> None:
    """The package's own hook brings the library; the program runs without Python."""
    (tmp_path / "app.py").write_text(_APP)
    run(
        command=["pyinstaller", "--log-level", "ERROR", "--distpath", "dist", "app.py"], timeout=140
    )

    assert "1\n" == run(command=[str(tmp_path / "dist" / "app" / "app")])


def test_zipapp(run: Run, tmp_path: Path) -> None:
    """No library can be loaded from an archive; the error says what to do instead."""
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", _APP)
        for path in (ROOT / "python" / "gostitch").rglob("*.py"):
            archive.write(path, path.relative_to(ROOT / "python"))
    with pytest.raises(AssertionError, match=r"zip archive, from which no library can be loaded"):
        run(command=["python", "-I", "app.pyz"])
