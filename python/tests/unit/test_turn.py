"""Turns, of which none is waited for twice in vain."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gostitch._turn import Turn


def _elsewhere(do: Callable[..., Any], *arguments: Any) -> Any:
    """Call on a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(do, *arguments).result(20)


def test_one_that_is_never_given_back() -> None:
    """Ctrl-C may strike before that; only the next thread waits, and those after it do not."""
    turn = Turn()
    assert turn.take(0)

    assert not _elsewhere(turn.take, 0.01)
    assert _elsewhere(turn.take, 0)


def test_one_that_is_given_back_too_late() -> None:
    """Whoever has waited in vain has made a new one, which is another thread's."""
    turn = Turn()
    with turn.taken():
        assert not _elsewhere(turn.take, 0.01)

    assert turn.take(0)


def test_one_of_this_thread() -> None:
    """A finalizer or a handler of a signal may run in the middle, and come to the same place."""
    turn = Turn()
    with turn.taken(), turn.taken():
        assert not _elsewhere(turn.take, 0)

    assert _elsewhere(turn.take, 0)
