"""The fake library as a test uses it."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gostitch import _calls
from gostitch.testing._book import Book
from gostitch.testing._call import FakeCall
from gostitch.testing._error import FakeError
from gostitch.testing._outcomes import Answering, Hanging, Raising, Returning
from gostitch.testing._stand_in import StandIn
from gostitch.testing._watch import watched


class FakeLibrary:
    """What the functions do in this test, and the calls that came; see ``fake_library``.

    What is prepared for a function happens in the order in which it was
    prepared, one outcome for each call; the last one stays for all calls after
    it. Safe for use by threads.
    """

    def __init__(self, book: Book) -> None:
        self._book = book

    @property
    def calls(self) -> list[FakeCall]:
        """The calls so far, in the order in which they began."""
        return self._book.calls()

    def calls_of(self, function: Callable[..., Any]) -> list[FakeCall]:
        """Give the calls of one function, in the order in which they began."""
        name = self._book.contract(function).name
        return [call for call in self._book.calls() if call.function == name]

    def returns(
        self,
        function: Callable[..., Any],
        *values: Any,
        messages: Iterable[Any] = (),
        questions: Iterable[Any] = (),
    ) -> None:
        """Let the function return a value, or several in turn.

        A value must fit the function's result; a dict of its fields does for a
        record. For a function that gives a stream, a value is a list (or another
        iterable) of results; an exception among them is raised in its place.

        Before it returns, a call sends the ``messages`` to the caller's callback,
        or asks it the ``questions``; an exception of the callback ends the call.
        Raises ``FakeError`` if something of that does not fit the function.
        """
        contract = self._book.contract(function)
        if not values:
            raise FakeError(f"say what {contract.name}() returns; None where it returns nothing")
        messages, questions = list(messages), list(questions)
        self._book.prepare(
            contract, [Returning(contract, value, messages, questions) for value in values]
        )

    def raises(
        self,
        function: Callable[..., Any],
        *errors: BaseException,
        messages: Iterable[Any] = (),
        questions: Iterable[Any] = (),
    ) -> None:
        """Let the function raise an instance of ``GoError``, or several in turn.

        Before it fails, a call sends the ``messages`` to the caller's callback, or
        asks it the ``questions``. Raises ``FakeError`` if a call cannot raise that.
        """
        contract = self._book.contract(function)
        if not errors:
            raise FakeError(f"say what {contract.name}() raises, such as GoTimeoutError('...')")
        messages, questions = list(messages), list(questions)
        self._book.prepare(
            contract, [Raising(contract, error, messages, questions) for error in errors]
        )

    def answers(self, function: Callable[..., Any], answer: Callable[..., Any]) -> None:
        """Let a callable of the test give the result, or raise.

        It gets the checked arguments as the caller gave them (see
        ``FakeCall.arguments``), and where it has a parameter of that name, the
        ``timeout`` and the caller's callback: called with a message or question,
        it hands that on, and gives the answer. It runs on the thread that waits
        for the call; for a submitted one, on a thread of its own. It is a plain
        function also where the caller awaits. For a function that gives a stream
        it gives an iterable, or is a generator.
        """
        contract = self._book.contract(function)
        if not callable(answer):
            raise FakeError(f"{answer!r} cannot be called; to return a value say fake.returns(...)")
        if inspect.iscoroutinefunction(answer) or inspect.isasyncgenfunction(answer):
            raise FakeError(
                f"the answer to {contract.name}() must be a plain function: it runs beside the "
                "event loop, as Go does"
            )
        self._book.prepare(contract, [Answering(contract, answer)])

    def hangs(self, function: Callable[..., Any]) -> None:
        """Let the function run until its caller cancels it, or its ``timeout=`` is over."""
        self._book.prepare(self._book.contract(function), [Hanging()])

    def forget(self, function: Callable[..., Any]) -> None:
        """Take out what was prepared for the function so far."""
        self._book.forget(self._book.contract(function))


_entering = threading.Lock()


@contextmanager
def fake_library(*, strict: bool = True) -> Iterator[FakeLibrary]:
    """Stand in for the Go library, until the ``with`` block is left.

    All Go functions of the process, on all threads and in all event loops, are
    faked until the block is left, whether the library is loaded or not; it is
    not loaded. What still runs in the end is cancelled.

    Args:
        strict: Whether the end of the block raises ``FakeError`` where what was prepared did
            not happen, what the test is told by an exception was hidden by the code under test
            (``except Exception``: a call that nothing was prepared for, or an answer that fails
            as no call does), or nobody took the result of a submitted call. A test that was
            skipped or failed by itself is told nothing more. False is for a fixture that
            prepares more than each test needs, and for tests of what is refused.

    Raises ``FakeError`` if a fake library stands in already.

    """
    book = Book()
    stand_in = StandIn(book)
    with _entering:
        if _calls.stand_in() is not None:
            raise FakeError(
                "a fake library stands in already; leave its block first, or use it here"
            )
        _calls.install_stand_in(stand_in)
    try:
        with watched(book):
            yield FakeLibrary(book)
    finally:
        _calls.install_stand_in(None)
        # Before what still runs is cancelled, as not by its caller.
        complaints = list(book.complaints())
        stand_in.end_all()
    if complaints and strict:
        raise FakeError("; ".join(complaints)) from book.fault()
