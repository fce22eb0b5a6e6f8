"""Keeping what runs in Go off the network and the disk while tests run.

What stands in for Python's sockets and files (respx, responses, pyfakefs) is not seen by Go: a
request really goes out, and a file is really written.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gostitch import _process
from gostitch._process import bridge
from gostitch.exceptions import GoOfflineError
from gostitch.operate import _generated

_blocks: list[tuple[str, tuple[str, ...]]] = []
"""The folder and hosts of each block that this process is in."""


@contextmanager
def offline(
    folder: str | os.PathLike[str] | None = None, *, hosts: Iterable[str] = ()
) -> Iterator[None]:
    """Refuse what Go functions would do outside of a test: raise ``GoOfflineError``.

    Counts for the whole process, and for the innermost block. A function of your own that dials
    asks ``gocore.MayReach`` before; one that opens a path which is no argument is not seen.
    Raises ``GoTypeError`` if the folder is no path, or the hosts are no texts.

    Args:
        folder: Paths that functions are given must lie in it, links followed; by default
            in the folder for temporary files, where pytest's ``tmp_path`` is.
        hosts: Names or addresses that may be reached, without a port; none by default.

    """
    within = os.path.realpath(tempfile.gettempdir() if folder is None else os.fspath(folder))
    named = (hosts,) if isinstance(hosts, str) else tuple(hosts)
    _blocks.append((within, named))
    try:
        _apply()
        yield
    finally:
        _blocks.pop()
        _apply()


def _apply() -> None:
    bridge.install(touch=_touch if _blocks else None)
    if _process.loaded() is not None:
        _tell()


def _tell() -> None:
    """Tell Go, whose functions do nothing before the library is loaded."""
    if _blocks:
        _generated.set_offline(hosts=_blocks[-1][1])
    else:
        _generated.end_offline()


_process.when_loaded.append(_tell)


def _touch(path: Any) -> None:
    """Refuse a path that is not in the folder of the innermost block."""
    folder = _blocks[-1][0]
    place = os.path.realpath(os.fsdecode(path))
    if place != folder and not place.startswith(os.path.join(folder, "")):
        raise GoOfflineError(
            f"a test has forbidden to touch {place}; it may be in {folder}: use that, or name "
            "another folder there",
            details={"path": place},
        )
