"""Reads an OTLP/JSON trace into spans, processes and their tree.

The input is a file that anybody may have written, so nothing in it is trusted: wrong types become
empty values, a span whose parent is missing (or is its own ancestor) becomes a root, and the order
of the result does not depend on the order of arrival. This room knows no HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Event", "Process", "Span", "Trace", "each_trace", "read_trace"]

SIDE = "gostitch.side"
KINDS = ("", "internal", "server", "client", "producer", "consumer")
STATUS_ERROR = 2
UUID_LENGTH = 36


@dataclass(frozen=True)
class Process:
    """What one resource describes.

    Equal attributes mean the same process, whoever sent the spans.
    """

    attributes: tuple[tuple[str, str], ...]

    def get(self, *names: str) -> str:
        """Give the first of these attributes that is there, or an empty string."""
        known = dict(self.attributes)
        return next((known[name] for name in names if known.get(name)), "")

    @property
    def title(self) -> str:
        """The name people know the process by."""
        program = self.get("process.command", "process.executable.name")
        instance = self.get("service.instance.id")
        if len(instance) == UUID_LENGTH:
            instance = instance.partition("-")[0]  # enough to tell a few processes apart
        return program or f"{self.get('service.name')} {instance}".strip() or "process"


@dataclass(frozen=True)
class Event:
    """A point in a span's life, such as an exception."""

    name: str
    time_ns: int
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Span:
    """One span. Times are Unix nanoseconds; attribute values are already text."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    failed: bool
    message: str
    attributes: tuple[tuple[str, str], ...]
    events: tuple[Event, ...]
    links: tuple[str, ...]
    scope: str
    process: Process
    side: str

    @property
    def key(self) -> tuple[str, str]:
        """What names the span among all traces."""
        return self.trace_id, self.span_id

    @property
    def seconds(self) -> float:
        """How long it took; never negative."""
        return max(0, self.end_ns - self.start_ns) / 1e9


@dataclass
class Trace:
    """All spans of a file as a forest, in order of start."""

    spans: list[Span] = field(default_factory=list)
    roots: list[Span] = field(default_factory=list)
    children: dict[tuple[str, str], list[Span]] = field(default_factory=dict)
    by_key: dict[tuple[str, str], Span] = field(default_factory=dict)
    root_keys: set[tuple[str, str]] = field(default_factory=set)

    @property
    def start_ns(self) -> int:
        """When the first span started (0 without spans)."""
        return min((span.start_ns for span in self.spans), default=0)

    @property
    def end_ns(self) -> int:
        """When the last span ended."""
        return max((span.end_ns for span in self.spans), default=0)

    @property
    def trace_ids(self) -> list[str]:
        """The distinct trace ids, sorted."""
        return sorted({span.trace_id for span in self.spans})

    @property
    def processes(self) -> list[Process]:
        """The processes in order of their first span."""
        return list(dict.fromkeys(span.process for span in self.spans))

    def parent(self, span: Span) -> Span | None:
        """Give the span's parent, where it is in this file."""
        return self.by_key.get((span.trace_id, span.parent_id))

    def above(self, span: Span) -> Span | None:
        """Give the span it hangs below in this forest.

        Its parent, except for roots (where a ring was cut, they have one too).
        """
        return None if span.key in self.root_keys else self.parent(span)

    def below(self, span: Span) -> list[Span]:
        """Give the children of a span in order of start."""
        return self.children.get(span.key, [])


def read_trace(otlp: Mapping[str, Any]) -> Trace:
    """Read the trace in an OTLP/JSON document (`{"resourceSpans": [...]}`).

    Whatever is malformed is left out or emptied.
    """
    return _forest(_spans(otlp))


def each_trace(trace: Trace) -> list[Trace]:
    """Give each trace of a forest by itself, in order of start."""
    spans: dict[str, list[Span]] = {}
    for span in trace.spans:
        spans.setdefault(span.trace_id, []).append(span)
    return [_forest(of) for of in spans.values()]


