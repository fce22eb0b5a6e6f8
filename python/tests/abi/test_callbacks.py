"""Callbacks: a Go function asks its caller, and exceptions come back as themselves."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import pytest

import faults
from gostitch import GoError, GoTypeError, runtime_info
from invariants import settled
from programs import Programs

_number = contextvars.ContextVar("number", default=0)


class Refused(Exception):  # noqa: N818 - an exception of somebody's own
    """What a callback raises."""


def _calls() -> int:
    return int(runtime_info()["calls"])


def double(question: faults.FaultsQuestion) -> int:
    """Answer with twice the number."""
    return question.number * 2


class TestAnswers:
    @pytest.mark.parametrize("parallel", [1, 8])
    def test_of_a_call(self, parallel: int) -> None:
        """Every question is answered, on the calling thread."""
        threads = set()

        def answer(question: faults.FaultsQuestion) -> int:
            threads.add(threading.get_ident())
            assert f"what is {question.number}?" == question.text
            return double(question)

        assert sum(range(0, 400, 2)) == faults.ask(200, answer, parallel=parallel)
        assert {threading.get_ident()} == threads

    def test_of_a_future(self) -> None:
        """Where no thread waits, one of a pool answers."""
        futures = [faults.ask.submit(50, double, parallel=4) for _ in range(10)]

        assert [sum(range(0, 100, 2))] * 10 == [future.result(20) for future in futures]

    def test_in_a_loop(self) -> None:
        """On the loop's thread, by a plain function."""
        threads = set()

        def answer(question: faults.FaultsQuestion) -> int:
            threads.add(threading.get_ident())
            return double(question)

        async def main() -> int:
            return await faults.ask.submit(50, answer, parallel=4)

        assert (sum(range(0, 100, 2)), {threading.get_ident()}) == (asyncio.run(main()), threads)

    def test_by_a_coroutine(self) -> None:
        """In a loop the answer may be awaited for, many at once."""
        waiting = 0
        most = 0

        async def answer(question: faults.FaultsQuestion) -> int:
            nonlocal waiting, most
            waiting += 1
            most = max(most, waiting)
            await asyncio.sleep(0.01)
            waiting -= 1
            return double(question)

        async def main() -> int:
            return await faults.ask.submit(40, answer, parallel=8)

        assert sum(range(0, 80, 2)) == asyncio.run(main())
        assert most > 1

    def test_sees_the_callers_context(self) -> None:
        """Context variables are those of where the call was made."""

        def answer(question: faults.FaultsQuestion) -> int:
            return _number.get()

        token = _number.set(7)
        future = faults.ask.submit(1, answer)
        _number.reset(token)

        assert 7 == future.result(20)

    def test_may_call_go(self) -> None:
        """A callback may call functions, with callbacks of their own."""

        def outer(question: faults.FaultsQuestion) -> int:
            return faults.ask(2, double) + faults.add(question.number, 1)

        assert 2 + 1 + 2 + 2 == faults.ask(2, outer)

    def test_by_name(self) -> None:
        """The callable may be given by name."""
        assert 0 == faults.ask(count=1, answer=double)


class TestExceptions:
    @pytest.mark.parametrize("wrap", [False, True])
    @pytest.mark.parametrize("parallel", [1, 4])
    def test_come_back_as_themselves(self, wrap: bool, parallel: int) -> None:
        """The very exception is raised, wrapped in Go or not."""
        raised = Refused("no")

        def answer(question: faults.FaultsQuestion) -> int:
            raise raised

        with pytest.raises(Refused) as caught:
            faults.ask(5, answer, wrap=wrap, parallel=parallel)

        assert caught.value is raised or parallel > 1

    def test_of_a_coroutine(self) -> None:
        """The same where the answer is awaited."""

        async def answer(question: faults.FaultsQuestion) -> int:
            await asyncio.sleep(0)
            raise Refused("no")

        async def main() -> int:
            return await faults.ask.submit(5, answer)

        with pytest.raises(Refused):
            asyncio.run(main())

    def test_of_a_future(self) -> None:
        """The future holds the exception."""

        def answer(question: faults.FaultsQuestion) -> int:
            raise Refused("no")

        assert isinstance(faults.ask.submit(5, answer).exception(20), Refused)

    def test_that_go_handles(self) -> None:
        """A function may go on after an exception."""

        def answer(question: faults.FaultsQuestion) -> int:
            if question.number % 2:
                raise Refused("no")
            return 10

        assert 10 - 1 + 10 - 1 == faults.ask(4, answer, ignore=True)

    def test_keyboard_interrupt(self) -> None:
        """What is no Exception ends the call at once."""

        def answer(question: faults.FaultsQuestion) -> int:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            faults.ask(5, answer)

        assert 0 == settled(_calls, 0)

    def test_keyboard_interrupt_on_a_worker(self) -> None:
        """Where no thread waits, the future holds even what is no Exception."""

        def answer(question: faults.FaultsQuestion) -> int:
            raise KeyboardInterrupt

        assert isinstance(faults.ask.submit(5, answer).exception(20), KeyboardInterrupt)

    @pytest.mark.parametrize("answer", ["text", None, 2**70, 1.5])
    def test_a_wrong_answer(self, answer: Any) -> None:
        """An answer that does not fit is the callback's error, with the reason."""
        with pytest.raises((TypeError, ValueError), match=r"expected int|out of range"):
            faults.ask(1, lambda question: answer)

    def test_an_awaitable_without_a_loop(self) -> None:
        """A coroutine function needs a loop to run in."""

        async def answer(question: faults.FaultsQuestion) -> int:
            return 1

        with pytest.raises(TypeError, match="submit the call inside the loop"):
            faults.ask(1, answer)

    def test_whose_text_cannot_be_had(self) -> None:
        """An exception with a broken __str__ is still that exception."""

        class BrokenError(Exception):
            def __str__(self) -> str:
                raise ValueError

        def answer(question: faults.FaultsQuestion) -> int:
            raise BrokenError

        with pytest.raises(BrokenError):
            faults.ask(1, answer)


