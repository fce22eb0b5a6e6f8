"""What the guide says of testing is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).parents[3] / "docs" / "guide.md"


def test_the_guides_tests_pass_as_they_stand(tmp_path: Path) -> None:
    """The section's code is a conftest.py and tests, which need no library."""
    (section,) = re.findall(r"## Testing your callers\n(.*?)\n## ", GUIDE.read_text(), re.DOTALL)
    fixture, *tests = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (tmp_path / "conftest.py").write_text(fixture)
    tests.append("def release(folder):\n    tasks.hash_tree.__name__")
    (tmp_path / "test_service.py").write_text("\n\n".join(tests))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={"GOSTITCH_LIBRARY": "/nowhere/lib.so"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert (0, True) == (done.returncode, "4 passed" in done.stdout), done.stdout + done.stderr
