"""Where calls go while a fake library stands in for the real one."""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref
from collections.abc import Callable, Generator
from typing import Any

from gostitch._future import Future
from gostitch.testing._book import Book
from gostitch.testing._call import FakeCall
from gostitch.testing._contract import Contract
from gostitch.testing._conversation import Conversation
from gostitch.testing._error import FakeError
from gostitch.testing._given import Given
from gostitch.testing._outcomes import Outcome, can_raise
from gostitch.testing._running import Running
from gostitch.testing._stream import FakeStream

listeners: list[Callable[[FakeCall], object]] = []
"""What wants to know of each call of whatever fake library stands in."""


class StandIn:
    """Answers calls from the book; see ``gostitch._calls.StandIn``."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._lock = threading.Lock()
        self._left = False
        # What may still run when the fake is left.
        self._talks: weakref.WeakSet[Conversation] = weakref.WeakSet()
        self._futures: weakref.WeakSet[Future[Any]] = weakref.WeakSet()

    def call(self, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Any:
        """Give or raise what the test says."""
        contract = self._book.contract(made)
        given = Given(contract, args, kwargs)
        call, talk, outcome = self._begin(contract, given, None)
        try:
            result = self._run(outcome, given, contract, talk)
        except BaseException as error:
            call.end(None, error)
            raise
        call.end(result, None)
        return result

    def submit(self, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Future[Any]:
        """Give the future of what the test says."""
        contract = self._book.contract(made)
        given = Given(contract, args, kwargs)
        loop = asyncio._get_running_loop()
        call, talk, outcome = self._begin(contract, given, loop)
        running = Running(call, talk, loop)
        with self._lock:
            self._futures.add(running.future)
        running.start(lambda: self._run(outcome, given, contract, talk))
        return running.future

    def stream(self, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Any:
        """Give the stream of what the test says; the call begins at the first use."""
        contract = self._book.contract(made)
        given = Given(contract, args, kwargs)

        def begin() -> Any:
            call, talk, outcome = self._begin(contract, given, None)
            return call, talk, self._draw(outcome, given, contract, talk), outcome.hangs

        return FakeStream(made, begin)

    def end_all(self) -> None:
        """End what still runs."""
        with self._lock:
            self._left = True
            futures, talks = list(self._futures), list(self._talks)
        for future in futures:
            future.cancel()
        for talk in talks:
            talk.end()

    def _begin(
        self, contract: Contract, given: Given, loop: asyncio.AbstractEventLoop | None
    ) -> tuple[FakeCall, Conversation, Outcome]:
        call = FakeCall(contract.name, given.values, given.timeout)
        call.traced = _a_span_is_current()
        for listener in listeners.copy():
            listener(call)
        talk = Conversation(contract, call, given.callback, given.timeout_ns, loop)
        with self._lock:
            if self._left:
                raise FakeError(f"{contract.name}() was called after the fake library was left")
            self._talks.add(talk)
        return call, talk, self._book.outcome(contract, call)

    def _run(self, outcome: Outcome, given: Given, contract: Contract, talk: Conversation) -> Any:
        try:
            talk.begin()
            return outcome.result(given, talk)
        except BaseException as error:
            self._judge(contract, talk, error)
            raise
        finally:
            given.end()

    def _draw(
        self, outcome: Outcome, given: Given, contract: Contract, talk: Conversation
    ) -> Generator[Any, None, None]:
        try:
            talk.begin()
            yield from outcome.results(given, talk)
        except BaseException as error:
            self._judge(contract, talk, error)
            raise
        finally:
            given.end()

    def _judge(self, contract: Contract, talk: Conversation, error: BaseException) -> None:
        """Note what no call raises: an ``except Exception`` may hide it, or a future."""
        if not can_raise(error) and not talk.has_raised(error):
            self._book.note_fault(contract, error)


def _a_span_is_current() -> bool:
    trace: Any = sys.modules.get("opentelemetry.trace")
    return trace is not None and trace.get_current_span().get_span_context().is_valid
