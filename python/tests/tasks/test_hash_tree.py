"""``tasks.hash_tree`` against the pure Python reference, on a tree nobody made for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import gostitch
from ci_pipeline.merkle import tree_digest
from gostitch import tasks

STDLIB = Path(sysconfig.get_path("stdlib"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a small tree with everything that counts."""
    root = tmp_path / "tree"
    (root / "empty").mkdir(parents=True)
    (root / "sub").mkdir()
    (root / "sub" / "tool").write_bytes(b"#!/bin/sh\n")
    (root / "sub" / "tool").chmod(0o755)
    (root / "name with \N{SNOWMAN}").write_bytes(b"x" * 3_000_000)
    (root / "link").symlink_to("sub/tool")
    (root / "dangling").symlink_to("nowhere")
    os.close(os.open(os.fsencode(root) + b"/not-utf8-\xff", os.O_CREAT | os.O_WRONLY, 0o644))
    return root


def test_it_agrees_with_the_reference_on_the_standard_library() -> None:
    """The digest is that of the independent implementation, and every file is counted."""
    result = tasks.hash_tree(STDLIB / "asyncio")

    assert result.digest == tree_digest(STDLIB / "asyncio")
    assert result.files == sum(path.is_file() for path in (STDLIB / "asyncio").rglob("*"))


def test_it_agrees_with_the_reference_on_a_tree_with_everything(tree: Path) -> None:
    """Links, modes, empty directories and names that are not UTF-8 count as the definition says."""
    assert tasks.hash_tree(tree).digest == tree_digest(tree)


@pytest.mark.parametrize("change", ["content", "mode", "name", "link", "directory"])
def test_every_change_that_counts_changes_the_digest(tree: Path, change: str) -> None:
    """Content, permission bits, names, link targets and empty directories each count."""
    before = tasks.hash_tree(tree)
    match change:
        case "content":
            (tree / "sub" / "tool").write_bytes(b"#!/bin/zsh\n")
        case "mode":
            (tree / "sub" / "tool").chmod(0o700)
        case "name":
            (tree / "sub").rename(tree / "sup")
        case "link":
            (tree / "link").unlink()
            (tree / "link").symlink_to("sub/tools")
        case "directory":
            (tree / "empty").rmdir()

    assert tasks.hash_tree(tree).digest != before.digest


def test_times_do_not_count(tree: Path) -> None:
    """Touching everything changes nothing."""
    before = tasks.hash_tree(tree)
    for path in tree.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)

    assert tasks.hash_tree(tree) == before


def test_ignored_entries_are_as_if_absent(tree: Path) -> None:
    """A tree without what is ignored has the same digest."""
    ignoring = tasks.hash_tree(tree, ignore=["/sub", "dangling"])
    (tree / "sub" / "tool").unlink()
    (tree / "sub").rmdir()
    (tree / "dangling").unlink()

    assert tasks.hash_tree(tree) == ignoring


def test_sha256_is_another_digest(tree: Path) -> None:
    """The algorithm is part of the question."""
    assert tasks.hash_tree(tree, algorithm="sha256").digest != tasks.hash_tree(tree).digest


def test_a_missing_root_is_file_not_found(tmp_path: Path) -> None:
    """The exception is FileNotFoundError and names the path."""
    with pytest.raises(gostitch.GoFileNotFoundError, match="missing") as caught:
        tasks.hash_tree(tmp_path / "missing")

    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.filename == str(tmp_path / "missing")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"algorithm": "md5"}, "algorithm"),
        ({"algorithm": None}, "algorithm"),
        ({"ignore": ["["]}, "ignore"),
        ({"ignore": "*.pyc"}, "ignore"),
        ({"ignore": [3]}, "ignore[0]"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
    ],
)
def test_a_bad_argument_is_named(tree: Path, arguments: dict[str, object], named: str) -> None:
    """A wrong type is a TypeError, a wrong value a ValueError; both name the argument."""
    with pytest.raises((gostitch.GoTypeError, gostitch.GoValueError)) as caught:
        tasks.hash_tree(tree, **arguments)

    assert caught.value.details["argument"] == named
    assert named in str(caught.value)


def test_unknown_and_missing_arguments_are_plain_type_errors(tree: Path) -> None:
    """They never cross: Python itself refuses them, by name."""
    with pytest.raises(TypeError, match="algorihtm"):
        tasks.hash_tree(tree, algorihtm="blake3")
    with pytest.raises(TypeError, match="root"):
        tasks.hash_tree()
    with pytest.raises(gostitch.GoTypeError, match="root"):
        tasks.hash_tree(3)


def test_a_socket_in_the_tree_is_refused(tree: Path) -> None:
    """What cannot be hashed is an error that names the entry, not silence."""
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(tree)  # the name of a socket must be short
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)

        with pytest.raises(gostitch.GoUnsafeError, match="socket"):
            tasks.hash_tree(tree)


def test_an_unreadable_file_is_a_permission_error(tree: Path) -> None:
    """A user who may not read a file gets PermissionError with its path."""
    (tree / "sub" / "tool").chmod(0)
    tree.parent.chmod(0o755)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys; from gostitch import tasks; tasks.hash_tree.submit('/dev/null');"
            "os.getuid() or os.setuid(65534);\n"
            "try: tasks.hash_tree(sys.argv[1])\n"
            "except PermissionError as error: print(error.filename)",
            str(tree),
        ],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    reachable = all(parent.stat().st_mode & 0o005 for parent in tree.parents)

    expected = tree / "sub" / "tool" if reachable else tree
    assert done.stdout.strip() == str(expected), done.stderr
