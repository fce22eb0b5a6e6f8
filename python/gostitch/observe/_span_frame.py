"""Spans of Go as they cross.

Twin of ``gocore/observe/records.go``. Needs neither OpenTelemetry nor Sentry.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gostitch import _shapes

Context = tuple[bytes, bytes, int, str, bool]
"""Of a span: ids of its trace and its own, flags, trace state, whether it is remote."""


@_shapes.record(
    "context: list[any], parent: list[any], what: list[any], attributes: map[any], "
    "events: list[any], links: list[any], status: list[any], scope: list[any], "
    "dropped: list[any], is_call: bool, baggage: str"
)
class SpanFrame(NamedTuple):
    """A span as it crosses (appendSpanFrame); ids are bytes, times nanoseconds."""

    context: Context
    parent: Context
    what: tuple[str, int, int, int]  # name, kind, start, end
    attributes: dict[str, Any]
    events: list[tuple[int, str, dict[str, Any], int]]
    links: list[tuple[Context, dict[str, Any], int]]
    status: tuple[str, str]
    scope: tuple[str, str, str, dict[str, Any]]
    dropped: tuple[int, int, int]  # attributes, events, links
    is_call: bool
    baggage: str  # that it began with


decode = _shapes.schema("SpanFrame", globals()).decode

listed = _shapes.schema("list[bytes]", globals()).decode
"""Return the spans of an array, as bytes each (appendSpan)."""
