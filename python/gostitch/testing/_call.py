"""The record of one call that the fake library has taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class FakeCall:
    """One call: what the function was given, and what came of it.

    ``function`` is its name, such as ``"tasks.fetch"``. ``arguments`` has the value
    of each parameter as Go would see it, defaults included: paths as text,
    mappings as records, iterables as lists, buffers as bytes. ``timeout`` is what
    the call was given, or None.

    Once the call has ``ended``, ``result`` or ``exception`` is what it ended with;
    it has neither if it was ``cancelled``: by its future, or by closing the stream
    early. The result of a stream is the list of the results taken so far.
    ``answers`` is what the caller's callback has answered, and ``sent`` what the
    caller sent with ``Future.send``, in order.
    """

    function: str
    arguments: dict[str, Any]
    timeout: float | None = None
    result: Any = None
    exception: BaseException | None = None
    answers: list[Any] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    ended: bool = False
    cancelled: bool = False
    traced: bool = field(default=False, repr=False)  # a span was current
    submitted: bool = field(default=False, repr=False)
    taken: bool = field(default=False, repr=False)  # its future was asked, or told to tell
    timed_out: bool = field(default=False, repr=False)  # by its own timeout

    def end(self, result: Any, exception: BaseException | None) -> None:
        """Note what came of the call; only the first word counts."""
        if not self.ended:
            self.result, self.exception = result, exception
            self.ended = True

    def cancel(self) -> None:
        """Note that the caller did not wait for the end."""
        if not self.ended:
            self.cancelled = self.ended = True

    def is_forgotten(self) -> bool:
        """Tell whether it was submitted, and its caller does not care what comes of it."""
        return self.submitted and not (self.taken or self.cancelled or self.timed_out)
