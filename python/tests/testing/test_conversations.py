"""The fake library: messages and questions to the caller's callback."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import faults
from gostitch import GoDataError, tasks
from gostitch.testing import FakeError, FakeLibrary

TICKS = [{"index": n, "text": "t"} for n in range(3)]
QUESTIONS = [faults.FaultsQuestion(n, "?") for n in range(3)]


class Refused(Exception):  # noqa: N818 - an exception of somebody's own
    """What a callback raises."""


def plain(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call and wait."""
    return function(*args, **kwargs)


def submitted(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Submit and wait."""
    return function.submit(*args, **kwargs).result(20)


def awaited(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Submit in a loop and await."""

    async def main() -> Any:
        return await function.submit(*args, **kwargs)

    return asyncio.run(main())


@pytest.fixture(params=[plain, submitted, awaited])
def made(request: pytest.FixtureRequest) -> Any:
    """Each way to make a call."""
    return request.param


class TestMessages:
    def test_come_before_the_result(self, fake: FakeLibrary, made: Any) -> None:
        """All of them, in order, as records."""
        fake.returns(faults.count_messages, 3, messages=TICKS)
        seen: list[faults.FaultsTick] = []

        assert 3 == made(faults.count_messages, 3, progress=seen.append)
        assert [faults.FaultsTick(n, "t") for n in range(3)] == seen

    def test_come_before_a_failure(self, fake: FakeLibrary, made: Any) -> None:
        """A function may say something before it fails."""
        fake.raises(faults.count_messages, GoDataError("torn"), messages=TICKS[:1])
        seen: list[faults.FaultsTick] = []

        with pytest.raises(GoDataError, match="torn"):
            made(faults.count_messages, 3, progress=seen.append)
        assert 1 == len(seen)

    def test_without_a_callback(self, fake: FakeLibrary, made: Any) -> None:
        """Who does not listen misses them."""
        fake.returns(faults.count_messages, 3, messages=TICKS)

        assert 3 == made(faults.count_messages, 3)

    def test_that_break_the_callback(self, fake: FakeLibrary, made: Any) -> None:
        """An exception of the callback ends the call and is raised."""
        fake.returns(faults.count_messages, 3, messages=TICKS)

        def progress(tick: faults.FaultsTick) -> None:
            raise Refused

        with pytest.raises(Refused):
            made(faults.count_messages, 3, progress=progress)
        assert isinstance(fake.calls[0].exception, Refused)

    def test_of_an_answer(self, fake: FakeLibrary, made: Any) -> None:
        """The test's callable sends messages through the parameter of that name."""

        def answer(items: Any, *, progress: Any = None) -> Any:
            if progress is not None:
                progress({"done": 1, "total": 2, "failed": 0, "bytes": 3, "bytes_total": 4})
            return []

        fake.answers(tasks.fetch, answer)
        seen: list[tasks.FetchProgress] = []

        assert [] == made(tasks.fetch, [])
        assert [] == made(tasks.fetch, [], progress=seen.append)
        assert [tasks.FetchProgress(1, 2, 0, 3, 4)] == seen

    def test_of_an_answer_that_swallows_what_the_callback_raises(
        self, fake: FakeLibrary, made: Any
    ) -> None:
        """The call ends with the callback's exception, whatever the answer gives."""

        def answer(count: int, progress: Any) -> int:
            try:
                progress(TICKS[0])
            except Refused:
                pass
            return 5

        def progress(tick: faults.FaultsTick) -> None:
            raise Refused

        fake.answers(faults.count_messages, answer)

        with pytest.raises(Refused):
            made(faults.count_messages, 3, progress=progress)

    def test_on_the_loops_thread(self, fake: FakeLibrary) -> None:
        """In a loop messages arrive on its thread, as in real life."""
        fake.returns(faults.count_messages, 3, messages=TICKS)
        threads = set()

        awaited(faults.count_messages, 3, progress=lambda tick: threads.add(threading.get_ident()))

        assert {threading.get_ident()} == threads


class TestQuestions:
    def test_are_answered(self, fake: FakeLibrary, made: Any) -> None:
        """The answers are recorded."""
        fake.returns(faults.ask, 6, questions=QUESTIONS)

        assert 6 == made(faults.ask, 3, lambda question: question.number * 2)
        assert [0, 2, 4] == fake.calls[0].answers

    def test_by_a_coroutine(self, fake: FakeLibrary) -> None:
        """In a loop the answer may be awaited."""
        fake.returns(faults.ask, 6, questions=QUESTIONS)

        async def answer(question: faults.FaultsQuestion) -> int:
            await asyncio.sleep(0.001)
            return question.number

        assert 6 == awaited(faults.ask, 3, answer)
        assert [0, 1, 2] == fake.calls[0].answers

    def test_an_exception_of_the_callback(self, fake: FakeLibrary, made: Any) -> None:
        """The very exception ends the call."""
        fake.returns(faults.ask, 6, questions=QUESTIONS)
        raised = Refused()

        def answer(question: faults.FaultsQuestion) -> int:
            raise raised

        with pytest.raises(Refused) as caught:
            made(faults.ask, 3, answer)
        assert caught.value is raised

    def test_an_interrupt_of_the_callback(self, fake: FakeLibrary) -> None:
        """What is no Exception ends the call too."""
        fake.returns(faults.ask, 6, questions=QUESTIONS)

        def answer(question: faults.FaultsQuestion) -> int:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            plain(faults.ask, 3, answer)
        with pytest.raises(KeyboardInterrupt):
            submitted(faults.ask, 3, answer)

    def test_a_wrong_answer(self, fake: FakeLibrary, made: Any) -> None:
        """An answer that does not fit is the callback's error, as in real life."""
        fake.returns(faults.ask, 6, questions=QUESTIONS)

        with pytest.raises(TypeError, match="expected int, got str"):
            made(faults.ask, 3, lambda question: "text")

    def test_missing_callback(self, fake: FakeLibrary) -> None:
        """The callable is an argument like others."""
        with pytest.raises(TypeError, match=r"faults\.ask\(\) is missing the argument 'answer'"):
            faults.ask(1)  # type: ignore[call-arg]

    @pytest.mark.parametrize("by_name", [False, True])
    def test_of_an_answer(self, fake: FakeLibrary, made: Any, by_name: bool) -> None:
        """The test's callable asks through the parameter of that name, and gets the answers."""

        def go(count: int, *, answer: Any) -> int:
            total = 0
            for n in range(count):
                try:
                    total += answer({"number": n, "text": "?"})
                except Refused:
                    total += 100
            return total

        def reply(question: faults.FaultsQuestion) -> int:
            if question.number == 1:
                raise Refused
            return question.number + 1

        fake.answers(faults.ask, go)
        found = made(faults.ask, 3, answer=reply) if by_name else made(faults.ask, 3, reply)

        assert 1 + 100 + 3 == found
        assert [1, 3] == fake.calls[0].answers

    def test_a_question_that_does_not_fit(self, fake: FakeLibrary) -> None:
        """The error blames the test."""
        with pytest.raises(FakeError, match=r"lets faults\.ask\(\) ask does not fit: expected"):
            fake.returns(faults.ask, 1, questions=["why?"])
