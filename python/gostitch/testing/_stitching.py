"""Whether the spans of Python and Go that some code makes are one trace.

Needs the SDK of OpenTelemetry, which is imported when something is recorded.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gostitch import _pending, _process
from gostitch._calls import stand_in
from gostitch.exceptions import LibraryError
from gostitch.observe import _proxies
from gostitch.testing import _past
from gostitch.testing._call import FakeCall
from gostitch.testing._stand_in import listeners

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_FLUSH_MS = 10_000
_OWN = ("observe.", "operate.")  # functions of gostitch itself


class StitchError(AssertionError):
    """Spans are not stitched: the message says which, why, and draws the tree."""


class Recording:
    """What was recorded: ``spans`` in order of their start, complete when the block has ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.calls: Counter[str] = Counter()  # of each function in Go, by its name
        self.is_faked = stand_in() is not None  # from the start; a fake library makes no spans
        self.faked: Counter[str] = Counter()  # calls of a fake library
        self.untraced: Counter[str] = Counter()  # of a fake library, where no span was current

    @property
    def go_spans(self) -> list[ReadableSpan]:
        """The spans that Go made."""
        return [span for span in self.spans if _is_go(span)]

    def tree(self) -> str:
        """Draw the spans below one another."""
        return _tree(self.spans)


@contextmanager
def record_spans() -> Iterator[Recording]:
    """Record the spans that end in the block, of Python and of Go, and the calls of Go.

    They are those of the tracer provider that is configured, which goes on to export as
    ever; where none is, one is set that only records.
    """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

    recording = Recording()

    class Keep(SpanProcessor):
        records_go = True  # although the configuration may say that Go exports by itself

        def on_end(self, span: ReadableSpan) -> None:
            recording.spans.append(span)

    provider: Any = _proxies.behind(trace.get_tracer_provider())
    if not hasattr(provider, "add_span_processor"):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    _flush(provider)  # what ended before is not of this recording
    keep = Keep()
    provider.add_span_processor(keep)
    before, faked = _calls(), list[FakeCall]()
    listeners.append(faked.append)  # of each fake library, whenever it comes and goes
    try:
        yield recording
    finally:
        listeners.remove(faked.append)
        recording.calls = Counter(_calls())
        recording.calls.subtract(before)
        recording.faked = Counter(call.function for call in faked)
        recording.untraced = Counter(call.function for call in faked if not call.traced)
        _flush(provider)
        several = provider._active_span_processor
        with several._lock:
            several._span_processors = tuple(
                each for each in several._span_processors if each is not keep
            )
        recording.spans.sort(key=lambda span: (span.start_time or 0, -(span.end_time or 0)))


@contextmanager
def stitched(
    *, root: str | None = None, calls: Iterable[Any] = (), tolerance_s: float = 0.001
) -> Iterator[Recording]:
    """Record the spans of a block, and have ``assert_stitched`` look at them at its end."""
    calls = _names(calls)
    with record_spans() as recording:
        yield recording
    assert_stitched(recording, root=root, calls=calls, tolerance_s=tolerance_s)


def assert_stitched(
    recording: Recording,
    *,
    root: str | None = None,
    calls: Iterable[Any] = (),
    tolerance_s: float = 0.001,
) -> None:
    """Raise ``StitchError`` unless what was recorded is one whole trace.

    That is: one trace with one root, each span once and below a span that was recorded, in
    time within that (but for ``tolerance_s`` seconds), all of one resource; and a span for
    each call of Go.

    Args:
        recording: Of ``record_spans``.
        root: The name that the root must have.
        calls: Functions of Go that must have been called, as ``"tasks.fetch"`` or ``tasks.fetch``.
        tolerance_s: By how much a span may begin before, or end after, the one above it.

    """
    wanted = _names(calls)
    if not isinstance(recording, Recording):
        raise TypeError(f"recording must be what record_spans gives, not {recording!r}")
    spans = recording.spans
    problems = [
        *_of_calls(recording, wanted),
        *_of_ids(spans),
        *_of_roots(spans, root),
        *_of_times(spans, tolerance_s),
        *_of_resources(spans),
    ]
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        raise StitchError(f"the trace is not whole:\n{listed}\n\n{recording.tree()}")


def _names(calls: Iterable[Any]) -> list[str]:
    """Give the names of functions; a single name would be taken for its letters."""
    if isinstance(calls, str) or not isinstance(calls, Iterable):
        raise TypeError(f'calls must be a list of functions, as ["tasks.fetch"], not {calls!r}')
    names = [each if isinstance(each, str) else getattr(each, "name", None) for each in calls]
    for each, name in zip(calls, names, strict=True):
        if not isinstance(name, str):
            raise TypeError(f"calls must be functions of Go or their names, not {each!r}")
    return [str(name) for name in names]


