"""Folders with a clean environment, in which commands are run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TIMEOUT_S = 600
_UNWANTED = ("GOSTITCH_", "PIP_TARGET", "PYTHON", "VIRTUAL_ENV", "CC", "CFLAGS", "LDFLAGS")


class FailedError(Exception):
    """A combination failed; the text says at what."""


class Place:
    """A folder with a virtual environment."""

    def __init__(self, folder: Path, interpreter: str, *, bare: bool = False) -> None:
        self.folder = folder
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)
        }
        if bare:
            (folder / "bin").mkdir()
            self.env["PATH"] = str(folder / "bin")  # nothing is in it
        self.prepare(interpreter)

    def prepare(self, interpreter: str) -> None:
        """Make the environment."""
        self.run(interpreter, "-m", "venv", self.folder / "env")

    @property
    def python(self) -> list[str]:
        """Return the command that runs the environment's interpreter."""
        return [str(self.folder / "env" / "bin" / "python")]

    def pip_install(self, *what: str | Path, **env: str) -> None:
        """Install with the pip of the environment."""
        pip = ["-m", "pip", "install", "--disable-pip-version-check"]
        self.run(*self.python, *pip, *what, **env)

    def play(self, text: str, **env: str) -> str:
        """Run a program in which every warning is an error."""
        (self.folder / "scene.py").write_text(text)
        return self.run(*self.python, "-W", "error", self.folder / "scene.py", **env)

    def run(self, *command: str | Path, **env: str) -> str:
        """Run a command, which must succeed."""
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise FailedError(f"{' '.join(map(str, command))}\n{done.stdout}")
        return done.stdout


class EmulatedPlace(Place):
    """The same for an interpreter of another machine, which only qemu runs.

    It cannot start programs of its machine, so pip is this machine's, told what to install for.
    """

    def __init__(self, folder: Path, interpreter: str, machine: str, emulator: list[str]) -> None:
        self.machine, self.emulator = machine, emulator
        super().__init__(folder, interpreter)

    def prepare(self, interpreter: str) -> None:
        """Make the environment, without pip."""
        self.version = Path(interpreter).name.removeprefix("python")
        self.run(*self.emulator, interpreter, "-m", "venv", "--without-pip", self.folder / "env")

    @property
    def python(self) -> list[str]:
        """Return the command that runs the environment's interpreter."""
        return [*self.emulator, *super().python]

    def pip_install(self, *what: str | Path, **env: str) -> None:
        """Install with this machine's pip, which takes nothing that would have to be built."""
        packages = self.folder / "env" / "lib" / f"python{self.version}" / "site-packages"
        # pip does not add the older ones to a platform that it is told.
        platforms = [f"--platform=manylinux_2_{minor}_{self.machine}" for minor in (17, 28)]
        self.run(
            sys.executable, "-m", "pip", "install", "--disable-pip-version-check",
            "--target", packages, "--only-binary=:all:", "--implementation=cp",
            f"--python-version={self.version}", *platforms, *what,
            **env,
        )  # fmt: skip
