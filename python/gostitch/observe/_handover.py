"""Handing spans of Go to Python's own processors.

For a provider without an exporter that Go can stand in for: an in-memory or console exporter, or
one of the user's own. Twin of ``gocore/observe/handover.go``. Those of a call are taken before it
returns, so processors have seen them when what is above ends; others a moment later. The
processors see ``on_start`` and ``on_end`` then, and the span is over.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace.export import BatchSpanProcessor

from gostitch import _pending, _workers
from gostitch._pending import here
from gostitch.observe import _generated, _library, _sampler, _spans
from gostitch.observe._guest import tell

_log = logging.getLogger("gostitch")

_BATCH = 512
"""Spans that are taken at once."""

_RESERVE = 2
"""Of a batch processor's queue this part is left to spans of Python: Go must not push them out."""

_PATIENCE_S = 0.05
"""Seconds for which the thread of replies waits for processors."""

_LOOK_S = 0.001
"""Seconds between two looks whether others have handed on what they took."""

_RESPITE_S = 10.0
"""Seconds for which it does not, after it has waited in vain."""

_LEFT_OUT = 1 << 14
"""Spans that the sampler did not want, which are remembered for those below them."""

_TRACE = slice(2, None)
"""Where the id of a trace is in a message that has it: after the header of a string."""

_ARRAYS = {bytes([each]) for each in (*range(0x90, 0xA0), 0xDC, 0xDD)}
"""What an array begins with in MessagePack."""

_LOST = "spans of Go do not reach the processors of the tracer provider"


class Handover:
    """Takes spans of Go for the processors of a provider."""

    def __init__(self, provider: Any, processors: list[Any]) -> None:
        self._provider = provider
        self._queues = [each for each in map(_queue_of, processors) if each is not None]
        self._asks = _sampler.is_asked(provider.sampler)
        self._left_out: deque[int] = deque(maxlen=_LEFT_OUT)  # spans that the sampler did not want
        self._end = provider._active_span_processor.on_end
        if _spans.see_starts(processors):
            self._end = functools.partial(_spans.relive, provider=provider)
        # That of the SDK looks at the flags of a span first, for which it would have to be read.
        self._ends = None if self._asks else _only_sampled(processors)
        self._kept: deque[bytes] = deque()  # what is to be handed on
        self._requests: deque[tuple[bytes, threading.Event]] = deque()
        self._is_served = False
        self._takers: list[object] = []  # for each thread that takes just now
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

        What a batch processor has no room for stays in Go, which tells of it again.
        """
        has_spans = message[:1] in _ARRAYS
        if has_spans:
            self._kept.extend(_spans.listed(message))
        if here.takes:
            return  # whom this is below hands it on
        self._takers.append(message)
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
            self._takers.remove(message)

    def settle(self, until: float) -> bool:
        """Wait until what others have taken was handed on; false if that took too long."""
        if _pending.is_helping():
            return True
        others = list(map(id, self._takers))
        while any(id(each) in others for each in list(self._takers)):
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_S)
        return True

    def _take_some(self, trace: str) -> bool:
        """Take a batch; tell whether there may be more, and room for it."""
        room = min(self._room(), _BATCH)
        taken = _generated.take_spans(of=trace, most=room)
        self.waiting = taken.waiting
        spans = _spans.listed(taken.spans)
        self._kept.extend(spans)
        self._hand_on()
        return room == len(spans) == _BATCH

    def _hold(self) -> None:
        """Have Go keep the spans of calls until there is room again."""
        self.waiting = _generated.take_spans(of="", most=0).waiting + len(self._kept)

    def _hand_on(self) -> None:
        """Hand on what was kept, as far as there is room."""
        kept, resource = self._kept, self._provider.resource
        while kept and (room := self._room()):
            batch: list[bytes] = []
            with contextlib.suppress(IndexError):  # another thread was faster
                while len(batch) < room:
                    batch.append(kept.popleft())
            if self._ends is None:
                spans = [_spans.GoSpan(each, resource) for each in batch]
                for span in self._wanted(spans) if self._asks else spans:
                    self._hand_one_on(self._end, span)
                continue
            for each in batch:
                if each[0]:
                    for end in self._ends:
                        self._hand_one_on(end, _spans.GoSpan(each, resource))

    def _hand_one_on(self, end: Callable[[Any], object], span: Any) -> None:
        try:
            end(span)
        except Exception:  # a processor's own
            _log.exception("a span of Go could not be handed to the span processors")

    def _wanted(self, spans: list[_spans.GoSpan]) -> list[_spans.GoSpan]:
        """Ask the sampler about spans below those of calls: which it wants, and with what."""
        unwanted = set()
        for each in sorted(spans, key=lambda each: each.start_time or 0):
            if each.is_call or _sampler.wants(self._provider, each, self._left_out):
                continue
            unwanted.add(id(each))
            self._left_out.append(each.context.span_id)
        return [each for each in spans if id(each) not in unwanted]

    def _room(self) -> int:
        """Give for how many spans the processors have room."""
        free = (size - size // _RESERVE - len(queue) for queue, size in self._queues)
        return max(min(free, default=_BATCH), 0)


def _only_sampled(processors: list[Any]) -> list[Any] | None:
    """Give what takes ended spans for processors that want sampled ones alone; None: others too."""
    ends = []
    for each in processors:
        emit = getattr(getattr(each, "_batch_processor", None), "emit", None)
        if type(each) is not BatchSpanProcessor or "on_end" in vars(each) or emit is None:
            return None
        ends.append(emit)
    return ends


def _queue_of(processor: Any) -> tuple[Any, int] | None:
    """Give the queue of a batch processor of the SDK, and its size; None: it is something else."""
    inner = getattr(processor, "_batch_processor", processor)
    queue = getattr(inner, "_queue", getattr(inner, "queue", None))
    size = getattr(inner, "_max_queue_size", getattr(inner, "max_queue_size", None))
    return (queue, size) if hasattr(queue, "__len__") and isinstance(size, int) else None
