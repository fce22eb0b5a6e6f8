"""What is imported late, or done once: by one thread at a time, and never below itself.

A signal's handler, a finalizer or a trace function may run in the middle of an import, call Go, and
wait for another thread that calls Go. Python would give the first a module that is there in part,
and have the second wait for the lock of the module, for ever. Here both go without.
"""

from __future__ import annotations

import logging
import os
import sys
from _thread import get_ident
from collections.abc import Callable
from types import GeneratorType
from typing import Any

from gostitch._turn import Turn

_FORK_WAIT_S = 1.0
"""Seconds that a fork waits for what is being done: a child would have half of it."""

_turn = Turn()
_doing: GeneratorType[None, None, None] | None = None
_by = 0  # the thread that does it
_there: dict[str, Any] = {}


def do(work: Callable[[], object]) -> bool:
    """Do some work; return False if some is being done: on this thread, or by another for long.

    What raises has not been done.
    """
    global _doing, _by
    with _turn.taken():
        # Of a generator, since no moment is between its end and what it says of itself.
        if _doing is not None and _doing.gi_running:
            return False
        steps: Any = (work() for _ in "1")
        _doing, _by = steps, get_ident()
        for _ in steps:
            pass
    return True


def module(name: str) -> Any:
    """Import a module; return None if some work is being done."""
    if name not in _there and not do(lambda: load(name)):
        return None
    return _there[name]


def load(name: str) -> Any:
    """Import a module as a part of the work that is being done."""
    __import__(name)
    _there[name] = found = sys.modules[name]
    return found


def _before_fork() -> None:
    _turn.take(_FORK_WAIT_S)


def _after_fork_in_parent() -> None:
    try:
        _turn.give_back()
    except RuntimeError:
        pass  # it was waited for in vain


def _after_fork_in_child() -> None:
    global _turn
    _turn = Turn()
    if _doing is not None and _doing.gi_running and _by != get_ident():
        # Whoever imports is not there, but the lock of the module is, so nothing more can be done.
        logging.getLogger("gostitch").warning(
            "process %d was forked while another thread imported a part of gostitch for more than "
            "%g s, so its calls have no traces, metrics and Sentry; fork before or after that",
            os.getpid(),
            _FORK_WAIT_S,
        )


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
