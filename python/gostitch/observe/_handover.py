"""Taking spans of Go for what is to have them: Python's processors, or another API's tracers.

Twin of ``gocore/observe/handover.go``. Those of a call are taken before it returns, so that they
have arrived when what is above ends; others a moment later. Needs no SDK.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from typing import Any, Protocol

from gostitch import _hooks, _pending, _workers
from gostitch._pending import here
from gostitch._process import bridge
from gostitch.observe import _flush, _generated, _library, _span_frame
from gostitch.observe._guest import guest, tell

_BATCH = 512
"""Spans that are taken at once."""

_PATIENCE_S = 0.05
"""Seconds for which the thread of replies waits for whom spans are handed to."""

_LOOK_S = 0.001
"""Seconds between two looks whether others have handed on what they took."""

_RESPITE_S = 10.0
"""Seconds for which it does not, after it has waited in vain."""

_TRACE = slice(2, None)
"""Where the id of a trace is in a message that has it: after the header of a string."""

_ARRAYS = {bytes([each]) for each in (*range(0x90, 0xA0), 0xDC, 0xDD)}
"""What an array begins with in MessagePack."""

_LOST = "spans of Go do not reach the tracer provider"


class Sink(Protocol):
    """What is to have the spans."""

    def room(self) -> int | None:
        """Return for how many spans there is room; None: for any number."""

    def take(self, spans: list[bytes]) -> None:
        """Take spans (appendSpan), which ended in this order."""


class Handover:
    """Takes spans of Go for a sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._process = os.getpid()  # in a forked one, what was kept belongs to the parent
        self._kept: deque[bytes] = deque()  # what is to be handed on
        self._requests: deque[tuple[bytes, threading.Event]] = deque()
        self._is_served = False
        self._takers: dict[object, bytes] = {}  # the message of each thread that takes just now
        self._in_vain = -_RESPITE_S  # when a request was waited for in vain
        self.waiting = 0  # in Go, when spans were taken last

    def take_with_reply(self, message: bytes) -> None:
        """Take spans that came with a reply, on whatever thread handles that."""
        if _pending.is_pumping():
            self._take_elsewhere(message)
        else:
            self.take(message)

    def _take_elsewhere(self, message: bytes) -> None:
        """Take spans on another thread, and wait for a moment: replies of others wait here."""
        done = threading.Event()
        self._requests.append((message, done))
        if not self._is_served:
            self._is_served = True
            if _workers.run(self._serve) is not None:
                self._serve()  # no thread can be started
        if time.monotonic() >= self._in_vain + _RESPITE_S and not done.wait(_PATIENCE_S):
            self._in_vain = time.monotonic()

    def _serve(self) -> None:
        while True:
            try:
                message, done = self._requests.popleft()
            except IndexError:
                self._is_served = False
                if not self._requests:  # since then
                    return
                self._is_served = True
                continue
            try:
                self.take(message)
            finally:
                done.set()

    def take(self, message: bytes) -> None:
        """Take spans: those in the message, or those of the trace that it names, or any.

        What there is no room for stays in Go, which tells of it again.
        """
        if os.getpid() != self._process:
            return
        has_spans = message[:1] in _ARRAYS
        if has_spans:
            self._kept.extend(_span_frame.listed(message))
        if here.takes:
            return  # whom this is below hands it on
        mine = object()
        self._takers[mine] = message
        here.takes = True
        try:
            self._hand_on()
            if self._kept:
                self._hold()
            elif not has_spans and _library.is_there():
                while self._take_some(message[_TRACE].decode()):
                    pass
        except Exception as error:
            tell(_LOST, error)
        finally:
            here.takes = False
            self._takers.pop(mine)
        # Another thread may have some of this trace in hand, of any that it took.
        if (
            message
            and b"" in self._takers.values()
            and time.monotonic() >= self._in_vain + _RESPITE_S
        ):
            now = time.monotonic()
            if not self.settle(now + _PATIENCE_S):
                self._in_vain = now

    def settle(self, until: float) -> bool:
        """Wait until what others have taken was handed on; false if that took too long."""
        if _pending.is_helping():
            return True
        others = set(self._takers)
        while others & set(self._takers):
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_S)
        return True

    def _take_some(self, trace: str) -> bool:
        """Take a batch; tell whether there may be more, and room for it."""
        room = self._room()
        taken = _generated.take_spans(of=trace, most=room)
        self.waiting = taken.waiting
        spans = _span_frame.listed(taken.spans)
        self._kept.extend(spans)
        self._hand_on()
        return room == len(spans) == _BATCH

    def _hold(self) -> None:
        """Have Go keep the spans of calls until there is room again."""
        self.waiting = _generated.take_spans(of="", most=0).waiting + len(self._kept)

    def _room(self) -> int:
        room = self._sink.room()
        return _BATCH if room is None else min(room, _BATCH)

    def _hand_on(self) -> None:
        """Hand on what was kept, as far as there is room."""
        kept = self._kept
        while kept and (room := self._room()):
            batch: list[bytes] = []
            with contextlib.suppress(IndexError):  # another thread was faster
                while len(batch) < room:
                    batch.append(kept.popleft())
            self._sink.take(batch)


def use(handover: Handover | None, provider: Any = None) -> None:
    """Have spans of Go taken for a provider from now on, which flushes with Go; None: by nobody."""
    _flush.goes_through(provider if hasattr(provider, "force_flush") else None, handover)
    bridge.install(spans=handover.take if handover else None)
    _hooks.spans = handover.take_with_reply if handover else _hooks.ignore_spans


def finish() -> None:
    """Hand over what waits for the one that was used before."""
    with guest("the last spans of Go for a former tracer provider are lost"):
        _hooks.spans(b"")
