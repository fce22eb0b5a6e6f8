"""Waiting in the hubs of gevent and eventlet, which run other greenlets meanwhile.

gevent puts its own ``select.poll`` in the place of the system's. eventlet takes the system's away,
since a wait in it would hold up all greenlets, and puts nothing there.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any, NoReturn

from gostitch.exceptions import LibraryError


def originals() -> Callable[[str, str], Any] | None:
    """Return what gives the original of a name in a module, if it is known who has replaced it."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None:
        return monkey.get_original  # type: ignore[no-any-return]
    return _eventlet_original if "eventlet.patcher" in sys.modules else None


def _eventlet_original(module: str, name: str) -> Any:
    return getattr(sys.modules["eventlet.patcher"].original(module), name)


def poll_kind() -> Callable[[], Any]:
    """Return what makes objects that wait for descriptors, as the modules are patched now."""
    kind = getattr(select, "poll", None)
    if kind is None:
        return HubPoll if "eventlet.patcher" in sys.modules else _no_poll
    return kind  # type: ignore[no-any-return]


def _no_poll() -> NoReturn:
    raise LibraryError("select.poll is not there, which gostitch waits with: something took it out")


def is_here() -> bool:
    """Tell whether this thread waits for descriptors in a hub, so that others run meanwhile."""
    if isinstance(getattr(select, "poll", None), BuiltinFunctionType):
        return False
    hub = _greenlet_of_hub()
    return hub is not None and hub is not _current()


def _greenlet_of_hub() -> Any:
    """Return the greenlet that waits for all others of this thread, or None."""
    if hasattr(select, "poll"):
        gevent = sys.modules.get("gevent")
        return None if gevent is None else gevent.get_hub()
    hubs = sys.modules.get("eventlet.hubs")
    return None if hubs is None else hubs.get_hub().greenlet


def _current() -> Any:
    return sys.modules["greenlet"].getcurrent()


class _Over(Exception):  # noqa: N818 - it is no error
    """So long was waited."""


class HubPoll:
    """What waits for descriptors in eventlet's hub, as ``select.poll`` waits for them.

    The hub waits for the descriptor of an epoll of its own, since two greenlets may not wait in it
    for the same one.
    """

    def __init__(self) -> None:
        self._epoll = _eventlet_original("select", "epoll")()

    def register(self, descriptor: int, events: int) -> None:
        """Wait for these events of a descriptor too."""
        self._epoll.register(descriptor, events)

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """Wait so many milliseconds, or for ever; return the descriptors that are ready."""
        ready: list[tuple[int, int]] = self._epoll.poll(0)
        if ready or timeout == 0:
            return ready
        seconds = None if timeout is None or timeout < 0 else timeout / 1e3
        if not is_here():  # in the hub itself: nothing else runs
            return self._epoll.poll(seconds)  # type: ignore[no-any-return]
        try:
            sys.modules["eventlet.hubs"].trampoline(
                self._epoll.fileno(), read=True, timeout=seconds, timeout_exc=_Over
            )
        except _Over:
            return []
        return self._epoll.poll(0)  # type: ignore[no-any-return]
