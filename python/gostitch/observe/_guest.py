"""What happens when an observer fails: the caller's call goes on, and the log says why once.

Needs neither OpenTelemetry nor Sentry.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger("gostitch")

_told: set[str] = set()


def tell(what: str, error: Exception) -> None:
    """Say what goes without, and why; once for each, since every call may fail alike."""
    if what not in _told:
        _told.add(what)
        _log.warning("%s (%s: %s)", what, type(error).__name__, error)


def tell_once(what: str) -> None:
    """Say something the first time."""
    if what not in _told:
        _told.add(what)
        _log.warning("%s", what)


@contextmanager
def guest(what: str) -> Iterator[None]:
    """Go on after the block if it fails."""
    try:
        yield
    except Exception as error:
        tell(what, error)
