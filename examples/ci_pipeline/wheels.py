"""Gets the wheels that the demo's release is made of.

Downloaded by pip once, checked by pip against their hashes.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

__all__ = ["WheelsError", "bundled", "wheels"]

REQUIREMENTS = Path(__file__).with_name("demo-wheels.txt")
DOWNLOAD_S = 600.0


class WheelsError(Exception):
    """The wheels are not there and cannot be fetched."""


def wheels(folder: Path) -> list[Path]:
    """Find the pinned wheels in `folder`, downloading them into it where they are missing.

    Raises WheelsError with pip's own words and the remedy where that fails.
    """
    if _missing(folder):
        print(f"downloading the demo's wheels into {folder} (40 MB, once)", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        _download(folder)
    return sorted(path for name in _pinned() for path in folder.glob(f"{name}-*.whl"))


def bundled() -> list[Path]:
    """Find the wheels that come with Python itself, for a small run without any download.

    May be none.
    """
    return sorted(Path(sysconfig.get_path("stdlib"), "ensurepip", "_bundled").glob("*.whl"))


def _pinned() -> list[str]:
    """Name and version of each wheel as its file name begins: `django-5.2.19`."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pins = [
        line.split(" ")[0].partition("==")
        for line in lines
        if "==" in line and not line.startswith("#")
    ]
    return [f"{name.replace('-', '_')}-{version}" for name, _, version in pins]


def _missing(folder: Path) -> list[str]:
    return [name for name in _pinned() if not any(folder.glob(f"{name}-*.whl"))]


def _download(folder: Path) -> None:
    """Let pip download into a folder of its own: a wheel is in `folder` only when it is whole."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"]
        command += ["--dest", fresh, "--requirement", str(REQUIREMENTS)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_S, check=False
        )
        for wheel in Path(fresh).glob("*.whl"):
            wheel.replace(folder / wheel.name)
    if done.returncode != 0 or _missing(folder):
        raise WheelsError(
            f"pip could not download the demo's wheels:\n{done.stderr.strip()}\n"
            f"Connect to a package index, or put the files that {REQUIREMENTS.name} names into a "
            "folder and pass it as --wheels."
        )
