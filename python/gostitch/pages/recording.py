"""The page of a recording: the traces of a file of OTLP/JSON, each as a waterfall.

It arranges blocks and words, and counts what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import overview, units, waterfall
from .document import document
from .markup import Markup, join, tag
from .trace import Trace, each_trace, read_trace

__all__ = ["MOST_TRACES", "recording_page"]

MOST_TRACES = 50
"""Traces that one page shows; a browser becomes slow with more."""


def recording_page(otlp: Mapping[str, Any], name: str) -> str:
    """Make the whole page as text, of an OTLP/JSON document and what it is called."""
    everything = read_trace(otlp)
    traces = each_trace(everything)
    main = join(
        *(_section(trace, alone=len(traces) == 1) for trace in traces[:MOST_TRACES]),
        _left_out(len(traces) - MOST_TRACES),
    )
    return document(
        f"{name} \u00b7 gostitch trace",
        description="Recorded spans of Python and Go, as waterfalls.",
        header=join(
            tag("h1", name, tag("span", " \u00b7 gostitch trace", class_="soft")),
            _counts(everything, len(traces)),
        ),
        main=main,
        footer=tag("p", "Times are those of the machine that recorded. Made by gostitch trace."),
        styles=[overview.STYLE, waterfall.STYLE],
        scripts=[waterfall.SCRIPT],
    )


def _counts(trace: Trace, traces: int) -> Markup:
    go = sum(span.side == "go" for span in trace.spans)
    failed = sum(span.failed for span in trace.spans)
    told = (
        f"{_number(len(trace.spans) - go, 'span')} of Python and {units.count(go)} of Go, from "
        f"{_number(len(trace.processes), 'process', 'processes')}, in {_number(traces, 'trace')}"
    )
    return tag("p", told, f"; {units.count(failed)} failed." if failed else ".", class_="lead")


def _number(count: int, one: str, many: str = "") -> str:
    return f"{units.count(count)} {one if count == 1 else many or one + 's'}"


def _section(trace: Trace, *, alone: bool) -> Markup:
    root = trace.roots[0]
    seconds = max(0, trace.end_ns - trace.start_ns) / 1e9
    lost = len(trace.roots) - 1
    return tag(
        "section",
        tag("h2", root.name),
        tag(
            "p",
            "Trace ",
            tag("code", trace.trace_ids[0]),
            f", {units.duration(seconds)}",
            class_="soft",
        ),
        tag("p", _lost(lost), class_="lead") if lost else None,
        overview.overview(trace) if alone else None,
        waterfall.waterfall(trace),
    )


def _lost(roots: int) -> str:
    spans = _number(roots, "span has", "spans have")
    return f"{spans} a parent that is not in this file: not recorded, or the trace is torn there."


def _left_out(traces: int) -> Markup | None:
    if traces <= 0:
        return None
    words = f"{units.count(traces)} more traces are not shown; choose one with --trace ID."
    return tag("section", tag("p", words, class_="lead"))
