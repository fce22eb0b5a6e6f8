"""Python's span processors as the ones that have spans of Go.

For a provider without an exporter that Go can stand in for: an in-memory or console exporter, or
one of the user's own. The processors see ``on_start`` and ``on_end`` when the span is over.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.trace.export import BatchSpanProcessor

from gostitch.observe import _sampler, _spans

_log = logging.getLogger("gostitch")

_RESERVE = 2
"""Of a batch processor's queue this part is left to spans of Python: Go must not push them out."""

_LEFT_OUT = 1 << 14
"""Spans that the sampler did not want, which are remembered for those below them."""


class Processors:
    """Hands spans of Go to the processors of a provider. It is a ``_handover.Sink``."""

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

    def room(self) -> int | None:
        """Return for how many spans all processors have room; None: for any number."""
        if not self._queues:
            return None
        return max(min(size - size // _RESERVE - len(queue) for queue, size in self._queues), 0)

    def take(self, spans: list[bytes]) -> None:
        """Take spans (appendSpan), which ended in this order."""
        resource = self._provider.resource
        if self._ends is None:
            made = [_spans.GoSpan(each, resource) for each in spans]
            for span in self._wanted(made) if self._asks else made:
                _hand_on(self._end, span)
            return
        for each in spans:
            if each[0]:
                span = _spans.GoSpan(each, resource)
                for end in self._ends:
                    _hand_on(end, span)

    def _wanted(self, spans: list[_spans.GoSpan]) -> list[_spans.GoSpan]:
        """Ask the sampler about spans below those of calls: which it wants, and with what."""
        unwanted = set()
        for each in sorted(spans, key=lambda each: each.start_time or 0):
            if each.is_call or _sampler.wants(self._provider, each, self._left_out):
                continue
            unwanted.add(id(each))
            self._left_out.append(each.context.span_id)
        return [each for each in spans if id(each) not in unwanted]


def _hand_on(end: Callable[[Any], object], span: Any) -> None:
    try:
        end(span)
    except Exception:  # a processor's own
        _log.exception("a span of Go could not be handed to the span processors")


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
