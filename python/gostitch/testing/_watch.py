"""How the tests end that use a fake library: one that fails, or is skipped, is told nothing else.

A fixture does not learn it from pytest, and no plugin of ours is loaded where nobody asks for it.
So the runner is looked for among the callers, as is the ``TestCase`` of unittest.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from gostitch.testing._book import Book

_NAME = "gostitch-fake-library"

_books: list[Book] = []
"""Those of the present blocks."""


@contextmanager
def watched(book: Book) -> Iterator[None]:
    """Have a book know of tests that end before their end, until the block is left."""
    item = _among_callers("_pytest.runner", "item")
    if item is not None and not item.config.pluginmanager.has_plugin(_NAME):
        item.config.pluginmanager.register(_plugin(), _NAME)
    _books.append(book)
    try:
        yield
    finally:
        _books.remove(book)
        if _has_ended(_among_callers("unittest.case", "self")):
            book.excuse_test()


def _has_ended(case: Any) -> bool:
    """Tell whether a ``TestCase`` whose cleanups run has failed, or was skipped."""
    outcome = getattr(case, "_outcome", None)
    if outcome is None:
        return False
    if getattr(outcome, "expectedFailure", None) or getattr(outcome.result, "_excinfo", None):
        return True  # the latter is pytest's, whose results have no lists
    # CPython 3.10 keeps them in the outcome until the end.
    lists = [getattr(outcome, name, ()) for name in ("errors", "skipped")]
    lists += [getattr(outcome.result, name, ()) for name in ("errors", "failures", "skipped")]
    last = [each for some in lists for each in list(some)[-1:] if each[1] is not None]
    return any(case is each[0] or case is getattr(each[0], "test_case", None) for each in last)


def _among_callers(module: str, name: str) -> Any:
    """Give a variable of the innermost function of a module that this thread is in, or None."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == module:
            found = frame.f_locals.get(name)
            if found is not None:
                return found
        frame = frame.f_back  # type: ignore[assignment]
    return None


def _plugin() -> object:
    import pytest  # it runs

    class Reports:
        """Once for all blocks: pytest keeps whatever was registered."""

        def pytest_runtest_logstart(self) -> None:
            for book in _books:
                book.begin_test()

        @pytest.hookimpl(hookwrapper=True)  # which every pytest knows
        def pytest_runtest_makereport(self) -> Generator[None, Any, None]:
            done = yield
            if not done.get_result().passed:
                for book in _books:
                    book.excuse_test()

    return Reports()
