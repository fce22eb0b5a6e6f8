"""What a Go function takes and gives, to check what a test says of it."""

from __future__ import annotations

from typing import Any

from gostitch import _calls
from gostitch._calls import Function
from gostitch._shapes import Schema
from gostitch._stream import StreamFunction
from gostitch.testing._error import FakeError


class Contract:
    """The schemas of one function, as its generated module has them."""

    def __init__(self, made: Any) -> None:
        _calls.prepare(made)
        declaration = made._declaration
        self.name: str = made.name
        self.made = made
        self.callback: str | None = declaration.callback
        self.asks = declaration.answer is not None
        self.sends = self.callback is not None and not self.asks
        self.streams = declaration.message is not None and self.callback is None
        self.message: Schema = declaration.message
        self.answer: Schema = declaration.answer
        self._result: Schema = declaration.message if self.streams else made.result
        self._gives_nothing = declaration.result == "none" and not self.streams
        self._gives_bytes = declaration.result == "bytes"

    def result_frame(self, value: Any) -> bytes:
        """Check a result, or one of a stream, and give it as it would cross."""
        if self._gives_nothing and value is not None:
            raise FakeError(
                f"what the test lets {self.name}() return does not fit: it returns nothing, so "
                f"say None instead of {value!r}"
            )
        return self._frame(self._result, value, "return")

    def result_of(self, frame: bytes) -> Any:
        """Give the result as a call would."""
        value = self._result.decode(frame)
        return memoryview(value) if self._gives_bytes else value

    def message_frame(self, value: Any) -> bytes:
        """Check a message or a question, and give it as it would cross."""
        return self._frame(self.message, value, "ask" if self.asks else "send")

    def _frame(self, schema: Schema, value: Any, verb: str) -> bytes:
        try:
            return schema.encode(value)
        except Exception as error:
            raise FakeError(
                f"what the test lets {self.name}() {verb} does not fit: {error}"
            ) from error


def contract_of(function: Any) -> Contract:
    """Give the contract of what the test names, which must be a Go function."""
    if isinstance(function, StreamFunction):
        return Contract(function._made)
    if isinstance(function, Function):
        return Contract(function)
    raise FakeError(
        f"{function!r} is no Go function; name one of a generated module, such as tasks.hash_tree"
    )
