"""Handing spans of Go to Python's own processors.

For a provider without an exporter that Go can stand in for: an in-memory or console exporter, or
one of the user's own. Twin of ``gocore/observe/handover.go``. Those of a call are taken before it
returns, so processors have seen them when what is above ends; others a moment later. The
processors see ``on_start`` and ``on_end`` then, and the span is over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any

from gostitch import _pending, _workers
from gostitch.observe import _generated, _library, _sampler, _spans
from gostitch.observe._guest import guest

_log = logging.getLogger("gostitch")

_BATCH = 512
"""Spans that are taken at once."""

_RESERVE = 4
"""Of a batch processor's queue this part is left to spans of Python: Go must not push them out."""

_PATIENCE_S = 0.05
"""Seconds for which the thread of replies waits for processors."""

_LOOK_S = 0.001
"""Seconds between two looks whether others have handed on what they took."""

_RESPITE_S = 10.0
"""Seconds for which it does not, after it has waited in vain."""

_LEFT_OUT = 1 << 14
"""Spans that the sampler did not want, which are remembered for those below them."""

_TRACE = slice(3, 35)
"""Where a traceparent has the id of the trace."""

_LOST = "spans of Go do not reach the processors of the tracer provider"


class Handover:
    """Takes spans of Go for the processors of a provider."""

    def __init__(self, provider: Any, processors: list[Any]) -> None:
        self._provider = provider
        self._queues = [each for each in map(_queue_of, processors) if each is not None]
        self._sees_starts = _spans.see_starts(processors)
        self._asks = _sampler.is_asked(provider.sampler)
        self._left_out: deque[int] = deque(maxlen=_LEFT_OUT)  # spans that the sampler did not want
        self._kept: deque[_spans.Handed] = deque()  # what Ctrl-C has kept from being handed on
        self._requests: deque[tuple[bytes | None, threading.Event]] = deque()
        self._is_served = False
        self._takers: list[object] = []  # for each thread that takes just now
        self._in_vain = -_RESPITE_S  # when a request was waited for in vain
        self.waiting = 0  # in Go, when spans were taken last

    def take(self, of: bytes | None) -> None:
        """Take the spans of a trace, of which this is the context or the id; None or b"": of any.

        What a batch processor has no room for stays in Go, which tells of it again.
        """
        if _pending.is_taking() or not _library.is_there():
            return
        if _pending.is_pumping():
            self._take_elsewhere(of)
        else:
            self._take_here(of)

    def _take_elsewhere(self, of: bytes | None) -> None:
        """Take spans on another thread, and wait for a moment: replies of others wait here."""
        done = threading.Event()
        self._requests.append((of, done))
        if not self._is_served:
            self._is_served = True
            if _workers.run(self._serve) is not None:
                self._serve()  # no thread can be started
        if time.monotonic() >= self._in_vain + _RESPITE_S and not done.wait(_PATIENCE_S):
            self._in_vain = time.monotonic()

    def _serve(self) -> None:
        while True:
            try:
                of, done = self._requests.popleft()
            except IndexError:
                self._is_served = False
                if not self._requests:  # since then
                    return
                self._is_served = True
                continue
            try:
                self._take_here(of)
            finally:
                done.set()

    def _take_here(self, of: bytes | None) -> None:
        trace = (of or b"").decode()
        trace = trace[_TRACE] if trace[2:3] == "-" else trace[:32]
        self._takers.append(mine := object())
        try:
            with _pending.taking(), guest(_LOST):
                while self._take_some(trace):
                    pass
        finally:
            self._takers.remove(mine)

    def settle(self, until: float) -> bool:
        """Wait until what others have taken was handed on; false if that took too long."""
        if _pending.is_helping():
            return True
        others = list(self._takers)
        while any(each in self._takers for each in others):
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_S)
        return True

    def _take_some(self, trace: str) -> bool:
        """Take a batch; tell whether there may be more, and room for it."""
        taken = _generated.take_spans(of=trace, most=min(self._room(), _BATCH))
        self.waiting = taken.waiting
        spans = [_spans.readable(bytes(frame), self._provider) for frame in taken.frames]
        self._kept.extend(self._wanted(spans) if self._asks else spans)
        self._hand_on()
        return len(taken.frames) == _BATCH

    def _wanted(self, spans: list[_spans.Handed]) -> list[_spans.Handed]:
        """Ask the sampler about spans below those of calls: which it wants, and with what."""
        unwanted = set()
        for each in sorted(spans, key=lambda each: each.span.start_time or 0):
            if each.is_call or _sampler.wants(self._provider, each.span, self._left_out):
                continue
            unwanted.add(id(each))
            self._left_out.append(each.span.context.span_id)
        return [each for each in spans if id(each) not in unwanted]

    def _hand_on(self) -> None:
        while True:
            try:
                each = self._kept.popleft()
            except IndexError:
                return
            try:
                if self._sees_starts:
                    _spans.relive(each.span, each.baggage, self._provider)
                else:
                    self._provider._active_span_processor.on_end(each.span)
            except Exception:  # a processor's own
                _log.exception("a span of Go could not be handed to the span processors")

    def _room(self) -> int:
        """Give for how many spans the processors have room."""
        free = (size - size // _RESERVE - len(queue) for queue, size in self._queues)
        return max(min(free, default=_BATCH), 0)


def _queue_of(processor: Any) -> tuple[Any, int] | None:
    """Give the queue of a batch processor of the SDK, and its size; None: it is something else."""
    inner = getattr(processor, "_batch_processor", processor)
    queue = getattr(inner, "_queue", getattr(inner, "queue", None))
    size = getattr(inner, "_max_queue_size", getattr(inner, "max_queue_size", None))
    return (queue, size) if hasattr(queue, "__len__") and isinstance(size, int) else None