class TestRefusals:
    def test_missing(self) -> None:
        """The callable is an argument like others."""
        with pytest.raises(TypeError, match=r"faults\.ask\(\) is missing the argument 'answer'"):
            faults.ask(1)  # type: ignore[call-arg]

    @pytest.mark.parametrize("answer", [None, 3])
    def test_not_callable(self, answer: Any) -> None:
        """What cannot be called is refused."""
        with pytest.raises(GoTypeError, match="argument answer: expected a callable"):
            faults.ask(1, answer)

    def test_too_many(self) -> None:
        """After the callable nothing can stand."""
        with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
            faults.ask(1, double, 3)  # type: ignore[call-arg, misc]


def test_a_timeout_while_the_callback_waits() -> None:
    """The call ends with its deadline; the answer that comes late is dropped."""
    release = threading.Event()

    def answer(question: faults.FaultsQuestion) -> int:
        release.wait(5)
        return 1

    future = faults.ask.submit(1, answer, timeout=0.05)
    with pytest.raises(TimeoutError):
        future.result(20)
    release.set()

    assert 0 == settled(_calls, 0)


class TestAtTheEndOfTheInterpreter:
    def test_a_callback_that_never_returns(self, program: Programs) -> None:
        """It keeps neither the call nor the interpreter from ending."""
        done = program(
            """
import threading
import faults

asked = threading.Event()

def answer(question):
    asked.set()
    threading.Event().wait()

future = faults.ask.submit(1, answer)
asked.wait()
""",
            "-X",
            "dev",
        )

        assert (0, "") == (done.returncode, done.stderr)

    def test_a_call_from_atexit(self, program: Programs) -> None:
        """A submitted call is answered, or says that no thread can be started."""
        done = program(
            """
import atexit
import faults

@atexit.register
def ask():
    try:
        print(faults.ask.submit(1, lambda question: 3).result(10))
    except RuntimeError as error:
        print("call faults.ask() without submit()" in str(error) and 3)
    print(faults.ask(1, lambda question: 3))

faults.add(1, 2)
"""
        )

        assert (0, ["3", "3"], "") == (done.returncode, done.stdout.splitlines(), done.stderr)


def test_after_the_end_nobody_can_be_asked() -> None:
    """A goroutine that outlives its call gets an error."""
    panics = runtime_info()["background_panics"]
    faults.ask_late(double)

    assert 0 == settled(lambda: runtime_info()["background_goroutines"], 0)
    assert panics == runtime_info()["background_panics"]


def test_ones_own_error_class() -> None:
    """A code that a directive names raises the generated class, also a built-in one."""
    with pytest.raises(faults.OutOfStockError) as caught:
        faults.buy()

    assert isinstance(caught.value, LookupError)
    assert isinstance(caught.value, GoError)
    assert ("out_of_stock", {"left": 2}) == (caught.value.code, caught.value.details)


def test_a_coroutine_that_is_cancelled() -> None:
    """It is an answer too, and the function does not wait for another."""

    async def answer(question: faults.FaultsQuestion) -> int:
        raise asyncio.CancelledError

    async def main() -> int:
        return await asyncio.wait_for(faults.ask.submit(1, answer), 10)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert 0 == settled(_calls, 0)
