"""Projects of users with Go functions of their own, in folders of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

Done = subprocess.CompletedProcess[str]

PYPROJECT = """
[build-system]
requires = ["gostitch"]
build-backend = "gostitch.build"

[project]
name = "{name}"
version = "1.0"

[tool.gostitch]
"""

GO = """
// Package {name} has functions.
package {name}

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// Args are two numbers.
type Args struct {{
	// A number.
	A int64
	// Another.
	B int64
}}

// Add adds two numbers.
func Add(_ context.Context, a Args) (int64, error) {{ return a.A + a.B, nil }}

// Register is called when the library is loaded.
func Register() {{ gocore.Register("{name}.add", Add) }}
"""


class Project:
    """A project in a folder of its own."""

    def __init__(self, root: Path, name: str = "sums") -> None:
        self.root, self.name = root, name
        self.write("pyproject.toml", PYPROJECT.format(name=name))
        self.write("go.mod", f"module example.com/{name}\n\ngo 1.26\n")
        self.write(f"{name}.go", GO.format(name=name))
        self.write(
            f"python/{name}/__init__.py", f'"""Sums."""\n\nfrom {name}._generated import *\n'
        )

    def write(self, path: str, text: str) -> Path:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def edit(self, path: str, before: str, after: str) -> None:
        """Replace text in a file."""
        file = self.root / path
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))

    def add_settings(self, text: str) -> None:
        """Add lines to [tool.gostitch]."""
        self.edit("pyproject.toml", "[tool.gostitch]\n", f"[tool.gostitch]\n{text}\n")

    @property
    def source(self) -> Path:
        """The folder to import from."""
        return self.root / "python"

    @property
    def library(self) -> Path:
        """The library, where it is built in place."""
        return self.source / self.name / f"lib{self.name}.so"

    def gostitch(
        self, *arguments: str, env: dict[str, str | None] | None = None, timeout_s: float = 120
    ) -> Done:
        """Run the command in the project."""
        environment = dict(os.environ)
        environment.pop("GOSTITCH_LIBRARY", None)
        for name, value in (env or {}).items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        return subprocess.run(
            [sys.executable, "-m", "gostitch", *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def develop(self, **env: str | None) -> None:
        """Build in place, which must work."""
        done = self.gostitch("develop", "--no-install", env=env)
        assert done.returncode == 0, done.stdout + done.stderr
