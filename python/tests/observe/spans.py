"""Spans as a receiver got them, out of OTLP/JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Span:
    """A span as it was received, with the resource it came with."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    flags: int
    state: str
    attributes: dict[str, Any]
    events: list[dict[str, Any]]
    status: dict[str, Any]
    resource: str

    @property
    def by_go(self) -> bool:
        """Whether Go made it."""
        return self.attributes.get("gostitch.side") == "go"


def spans_of(document: dict[str, Any]) -> list[Span]:
    """Flatten an OTLP/JSON document."""
    return [
        _span(span, _identity(resource_spans["resource"]))
        for resource_spans in document["resourceSpans"]
        for scope_spans in resource_spans["scopeSpans"]
        for span in scope_spans["spans"]
    ]


def _identity(resource: dict[str, Any]) -> str:
    """Give a text that is the same for equal resources; attributes come in any order."""
    return repr(sorted((each["key"], repr(each["value"])) for each in resource["attributes"]))


def _span(span: dict[str, Any], resource: str) -> Span:
    return Span(
        name=span["name"],
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId", ""),
        start=int(span["startTimeUnixNano"]),
        end=int(span["endTimeUnixNano"]),
        flags=span.get("flags", 0),
        state=span.get("traceState", ""),
        attributes=_attributes(span),
        events=[event | {"attributes": _attributes(event)} for event in span.get("events", [])],
        status=span.get("status", {}),
        resource=resource,
    )


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in of.get("attributes", [])}
