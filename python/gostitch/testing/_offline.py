"""Keeping what runs in Go off the network and the disk while tests run.

What stands in for Python's sockets and files (respx, responses, pyfakefs) is not seen by Go: a
request really goes out, and a file is really written.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from gostitch import _process
from gostitch._process import bridge
from gostitch.exceptions import GoOfflineError, GoTypeError, GoValueError
from gostitch.operate import _generated
from gostitch.testing import _past


@dataclass(eq=False)
class _Block:
    folders: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    forbids: bool = True


_blocks: list[_Block] = []
"""The blocks that this process is in."""


@contextmanager
def offline(
    folder: str | os.PathLike[str] | None = None, *, hosts: Iterable[str] = ()
) -> Iterator[None]:
    """Refuse what Go functions would do outside of a test: raise ``GoOfflineError``.

    Counts for the whole process, and for the innermost block; what a fake library is given, or
    gives, touches nothing. A function of your own that dials asks ``gocore.MayReach`` before;
    one that opens a path which is no argument is not seen.
    Raises ``GoTypeError`` or ``GoValueError`` if the folder is no path, or the hosts are no texts.

    Args:
        folder: Paths that functions are given must lie in it, links followed; by default
            in the folder for temporary files, where pytest's ``tmp_path`` is without --basetemp.
        hosts: Names or addresses that may be reached, without a port; none by default.

    """
    within = _folder(tempfile.gettempdir() if folder is None else folder)
    with _inside(_Block((within,), _hosts(hosts))):
        yield


@contextmanager
def offline_within(folders: Iterable[str]) -> Iterator[None]:
    """Refuse what is outside of several folders."""
    with _inside(_Block(tuple(map(os.path.realpath, folders)), ())):
        yield


@contextmanager
def online() -> Iterator[None]:
    """Refuse nothing, whatever blocks are around."""
    with _inside(_Block(forbids=False)):
        yield


@contextmanager
def _inside(block: _Block) -> Iterator[None]:
    _blocks.append(block)
    try:
        _apply()
        yield
    finally:
        _blocks.remove(block)  # not the last: fixtures are left in an order of their own
        _apply()


def _folder(given: Any) -> str:
    """Check the argument, and give the folder with links followed."""
    try:
        path = os.fspath(given)
    except TypeError:
        path = given
    if not isinstance(path, str):
        _refuse(GoTypeError, "folder", f"must be a str or os.PathLike of text, not {given!r}")
    try:
        return os.path.realpath(path)
    except ValueError as error:  # a NUL in it, or half of a character
        _refuse(GoValueError, "folder", f"cannot be {given!r}: {error}")


def _hosts(given: Any) -> tuple[str, ...]:
    """Check the argument, and give the hosts."""
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable):
        _refuse(GoTypeError, "hosts", f"must be names or addresses, not {given!r}")
    hosts = tuple(given)
    for host in hosts:
        if not isinstance(host, str):
            _refuse(GoTypeError, "hosts", f"must be names or addresses, not {host!r}")
        try:
            host.encode()
        except UnicodeEncodeError as error:
            _refuse(GoValueError, "hosts", f"cannot have {host!r}: {error}")
    return hosts


def _refuse(kind: type[GoTypeError | GoValueError], argument: str, reason: str) -> NoReturn:
    raise kind(f"{argument} {reason}", details={"argument": argument}) from None


def _present() -> _Block | None:
    """Give the innermost block, if it forbids anything."""
    return _blocks[-1] if _blocks and _blocks[-1].forbids else None


def _apply() -> None:
    bridge.install(touch=None if _present() is None else _touch)
    if _process.loaded() is not None:
        _tell()


def _tell() -> None:
    """Tell Go, whose functions do nothing before the library is loaded."""
    block = _present()
    if block is None:
        _past.call(_generated.end_offline)
    else:
        _past.call(_generated.set_offline, hosts=block.hosts)


_process.when_loaded.append(_tell)


def _touch(path: Any) -> None:
    """Refuse a path that is in no folder of the innermost block."""
    block = _present()
    if block is None:  # another thread has left it
        return
    place = os.path.realpath(os.fsdecode(path))
    for folder in block.folders:
        if place == folder or place.startswith(os.path.join(folder, "")):
            return
    raise GoOfflineError(
        f"a test has forbidden to touch {place}; it may be in {' or '.join(block.folders)}: use "
        "that, or name another folder there",
        details={"path": place},
    )
