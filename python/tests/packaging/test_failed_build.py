"""Builds that fail: each planted mistake ends in one sentence with its cause and its remedy."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from install_matrix import checkouts

Run = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.timeout(300)


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Give what a failed build said, which is no traceback and no list of copied files."""
    text = done.stdout + done.stderr
    assert done.returncode != 0, text
    assert "Traceback" not in text
    assert "copying" not in text
    return text


def test_a_mistake_in_a_go_source(tmp_path: Path, pip_wheel: Run) -> None:
    """Go's own words name file and line, and the sentence says that they do."""
    source = checkouts.copy(tmp_path / "checkout")
    with (source / "gocore" / "doc.go").open("a") as file:
        file.write("\nfunc broken( {\n")

    text = said(pip_wheel(source, tmp_path))

    assert "gocore/doc.go:" in text
    assert "was not built: correct the Go sources where the lines above point at" in text


def test_no_way_to_the_modules(tmp_path: Path, checkout: Path, pip_wheel: Run) -> None:
    """Without a module proxy and with an empty cache, the sentence names both variables."""
    text = said(pip_wheel(checkout, tmp_path, GOPROXY="off", GOMODCACHE=str(tmp_path / "empty")))

    assert "Go could not download the modules that go.mod names" in text
    assert "GOPROXY" in text
    assert "GOMODCACHE" in text


def test_a_chosen_compiler_that_is_not_there(
    tmp_path: Path, checkout: Path, pip_wheel: Run
) -> None:
    """The build is refused before any work."""
    text = said(pip_wheel(checkout, tmp_path, CC="nowhere"))

    assert "the variable CC names the C compiler 'nowhere', which is not on PATH" in text
    assert "[1 lines of output]" in text


def test_a_target_that_is_not_there(tmp_path: Path, checkout: Path, pip_wheel: Run) -> None:
    """The sentence names the targets."""
    text = said(pip_wheel(checkout, tmp_path, GOSTITCH_TARGET="sparc"))

    assert "GOSTITCH_TARGET is 'sparc', and wheels are built for x86_64 and aarch64" in text


def test_a_workspace_around_the_checkout_does_no_harm(tmp_path: Path, pip_wheel: Run) -> None:
    """A go.work above it would make Go refuse a module that it does not list."""
    source = checkouts.copy(tmp_path / "checkout")
    (tmp_path / "go.work").write_text("go 1.26.0\n")

    done = pip_wheel(source, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
