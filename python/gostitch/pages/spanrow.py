"""One line of a waterfall: who made the span, its name, its bar and its duration.

Opened, it shows everything the span carries.

A row is a `details` element, so it opens by key and pointer without any script. Places on the time
axis are custom properties (`--x`, `--w`, shares of the lane's time) that the waterfall's style
sheet turns into positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import units
from .facts import facts
from .markup import Child, Markup, join, tag, text
from .trace import Event, Span, Trace

__all__ = ["Clock", "group_row", "plain_note", "side_mark", "span_row"]

VALUE_LIMIT = 4000
MARKS = {"go": "Go", "python": "Py"}
NAMES = {"go": "Go", "python": "Python"}
EVENTS_LIMIT = 50
GROUP_BINS = 120


class Clock:
    """The time axis of one lane: turns nanoseconds into shares of it. Immutable."""

    def __init__(self, start_ns: int, end_ns: int) -> None:
        self.start_ns = start_ns
        self.end_ns = end_ns
        self._length = max(1, end_ns - start_ns)

    @property
    def seconds(self) -> float:
        """The length of the axis."""
        return self._length / 1e9

    def share(self, time_ns: int) -> float:
        """Where a moment lies, 0 at the start and 1 at the end."""
        return min(1.0, max(0.0, (time_ns - self.start_ns) / self._length))

    def offset(self, time_ns: int) -> float:
        """Seconds from the start."""
        return max(0, time_ns - self.start_ns) / 1e9

    def place(self, start_ns: int, end_ns: int) -> str:
        """Write the custom properties of a bar."""
        left = self.share(start_ns)
        return f"--x:{_short(left)};--w:{_short(self.share(end_ns) - left)}"

    def busy(self, spans: Sequence[Span], bins: int) -> list[tuple[int, int]]:
        """Unite the spans' times.

        Gaps smaller than one of `bins` parts of the axis are closed.
        """
        smallest = self._length // bins
        merged: list[tuple[int, int]] = []
        for span in sorted(spans, key=lambda one: one.start_ns):
            if merged and span.start_ns - merged[-1][1] <= smallest:
                merged[-1] = (merged[-1][0], max(merged[-1][1], span.end_ns))
            else:
                merged.append((span.start_ns, span.end_ns))
        return merged


def _short(share: float) -> str:
    return f"{share:.5f}".rstrip("0").rstrip(".") or "0"


def side_mark(side: str) -> Markup:
    """Make the small tag that says which language a span was made in.

    Words and a border, not colour alone.
    """
    return tag(
        "i",
        MARKS.get(side, "?"),
        class_=f"side {side}",
        title=f"made in {NAMES.get(side, 'another language')}",
    )


def span_row(trace: Trace, span: Span, clock: Clock, depth: int) -> Markup:
    """Show a span as a line that opens to its details."""
    failed = tag("em", "failed", class_="fail") if span.failed else None
    summary = tag(
        "summary",
        tag("span", side_mark(span.side), tag("b", span.name), failed, class_="nm"),
        " ",
        tag("span", tag("i", class_=f"fill {span.side}"), class_="tk"),
        " ",
        tag("span", units.duration(span.seconds), class_="du"),
    )
    style = f"{clock.place(span.start_ns, span.end_ns)};--d:{depth}"
    return tag("details", summary, _details(trace, span, clock), class_=_classes(span), style=style)


def _classes(span: Span) -> str:
    return f"sp {span.side} bad" if span.failed else f"sp {span.side}"


def _details(trace: Trace, span: Span, clock: Clock) -> Markup:
    parent = trace.parent(span)
    rows: list[tuple[str, Child]] = [
        (
            "starts at",
            f"{units.duration(clock.offset(span.start_ns))}, {span.kind or 'internal'} span",
        )
    ]
    if parent is not None:
        where = "" if parent.process == span.process else f" in {parent.process.title}"
        rows.append(("called by", [side_mark(parent.side), " ", parent.name, where]))
    if span.message:
        rows.append(("error", _clip(span.message)))
    rows += [(name, _clip(value)) for name, value in span.attributes]
    rows += [("linked span", link) for link in span.links]
    rows += [("scope", span.scope)] if span.scope else []
    rows.append(("span id", span.span_id))
    return tag("div", facts(rows, small=True), _events(span.events, clock), class_="more")


def _events(events: Sequence[Event], clock: Clock) -> Child:
    shown = [
        tag(
            "div",
            tag(
                "h3", event.name, tag("small", f" at {units.duration(clock.offset(event.time_ns))}")
            ),
            _event(event),
            class_="event",
        )
        for event in events[:EVENTS_LIMIT]
    ]
    rest = len(events) - len(shown)
    return [shown, tag("p", f"{rest} more events are in the trace file.") if rest > 0 else None]


def _event(event: Event) -> Child:
    return (
        facts([(name, _clip(value)) for name, value in event.attributes], small=True)
        if event.attributes
        else None
    )


def _clip(value: str) -> str:
    if len(value) <= VALUE_LIMIT:
        return value
    rest = units.count(len(value) - VALUE_LIMIT)
    return f"{value[:VALUE_LIMIT]} … ({rest} more characters in the trace file)"


def group_row(
    name: str, side: str, spans: Sequence[Span], clock: Clock, depth: int, rows: Iterable[Markup]
) -> Markup:
    """Many like spans as one line that opens to the single ones.

    Its bar is dark where at least one of them ran.
    """
    start, end = min(s.start_ns for s in spans), max(s.end_ns for s in spans)
    failed = sum(span.failed for span in spans)
    pieces = [
        tag("i", class_=f"fill {side}", style=clock.place(a, b))
        for a, b in clock.busy(spans, GROUP_BINS)
    ]
    durations = sorted(span.seconds for span in spans)
    each = f"{units.duration(durations[0])} \u2013 {units.duration(durations[-1])} each"
    summary = tag(
        "summary",
        tag(
            "span",
            side_mark(side),
            tag("b", name),
            tag("small", f"\u00d7 {units.count(len(spans))}"),
            tag("em", f"{failed} failed", class_="fail") if failed else None,
            class_="nm",
        ),
        tag("span", pieces, class_="tk many"),
        tag("span", units.duration((end - start) / 1e9), class_="du"),
    )
    note = tag(
        "p",
        f"{units.count(len(spans))} spans, {each}, {units.duration(sum(durations))} added up.",
        class_="note",
    )
    style = f"{clock.place(start, end)};--d:{depth}"
    return tag("details", summary, note, join(*rows), class_=f"grp {side}", style=style)


def plain_note(words: str) -> Markup:
    """Write a line of prose between rows."""
    return tag("p", text(words), class_="note")
