"""How a forked child comes by a copy of the library's file, with a file that is no library."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch import _copies
from gostitch._copies import NoCopyError, Original
from gostitch._process import bridge

TEXT = b"a library" * 100_000


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The file of a library."""
    path = tmp_path / "lib.so"
    path.write_bytes(TEXT)
    return str(path)


@pytest.fixture
def original(file: str) -> Original:
    """What a process keeps of it."""
    return Original(file, bridge.memory_file)


def refusing(_: bytes) -> int:
    """Refuse to make files in memory."""
    raise PermissionError(1, "Operation not permitted")


def loader(seen: list[str], *refused: str) -> Callable[[str], None]:
    """Give what notes from where it loads, and refuses some places."""

    def load(path: str) -> None:
        seen.append(path)
        assert TEXT == Path(path).read_bytes()
        if path.startswith(refused):
            raise OSError(f"{path}: failed to map segment from shared object")

    return load


def test_a_file_in_memory_comes_first(original: Original) -> None:
    """Children of one process load one file, sealed, under a name that no forebear used."""
    seen: list[str] = []
    own, mapped = original.load_copy(loader(seen))
    grandchild, _ = own.load_copy(loader(seen))
    grandchild.close()

    assert "/memfd:lib.so" == mapped
    assert seen[0].startswith("/proc/self/fd/./")
    assert seen[1].startswith("/proc/self/fd/././")


def test_a_file_that_was_begun_is_filled_anew(original: Original) -> None:
    """A sibling that was killed in the middle leaves a file without a seal, which does not count."""
    assert original._shared is not None
    os.write(original._shared.number(), b"the begin" * 200_000)
    seen: list[str] = []
    own, _ = original.load_copy(loader(seen))
    own.close()

    assert 1 == len(seen)


@pytest.mark.parametrize("memory", [bridge.memory_file, refusing])
def test_a_file_that_becomes_shorter(
    file: str, monkeypatch: pytest.MonkeyPatch, memory: Callable[[bytes], int]
) -> None:
    """While it is copied: sendfile(2) then gives 0 for ever."""
    send = os.sendfile

    def cut(target: int, source: int, at: int, count: int) -> int:
        os.truncate(file, os.path.getsize(file) // 2)
        return send(target, source, at, count)

    monkeypatch.setattr(os, "sendfile", cut)

    with pytest.raises(NoCopyError, match="has become shorter"):
        Original(file, memory).load_copy(loader([]))


def test_a_sibling_that_does_not_go_on(original: Original, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another process holds the lock for too long, a file of one's own does as well."""
    assert original._shared is not None
    monkeypatch.setattr(_copies, "_WAIT_S", 0.05)
    begun, go_on = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        fcntl.lockf(original._shared.number(), fcntl.LOCK_EX)
        os.write(begun[1], b"x")
        os.read(go_on[0], 1)
        os._exit(0)
    os.read(begun[0], 1)
    shared = original._shared.number()
    seen: list[str] = []
    own, _ = original.load_copy(loader(seen))
    own.close()
    os.write(go_on[1], b"x")
    for fd in (*begun, *go_on):
        os.close(fd)

    assert 0 == os.waitpid(pid, 0)[1]
    assert 1 == len(seen)
    assert not seen[0].endswith(f"/{shared}")


def test_siblings_at_once(original: Original) -> None:
    """Children that need the copy at the same time get the same one, whole."""
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                original.load_copy(loader([]))
            except BaseException:
                os._exit(1)
            os._exit(0)
        children.append(pid)
    outcomes = [os.waitpid(pid, 0)[1] for pid in children]
    original.close()

    assert [0] * 4 == outcomes


def test_folders_are_tried_in_order(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither memory nor the first folder will do, another does; nothing is left behind."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "first"))
    monkeypatch.setenv("TEMP", str(tmp_path / "absent"))
    monkeypatch.setenv("TMP", str(tmp_path / "second"))
    seen: list[str] = []
    own, mapped = Original(file, refusing).load_copy(loader(seen, str(tmp_path / "first")))

    assert ["first", "second"] == [os.path.basename(os.path.dirname(path)) for path in seen]
    assert seen[1] == mapped
    assert [] == os.listdir(tmp_path / "first") + os.listdir(tmp_path / "second")

    # Its own children have a file to copy although the name is gone.
    grandchild, _ = own.load_copy(loader(seen, str(tmp_path / "first")))
    grandchild.close()


def test_memory_that_may_not_be_executed(original: Original) -> None:
    """Where the system makes files in memory but executes none, a folder does."""
    seen: list[str] = []
    own, mapped = original.load_copy(loader(seen, "/proc/self/fd"))
    own.close()

    assert 3 == len(seen)
    assert seen[2] == mapped


def test_nothing_works(original: Original) -> None:
    """Each way is named with its reason, and nothing stays open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(
        NoCopyError, match=r"memory: .*; memory of its own: .*; /tmp: .*map segment"
    ):
        original.load_copy(loader([], "/"))

    assert before == len(os.listdir("/proc/self/fd"))
    original.close()


def test_descriptors_that_somebody_closed(file: str, original: Original) -> None:
    """With both descriptors gone, and their numbers another's, the path is what is left."""
    assert original._shared is not None
    numbers = original._file.number(), original._shared.number()
    for fd in numbers:
        os.close(fd)
    others = [os.open("/dev/null", os.O_RDONLY) for _ in numbers]
    seen: list[str] = []
    own, _ = original.load_copy(loader(seen))
    own.close()

    assert sorted(numbers) == sorted(others)
    assert [b"", b""] == [os.read(fd, 1) for fd in others]
    assert 1 == len(seen)
    for fd in others:
        os.close(fd)
