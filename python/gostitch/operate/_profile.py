"""Profiles of what Go does, as bytes that Go's own tools and profilers read.

Twin of ``gocore/operate/profile.go``. Samples tell the function of the call in the label
``gostitch.call``, and the caller's trace in ``gostitch.trace``.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Literal, overload

from gostitch.exceptions import GoError, GoTypeError, GoValueError
from gostitch.operate import _generated

Kind = Literal["cpu", "trace", "block", "mutex", "heap", "allocs", "goroutine", "threadcreate"]
KINDS = ("cpu", "trace", "block", "mutex", "heap", "allocs", "goroutine", "threadcreate")

_LONGEST_S = 86_400.0


class Profile:
    """A profile that is taken while a ``with`` block runs; then its bytes are in ``data``."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.data = b""

    def __enter__(self) -> Profile:
        try:
            _generated.start_profile(self._kind)
        except GoError:
            raise  # another one is being taken
        except BaseException:  # Ctrl-C, when it may have begun already
            with contextlib.suppress(GoError):
                _generated.stop_profile(self._kind)
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self.data = bytes(_generated.stop_profile(self._kind))


@overload
def profile(seconds: float, *, kind: Kind = ...) -> bytes: ...


@overload
def profile(seconds: None = ..., *, kind: Kind = ...) -> Profile: ...


def profile(seconds: float | None = None, *, kind: Kind = "cpu") -> bytes | Profile:
    """Take a profile of Go for some seconds, or while a ``with`` block runs.

    Other threads go on meanwhile; the caller waits. ``go tool pprof`` and viewers of pprof read the
    bytes, ``go tool trace`` those of ``"trace"``.

    Args:
        seconds: How long to look; None: as long as the ``with`` block takes whose object this
            returns. It has the bytes in ``data`` then.
        kind: ``"cpu"``, where the processor's time goes; ``"trace"``, an execution trace;
            ``"block"`` and ``"mutex"``, what goroutines wait for, counted only while one looks;
            ``"heap"``, ``"allocs"``, ``"goroutine"`` and ``"threadcreate"``, which are of the end.

    Raises ``GoValueError`` for another kind or a time that cannot be, ``GoFileExistsError`` if a
    profile of that kind is being taken, and ``GoLimitError`` if it would be larger than 256 MiB.

    """
    made = Profile(_checked(kind))
    if seconds is None:
        return made
    _check_seconds(seconds)
    with made:
        time.sleep(seconds)
    return made.data


def profiles(seconds: float, *, kind: Kind = "cpu") -> Iterator[bytes]:
    """Take one profile of so many seconds after the other, for a profiler that runs all the time.

    Args:
        seconds: How long each one takes.
        kind: As for ``profile``.

    Returns an iterator without an end; between two profiles nothing is missed but what the
    program does with one.

    """
    _check_seconds(seconds)
    return _profiles(seconds, _checked(kind))


def _profiles(seconds: float, kind: str) -> Iterator[bytes]:
    while True:
        with Profile(kind) as made:
            time.sleep(seconds)
        yield made.data


def _checked(kind: Any) -> str:
    if kind not in KINDS:
        raise GoValueError(
            f"kind must be one of {', '.join(map(repr, KINDS))}, not {kind!r}",
            details={"argument": "kind"},
        )
    return str(kind)


def _check_seconds(seconds: Any) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise GoTypeError(
            f"seconds must be a number of seconds, not {type(seconds).__name__}",
            details={"argument": "seconds"},
        )
    if not 0 < seconds <= _LONGEST_S:
        raise GoValueError(
            f"seconds must be above 0 and at most {_LONGEST_S:g}, not {seconds}",
            details={"argument": "seconds"},
        )
