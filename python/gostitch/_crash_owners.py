"""Whose crash it was: what the Sentry client of a process said, in a file beside its report.

The next process that calls Go may be another service of the same user.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from gostitch import _crash_files

_MOST_BYTES = 8 << 10
_LONGEST = 250  # characters of a text; Sentry takes fewer


class Owner(NamedTuple):
    """What a client says of its process; a text that was not set is empty."""

    dsn: str
    """A hash of where it sends to."""
    release: str = ""
    environment: str = ""
    dist: str = ""
    server_name: str = ""
    gostitch: str = ""
    """The version of gostitch, and that of the Go which its library was built with."""
    go: str = ""


def write(path: str, owner: Owner) -> None:
    """Write a file, in one step for who reads it."""
    _crash_files.replace(path, json.dumps(owner._asdict()).encode())


def read(path: str) -> Owner | None:
    """Read such a file; None if there is none, or one that nobody here has written."""
    try:
        fd = _crash_files.open_own(path)
    except OSError:
        return None
    if fd is None:
        return None
    try:
        found = json.loads(_crash_files.read(fd, _MOST_BYTES))
    except (ValueError, RecursionError, OSError):
        return None
    finally:
        os.close(fd)
    if not isinstance(found, dict):
        return None
    texts = {name: found.get(name, "") for name in Owner._fields}
    if not texts["dsn"] or not all(isinstance(text, str) for text in texts.values()):
        return None
    return Owner(**{name: str(text)[:_LONGEST] for name, text in texts.items()})
