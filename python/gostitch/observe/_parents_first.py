"""Spans of Go for those who make spans of their own of them: each after the one above it.

In Go they end from the innermost outwards, and arrive in this order. Needs neither OpenTelemetry
nor Sentry.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Protocol

from gostitch.observe._span_frame import SpanFrame, decode

_MOST = 4096
"""Spans that are remembered for those below them, and that wait for the ones above them."""


class Maker(Protocol):
    """What makes spans of those of Go."""

    def make(self, of: SpanFrame, above: Any) -> Any:
        """Make a span below one that was made before; None: below what is its parent in Python."""

    def end(self, of: SpanFrame, span: Any) -> None:
        """End a span; those below it that were there have been made, and ended."""


class Spans:
    """Has spans made from the outermost inwards. It is a ``_handover.Sink``."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._made: OrderedDict[bytes, Any] = OrderedDict()  # by their ids in Go
        self._waiting: dict[bytes, list[SpanFrame]] = {}  # by the ids of those above

    def room(self) -> int | None:
        """Return None: there is room for any number."""
        return None

    def take(self, spans: list[bytes]) -> None:
        """Take spans (appendSpan); each is made after the one above it, which ended later."""
        frames: list[SpanFrame] = [decode(each[1:]) for each in spans]
        first = []
        for of in sorted(frames, key=lambda of: of.what[2]):
            above = of.parent[1]
            # Above a call is a span of Python's, or none.
            if of.is_call or above in self._made or not any(above):
                first.append(of)
            else:
                self._waiting.setdefault(above, []).append(of)
        for of in first:
            self._make(of)
        while len(self._waiting) > _MOST:
            for of in self._waiting.pop(next(iter(self._waiting))):
                self._make(of)

    def _make(self, of: SpanFrame) -> None:
        """Make a span, and those below it that have waited."""
        begun = [(of, self._begin(of))]
        at = 0
        while at < len(begun):
            waited = self._waiting.pop(begun[at][0].context[1], ())
            begun.extend([(below, self._begin(below)) for below in waited])
            at += 1
        for each, span in reversed(begun):
            self._maker.end(each, span)

    def _begin(self, of: SpanFrame) -> Any:
        span = self._maker.make(of, self._made.get(of.parent[1]))
        self._made[of.context[1]] = span
        if len(self._made) > _MOST:
            self._made.popitem(last=False)
        return span
