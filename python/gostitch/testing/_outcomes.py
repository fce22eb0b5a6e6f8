"""What a call ends with, as the test has prepared it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from gostitch.exceptions import GoError
from gostitch.testing._contract import Contract
from gostitch.testing._conversation import Conversation
from gostitch.testing._error import FakeError
from gostitch.testing._given import Given


class Outcome(Protocol):
    """What a call does: for a function that gives one result, and for a stream."""

    hangs: bool

    def result(self, given: Given, talk: Conversation) -> Any:
        """Give or raise what the call ends with."""

    def results(self, given: Given, talk: Conversation) -> Iterator[Any]:
        """Give the results of a stream, and raise what ends it."""


class Scripted:
    """A call that says certain things, and then returns or raises."""

    hangs = False

    def __init__(self, contract: Contract, messages: Iterable[Any], questions: Iterable[Any]):
        self._contract = contract
        self._messages = [contract.message_frame(each) for each in _said(contract, messages, False)]
        self._questions = [
            contract.message_frame(each) for each in _said(contract, questions, True)
        ]

    def talk(self, talk: Conversation) -> None:
        """Say what is said before the end."""
        for frame in self._messages:
            talk.send(frame)
        for number, frame in enumerate(self._questions):
            talk.ask(number, frame)


class Returning(Scripted):
    """A call that returns a value, or a stream that gives several."""

    def __init__(
        self, contract: Contract, value: Any, messages: Iterable[Any], questions: Iterable[Any]
    ) -> None:
        super().__init__(contract, messages, questions)
        if contract.streams:
            self._items = _stream_items(contract, value)
        else:
            self._frame = contract.result_frame(value)

    def result(self, given: Given, talk: Conversation) -> Any:
        """Give a result of its own to each call."""
        self.talk(talk)
        return self._contract.result_of(self._frame)

    def results(self, given: Given, talk: Conversation) -> Iterator[Any]:
        """Give the results, and raise the exceptions among them."""
        for item in self._items():
            if isinstance(item, BaseException):
                raise item
            yield self._contract.result_of(item)


class Raising(Scripted):
    """A call that fails."""

    def __init__(
        self,
        contract: Contract,
        error: BaseException,
        messages: Iterable[Any],
        questions: Iterable[Any],
    ) -> None:
        super().__init__(contract, messages, questions)
        self._error = check_exception(contract, error)

    def result(self, given: Given, talk: Conversation) -> Any:
        """Raise the exception."""
        self.talk(talk)
        raise self._error

    def results(self, given: Given, talk: Conversation) -> Iterator[Any]:
        """Raise the exception instead of a first result."""
        raise self._error
        yield


class Answering:
    """A call that a callable of the test answers."""

    hangs = False

    def __init__(self, contract: Contract, answer: Callable[..., Any]) -> None:
        self._contract = contract
        self._answer = answer

    def result(self, given: Given, talk: Conversation) -> Any:
        """Give what the callable gives, checked."""
        value = given.hand_to(self._answer, self._callback(talk))
        talk.finish()
        return self._contract.result_of(self._contract.result_frame(value))

    def results(self, given: Given, talk: Conversation) -> Iterator[Any]:
        """Give what the callable's iterable gives, checked one by one."""
        found = given.hand_to(self._answer, self._callback(talk))
        for item in _stream_items(self._contract, found)():
            if isinstance(item, BaseException):
                raise item
            yield self._contract.result_of(item)

    def _callback(self, talk: Conversation) -> Callable[[Any], Any]:
        """Give the caller's callback as the callable sees it: what it says is checked."""
        asked = 0

        def say(value: Any) -> Any:
            nonlocal asked
            frame = self._contract.message_frame(value)
            if not self._contract.asks:
                return talk.send(frame)
            number, asked = asked, asked + 1
            return talk.ask(number, frame)

        return say


class Hanging:
    """A call that does not end by itself."""

    hangs = True

    def result(self, given: Given, talk: Conversation) -> Any:
        """Wait until the caller has had enough."""
        talk.wait_for_the_end()

    def results(self, given: Given, talk: Conversation) -> Iterator[Any]:
        """Wait until the caller has had enough, without any result."""
        talk.wait_for_the_end()
        yield


def can_raise(error: Any) -> bool:
    """Tell whether a call could raise this; what pytest.fail() raises is a failure of the test."""
    if isinstance(error, Exception) or not isinstance(error, BaseException):
        return isinstance(error, GoError)
    fail = getattr(sys.modules.get("pytest"), "fail", None)
    return fail is None or not isinstance(error, fail.Exception)


def check_exception(contract: Contract, error: Any) -> BaseException:
    """Check that a call could raise this."""
    if not can_raise(error):
        raise FakeError(
            f"{contract.name}() cannot raise {error!r}: a call raises instances of GoError, so "
            "give one, such as GoValueError('...') where a ValueError is meant"
        )
    return error  # type: ignore[no-any-return]


def _said(contract: Contract, values: Iterable[Any], questions: bool) -> Iterable[Any]:
    """Check that the function says such things at all."""
    values = list(values)
    if values and not (contract.asks if questions else contract.sends):
        verb = "asks no questions" if questions else "sends no messages"
        instead = ""
        if contract.asks:
            instead = "; it asks questions: say questions=[...]"
        elif contract.sends:
            instead = "; it sends messages: say messages=[...]"
        raise FakeError(f"{contract.name}() {verb}{instead}")
    return values


def _stream_items(contract: Contract, value: Any) -> Callable[[], Iterator[bytes | BaseException]]:
    """Give the results of a stream as they would cross, anew for each call where that can be."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise FakeError(
            f"{contract.name}() gives a stream: let it return a list or an iterable of results, "
            f"not {value!r}"
        )

    def frame(item: Any) -> bytes | BaseException:
        if isinstance(item, BaseException):
            return check_exception(contract, item)
        return contract.result_frame(item)

    if isinstance(value, Sequence):
        frames = list(map(frame, value))
        return lambda: iter(frames)
    used = False

    def once() -> Iterator[bytes | BaseException]:
        nonlocal used
        if used and isinstance(value, Iterator):
            raise FakeError(
                f"the iterator that the test lets {contract.name}() return was read by an earlier "
                "call; give a list, or a function that makes one with fake.answers()"
            )
        used = True
        try:
            yield from map(frame, value)
        finally:
            close = getattr(value, "close", None)
            if close is not None:
                close()

    return once
