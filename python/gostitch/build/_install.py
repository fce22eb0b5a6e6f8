"""Have pip install a project, editable, that was built in place."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

from . import IN_PLACE, _disk_space

_VENV = "make a virtual environment (python3 -m venv .venv) with gostitch in it, and repeat it there"


def editable(source: Path) -> bool:
    """Install the project in this folder; exits with one sentence if pip cannot.

    Gives False, having said what else to use, where there is no pip. ``source`` is
    the folder that one can import from without an installation.
    """
    if importlib.util.find_spec("pip") is None:
        print(f"pip is not in {sys.prefix}, so nothing was installed; use: uv pip install -e .")
        return False
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--no-build-isolation", "--config-settings", f"{IN_PLACE}=yes", "--editable", ".",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )  # fmt: skip
    said = done.stdout.strip()
    if done.returncode != 0:
        sys.exit(refusal(said, source))
    if said:
        print(said, file=sys.stderr)
    return True


def refusal(said: str, source: Path) -> str:
    """Say why pip did not install what was built, given its words."""
    begin = "gostitch: everything was built, but the project was not installed: "
    in_place = f"or use what was built, with --no-install and PYTHONPATH={source}"
    if "externally-managed-environment" in said:
        return f"{begin}the system alone may install into {sys.prefix} (PEP 668); {_VENV}, {in_place}"
    full = _disk_space.reason(said)
    if full:
        return f"{begin}{full}"
    unwritable = re.search(r"\[Errno \d+\] (Read-only file system|Permission denied): '(.*)'", said)
    if unwritable:
        what, file = unwritable.groups()
        return f"{begin}{Path(file).parent} cannot be written ({what}); {_VENV}, {in_place}"
    return f"{said}\n{begin}pip says why above; correct that, {in_place}"