def _forest(found: Iterable[Span]) -> Trace:
    spans = sorted(
        found, key=lambda span: (span.start_ns, -span.end_ns, span.trace_id, span.span_id)
    )
    trace = Trace()
    for span in spans:
        if span.key not in trace.by_key:
            trace.by_key[span.key] = span
            trace.spans.append(span)
    for span in trace.spans:
        if trace.parent(span) is not None:
            trace.children.setdefault((span.trace_id, span.parent_id), []).append(span)
        else:
            trace.roots.append(span)
    _cut_cycles(trace)
    trace.root_keys.update(span.key for span in trace.roots)
    return trace


def _cut_cycles(trace: Trace) -> None:
    """Make a root of the first span of every ring of parents.

    A walk from the roots then meets each span once.
    """
    seen: set[tuple[str, str]] = set()
    _mark(trace, trace.roots, seen)
    for span in trace.spans:
        if span.key not in seen:
            siblings = trace.children[(span.trace_id, span.parent_id)]
            siblings.remove(span)
            trace.roots.append(span)
            _mark(trace, [span], seen)


def _mark(trace: Trace, roots: Iterable[Span], seen: set[tuple[str, str]]) -> None:
    waiting = list(roots)
    while waiting:
        span = waiting.pop()
        seen.add(span.key)
        waiting.extend(trace.below(span))


def _spans(otlp: Mapping[str, Any]) -> Iterator[Span]:
    for resource_spans in _dicts(otlp.get("resourceSpans")):
        process = Process(
            tuple(sorted(_attributes(_dict(resource_spans.get("resource")).get("attributes"))))
        )
        for scope_spans in _dicts(resource_spans.get("scopeSpans")):
            scope = _text(_dict(scope_spans.get("scope")).get("name"))
            for span in _dicts(scope_spans.get("spans")):
                yield _span(span, scope, process)


def _span(span: Mapping[str, Any], scope: str, process: Process) -> Span:
    attributes = _attributes(span.get("attributes"))
    status = _dict(span.get("status"))
    start = _integer(span.get("startTimeUnixNano"))
    kind = _integer(span.get("kind"))
    return Span(
        trace_id=_text(span.get("traceId")).lower(),
        span_id=_text(span.get("spanId")).lower(),
        parent_id=_text(span.get("parentSpanId")).lower(),
        name=_text(span.get("name")) or "(no name)",
        kind=KINDS[kind] if 0 <= kind < len(KINDS) else "",
        start_ns=start,
        end_ns=max(start, _integer(span.get("endTimeUnixNano"))),
        failed=_integer(status.get("code")) == STATUS_ERROR,
        message=_text(status.get("message")),
        attributes=attributes,
        events=tuple(_event(event) for event in _dicts(span.get("events"))),
        links=tuple(_text(link.get("spanId")) for link in _dicts(span.get("links"))),
        scope=scope,
        process=process,
        side=_side(dict(attributes), process),
    )


def _event(event: Mapping[str, Any]) -> Event:
    return Event(
        _text(event.get("name")),
        _integer(event.get("timeUnixNano")),
        _attributes(event.get("attributes")),
    )


def _side(attributes: Mapping[str, str], process: Process) -> str:
    """Which side made the span.

    Its own mark counts, otherwise the language of the SDK that describes the process.
    """
    marked = attributes.get(SIDE) or process.get("telemetry.sdk.language")
    return marked if marked in ("go", "python") else "other"


def _attributes(pairs: object) -> tuple[tuple[str, str], ...]:
    return tuple((_text(pair.get("key")), _value(pair.get("value"))) for pair in _dicts(pairs))


def _value(value: object) -> str:
    """Write an OTLP AnyValue as text; lists and maps as JSON."""
    plain = _plain(value, depth=0)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _plain(value: object, depth: int) -> Any:
    if not isinstance(value, Mapping) or depth > 20:
        return ""
    for kind, held in value.items():
        if kind == "arrayValue":
            return [_plain(item, depth + 1) for item in _dicts(_dict(held).get("values"))]
        if kind == "kvlistValue":
            return {
                _text(p.get("key")): _plain(p.get("value"), depth + 1)
                for p in _dicts(_dict(held).get("values"))
            }
        return held if isinstance(held, (str, bool, int, float)) else _text(held)
    return ""


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _integer(value: object) -> int:
    """Read a number as OTLP/JSON writes it (64-bit numbers are strings).

    What does not fit 64 bits is no number.
    """
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
        value = int(value)
    return value if isinstance(value, int) and 0 <= value < 2**64 else 0
