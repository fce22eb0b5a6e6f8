"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[3] / "README.md"


def test_the_first_call_runs_as_it_stands(tmp_path: Path) -> None:
    """The Python of the README runs in a folder with sources, and ends with the error it shows."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("print('hello')\n")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    digest, files = done.stdout.splitlines()[0].split()
    assert (64, "1") == (len(digest), files)
    assert "gocore/tasks/archive" in done.stdout


def test_it_stays_short() -> None:
    """A first call takes at most 25 lines."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)

    assert len(code.splitlines()) <= 25


def test_every_link_leads_somewhere() -> None:
    """Relative links of the README and the docs name files that exist."""
    for page in (README, *README.parent.glob("docs/**/*.md"), README.parent / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            path = page.parent / target
            generated = target.startswith("out/")
            assert path.exists() or generated, f"{page.name} links to {target}"
