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
_importing = ""  # the module that was begun last
_there: dict[str, Any] = {}


def do(work: Callable[[], object]) -> bool:
    """Do some work; return False if some is being done: on this thread, or by another for long.

    What raises has not been done.
    """

    def begun() -> object:
        global _doing, _by
        _doing, _by = steps, get_ident()
        return work()

    with _turn.taken():
        if _is_doing():
            return False
        # Of a generator, since no moment is between its begin or end and what it says of itself.
        steps: Any = (begun() for _ in "1")
        for _ in steps:
            pass
    return True


def _is_doing() -> bool:
    return _doing is not None and _doing.gi_running


def module(name: str) -> Any:
    """Import a module; return None if some work is being done."""
    if name not in _there and not is_whole(name) and not do(lambda: load(name)):
        return None
    return _there.get(name) or sys.modules[name]


def needed(name: str) -> Any:
    """Import a module that nothing goes without, also while some work is being done.

    Raises ``ImportError`` if this is in the middle of importing that very module.
    """
    found = module(name)
    if found is not None:
        return found
    if _by == get_ident() and name in sys.modules:
        raise ImportError(f"{name} is being imported below; use it later, or import it before")
    __import__(name)
    return sys.modules[name]


def is_whole(name: str) -> bool:
    """Tell whether a module is there, and not in part; None stands for one that must not be."""
    found = sys.modules.get(name)
    return found is not None and not getattr(
        getattr(found, "__spec__", None), "_initializing", False
    )


def load(name: str) -> Any:
    """Import a module as a part of the work that is being done."""
    global _importing
    _importing = name
    __import__(name)
    _there[name] = found = sys.modules[name]
    return found


def _before_fork() -> None:
    _turn.take(_FORK_WAIT_S)


def _after_fork_in_parent() -> None:
    _turn.give_back()


def _after_fork_in_child() -> None:
    global _turn, _doing
    _turn = Turn()
    if not _is_doing() or _by == get_ident():
        return
    if not _importing or is_whole(_importing):
        _doing = None  # whoever does it is not there
    else:
        # Nor is whoever imports, but the lock of the module is, so nothing more can be done.
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