def _calls() -> dict[str, int]:
    """Give how many calls of each function Go has counted."""
    if stand_in() is None:
        try:
            _process.library()  # so that it counts from now on
        except LibraryError:
            return {}
    elif _process.loaded() is None:  # and a fake library is there to do without
        return {}
    from gostitch.observe import _generated

    return {
        each.function: each.calls
        for each in _past.call(_generated.count_calls)
        if not each.function.startswith(_OWN)
    }


def _flush(provider: Any) -> None:
    """Have the provider hand on all spans that have ended, those of Go too."""
    if stand_in() is not None and _process.loaded() is not None:  # the provider would find no Go
        from gostitch.observe import _generated

        until = time.monotonic() + _FLUSH_MS / 1e3
        _past.call(_generated.flush, timeout=_FLUSH_MS / 1e3)
        _pending.settle_host(until)
    provider.force_flush(_FLUSH_MS)


def _of_calls(recording: Recording, wanted: Sequence[str]) -> Iterator[str]:
    seen = Counter(span.name for span in recording.go_spans)
    for name, count in sorted(recording.untraced.items()):
        yield (
            f"{name}() was called {count} times where no span is current (on a thread that was "
            "started without its context?): a real call would have no span above it"
        )
    for name in wanted:
        if seen[name] or recording.calls[name]:
            continue
        if recording.is_faked or recording.faked[name]:
            yield (
                f"{name}() was not called in Go: calls= is of real calls, and a fake library "
                "stands in; ask fake.calls_of(...)"
            )
        else:
            yield f"{name}() was not called"
    for name, count in sorted(recording.calls.items()):
        if count > seen[name]:
            yield (
                f"{name}() was called {count} times, and {seen[name]} of the calls have a span; "
                "the others were made where no span is current (on a thread that was started "
                "without its context?), in a trace that is not sampled, or have not ended"
            )


def _of_ids(spans: Sequence[ReadableSpan]) -> Iterator[str]:
    if not spans:
        yield "no span was recorded"
    for key, count in Counter(map(_key, spans)).items():
        if count > 1:
            name = next(span.name for span in spans if _key(span) == key)
            yield f"{name} was recorded {count} times"


def _of_roots(spans: Sequence[ReadableSpan], wanted: str | None) -> Iterator[str]:
    known = set(map(_key, spans))
    traces = {_key(span)[0] for span in spans}
    roots = []
    for span in spans:
        above = _key_above(span)
        if above is None or (span.parent is not None and span.parent.is_remote):
            roots.append(span)
            if _is_go(span):
                yield f"{span.name}, a span of Go, has no span of Python above it"
        elif above not in known:
            yield f"{span.name} is below a span that was not recorded, or had not ended"
    if len(traces) > 1:
        names = ", ".join(span.name for span in roots)
        yield f"there are {len(traces)} traces, which begin with {names}"
    elif len(roots) > 1:
        yield f"the trace has {len(roots)} roots: {', '.join(span.name for span in roots)}"
    if wanted is not None and roots and roots[0].name != wanted:
        yield f"the root is {roots[0].name}, not {wanted}"


def _of_times(spans: Sequence[ReadableSpan], tolerance_s: float) -> Iterator[str]:
    known = {_key(span): span for span in spans}
    slack = tolerance_s * 1e9
    for span in spans:
        above = known.get(_key_above(span) or (0, 0))
        if above is None:
            continue
        early = (above.start_time or 0) - (span.start_time or 0)
        late = (span.end_time or 0) - (above.end_time or 0)
        if early > slack:
            yield f"{span.name} begins {early / 1e6:.1f} ms before {above.name}, which it is below"
        if late > slack:
            yield f"{span.name} ends {late / 1e6:.1f} ms after {above.name}, which it is below"


def _of_resources(spans: Sequence[ReadableSpan]) -> Iterator[str]:
    resources = {str(sorted(span.resource.attributes.items())) for span in spans}
    if len(resources) > 1:
        yield f"the spans are of {len(resources)} resources, in one process"


def _key(span: ReadableSpan) -> tuple[int, int]:
    return span.context.trace_id, span.context.span_id


def _key_above(span: ReadableSpan) -> tuple[int, int] | None:
    return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)


def _is_go(span: ReadableSpan) -> bool:
    return (span.attributes or {}).get("gostitch.side") == "go"


def _tree(spans: Sequence[ReadableSpan]) -> str:
    known = set(map(_key, spans))
    below: dict[tuple[int, int] | None, list[ReadableSpan]] = {}
    for span in spans:
        above = _key_above(span)
        below.setdefault(above if above in known else None, []).append(span)
    lines: list[str] = []
    waiting = [(span, 0) for span in reversed(below.get(None, []))]
    seen: set[int] = set()
    while waiting:
        span, depth = waiting.pop()
        if id(span) in seen:
            continue
        seen.add(id(span))
        took = ((span.end_time or 0) - (span.start_time or 0)) / 1e6
        side = "go" if _is_go(span) else "py"
        lines.append(f"{'  ' * depth}{span.name} [{side}] {took:.1f} ms")
        waiting += [(each, depth + 1) for each in reversed(below.get(_key(span), []))]
    return "\n".join(lines) or "(no spans)"
