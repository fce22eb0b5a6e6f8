"""Questions of a running Go function, answered by a callable of its caller.

Twin of ``gocore/callback.go``.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Awaitable, Callable
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from gostitch import _hooks, _shapes, _workers
from gostitch._loops import running_loop
from gostitch.exceptions import GoError

if TYPE_CHECKING:
    import asyncio

_VALUE, _ERROR = b"\0", b"\1"

_KEPT = 256
"""Exceptions that are remembered for one call: a function may ignore any number of them."""

Send = Callable[[bytes], object]


def answer(number: int, value: Any, *, failed: bool = False) -> bytes:
    """Give the message that answers a question with a plain value, or with an error."""
    return (
        number.to_bytes(4, "little") + (_ERROR if failed else _VALUE) + _shapes.PLAIN.encode(value)
    )


def within_trace(caller: contextvars.Context, trace: bytes | None) -> contextvars.Context:
    """Give a context to run a callback in: the caller's, under what runs in Go.

    A copy, since one context cannot be entered twice at once.
    """
    context = caller.copy()
    if trace is not None:
        context.run(_hooks.enter, trace)
    return context


class Callbacks:
    """What the callable of one call was asked, and the exceptions it raised.

    In an event loop it runs on the loop's thread and may give an awaitable.
    Otherwise it runs on the thread that waits for the call, or on a worker
    where nobody does. It sees the context variables of the caller.
    """

    def __init__(self, name: str, callback: Any, answer: Any, context: contextvars.Context) -> None:
        self._name = name
        self._callback = callback
        self._answer = answer
        self._raised: dict[int, BaseException] = {}
        self._context = context
        self._caller = threading.get_ident()
        self._tasks: dict[int, asyncio.Task[None]] = {}  # that answer, by question

    def ask(
        self,
        question: Any,
        number: int,
        send: Send,
        loop: asyncio.AbstractEventLoop | None,
        trace: bytes | None,
    ) -> None:
        """Have a question answered under a trace context of Go, here or on another thread."""
        context = within_trace(self._context, trace)
        if loop is not None or threading.get_ident() == self._caller:
            self._run(context, question, number, send)
        else:
            # On a worker nobody would see what is raised, and the function would wait for ever.
            work = _Work(self, context, question, number, send)
            reason = _workers.run(work)
            if isinstance(reason, MemoryError):
                raise reason  # that passes
            if reason is not None:
                raise RuntimeError(
                    f"no thread can be started for the callback of {self._name}() ({reason}); call "
                    f"{self._name}() without submit(), and the thread that calls runs the callback"
                ) from reason

    def run_on_worker(
        self, context: contextvars.Context, question: Any, number: int, send: Send
    ) -> None:
        """Answer a question where nobody sees what is raised."""
        self._run(context, question, number, send, BaseException)

    def fail(self, number: int, send: Send) -> None:
        """Answer a question with what has kept its answer from getting away."""
        send(number.to_bytes(4, "little") + self._raise(number, MemoryError()))

    def _run(
        self,
        context: contextvars.Context,
        question: Any,
        number: int,
        send: Send,
        sent: type[BaseException] = Exception,  # what goes to the function; the rest is raised
    ) -> None:
        try:
            answer = context.run(self._callback, question)
            if _is_awaitable(answer):
                self._await(context, answer, number, send)
                return
            frame = _VALUE + self._answer.encode_answer(answer)
        except sent as error:
            frame = self._raise(number, error)
        send(number.to_bytes(4, "little") + frame)

    def _await(
        self, context: contextvars.Context, answer: Awaitable[Any], number: int, send: Send
    ) -> None:
        async def settle() -> None:
            try:
                frame = _VALUE + self._answer.encode_answer(await answer)
            except BaseException as error:
                # CancelledError too, or the function would wait for ever.
                send(number.to_bytes(4, "little") + self._raise(number, error))
                if not isinstance(error, Exception):
                    raise
            else:
                send(number.to_bytes(4, "little") + frame)

        if running_loop() is None:
            if isinstance(answer, CoroutineType):
                answer.close()
            raise TypeError(
                f"the callback of {self._name}() gave an awaitable, and no event loop runs here; "
                "submit the call inside the loop, or give a plain function"
            )
        import asyncio  # a loop runs

        task = context.run(asyncio.ensure_future, settle())
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    def _raise(self, number: int, error: BaseException) -> bytes:
        self._raised[number] = error
        if len(self._raised) > _KEPT:
            self._raised.pop(next(iter(self._raised)), None)
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        try:
            text = str(error)
        except Exception:
            text = "(its text cannot be had)"
        return _ERROR + _shapes.PLAIN.encode((name, text.encode(errors="replace").decode()))

    def refuse(self, number: int, send: Send) -> None:
        """Answer a question that came too late for its event loop with an error."""
        error = RuntimeError(
            f"the event loop in which {self._name}() was submitted is closed, so nobody can answer "
            "its questions; wait for the call before the loop ends"
        )
        send(number.to_bytes(4, "little") + self._raise(number, error))

    def refuse_open(self, send: Send) -> None:
        """Answer the questions whose tasks can never go on, as their event loop is closed."""
        for number in list(self._tasks):
            self.refuse(number, send)

    def raised(self, number: int) -> BaseException:
        """Give the exception that the callable answered a question with."""
        return self._raised[number]

    def original(self, error: GoError) -> BaseException:
        """Give the callable's own exception if it is what made the function fail."""
        # Not kept: their tracebacks refer to this object.
        raised, self._raised = self._raised, {}
        for each in _chain(error):
            if each.go_type == "*gocore.CallbackError":
                found = raised.get(each.details.get("question", 0), error)
                with contextlib.suppress(AttributeError):  # a class of somebody's, with slots
                    found.go_error = error  # type: ignore[attr-defined]
                return found
        return error

    def end(self) -> None:
        """Forget what was raised: the call has ended well."""
        self._raised.clear()


class _Work:
    """A question for a worker's thread; the callable is called once, whatever fails."""

    __slots__ = ("begun", "callbacks", "context", "number", "question", "send")

    def __init__(
        self,
        callbacks: Callbacks,
        context: contextvars.Context,
        question: Any,
        number: int,
        send: Send,
    ) -> None:
        self.callbacks = callbacks
        self.context = context
        self.question = question
        self.number = number
        self.send = send
        self.begun = False

    def __call__(self) -> None:
        if self.begun:
            self.callbacks.fail(self.number, self.send)
        else:
            self.begun = True
            self.callbacks.run_on_worker(self.context, self.question, self.number, self.send)


_AWAITABLE = 0x100
"""``inspect.CO_ITERABLE_COROUTINE``, of generators that ``types.coroutine`` has made."""


def _is_awaitable(answer: Any) -> bool:
    """Do what ``inspect.isawaitable`` does, at a fifth of the time (async.callback_64)."""
    if hasattr(type(answer), "__await__"):
        return True
    return isinstance(answer, GeneratorType) and bool(answer.gi_code.co_flags & _AWAITABLE)


def _chain(error: GoError) -> list[GoError]:
    found = [error]
    for each in found:
        found.extend(each.causes)
    return found
