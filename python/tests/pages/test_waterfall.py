"""The waterfall shows every span once, tells the sides apart, and stays usable when it is large."""

from __future__ import annotations

import time
from typing import Any

from gostitch.pages import read_trace, waterfall
from gostitch.pages.overview import overview

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def test_each_process_has_a_lane_and_each_span_a_row(parse: Any, stitched: dict[str, Any]) -> None:
    """Rows carry their side as a class, a written tag and a place on the axis."""
    page = parse(waterfall(read_trace(stitched)))
    assert len(page.all("details", "lane")) == 3
    rows = page.all("details", "sp")
    assert len(rows) == 8
    assert sum("go" in str(row["class"]).split() for row in rows) == 2
    assert all("--x:" in str(row["style"]) and "--w:" in str(row["style"]) for row in rows)
    assert page.text.count("Go tasks.pack") == 1
    assert "failed" in page.text


def test_details_tell_attributes_and_the_caller(parse: Any, stitched: dict[str, Any]) -> None:
    """A row opens to what the span carries, and to who called it from which process."""
    text = parse(waterfall(read_trace(stitched))).text
    assert "gostitch.x 1" in text
    assert "called by Py demo in run.py" in text
    assert "error has .. in it" in text


def test_hostile_text_stays_text(parse: Any, maker: Any) -> None:
    """Names, attributes, messages, events and processes cannot become elements."""
    root = maker.span(HOSTILE, process=HOSTILE, error=HOSTILE, a=HOSTILE)
    document = maker.document()
    span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["events"] = [
        {"name": HOSTILE, "attributes": [{"key": HOSTILE, "value": {"stringValue": HOSTILE}}]}
    ]
    span["links"] = [{"spanId": HOSTILE}]
    span["attributes"].append({"key": HOSTILE, "value": {"stringValue": HOSTILE}})
    page = parse(waterfall(read_trace(document)) + (overview(read_trace(document)) or ""))
    assert root
    assert not page.all("script")
    assert not page.all("img")
    assert page.text.count("alert(1)") >= 12


def test_like_siblings_become_one_line(parse: Any, maker: Any) -> None:
    """Ten and more childless spans of one name fold into a group that opens to all of them."""
    root = maker.span("root", end=20)
    for n in range(12):
        maker.span("get", root, n, n + 0.5, side="go")
    maker.span("other", root, 13, 14)
    page = parse(waterfall(read_trace(maker.document())))
    assert len(page.all("details", "grp")) == 1
    assert len(page.all("details", "sp")) == 14
    assert "\u00d7 12" in page.text
    assert "open" not in page.all("details", "grp")[0]


def test_an_empty_trace_says_so(parse: Any) -> None:
    """No spans give a sentence, not an error."""
    assert parse(waterfall(read_trace({}))).text == "The trace holds no spans."
    assert overview(read_trace({})) is None


def test_five_thousand_spans_are_quick_and_folded(parse: Any, maker: Any) -> None:
    """A large trace is made in a moment, and branches that hang deep are closed."""
    root = maker.span("root", end=100)
    for step in range(20):
        parent = maker.span(f"step {step}", root, step, step + 1)
        call = maker.span("call", parent, step, step + 1, side="go")
        inner = maker.span("inner", call, step, step + 1, side="go")
        for n in range(250):
            maker.span(f"node {n}", inner, step, step + 0.9, side="go")
    trace = read_trace(maker.document())
    started = time.perf_counter()
    made = waterfall(trace)
    assert time.perf_counter() - started < 10
    assert len(made) < 6_000_000
    page = parse(made)
    assert len(page.all("details", "sp")) == 5061
    assert len(page.all("details", "fold")) == 20
    assert page.all("div", "large")


def test_a_very_deep_trace_does_not_nest_without_end(parse: Any, maker: Any) -> None:
    """A chain of thousands of spans neither exhausts the stack nor the browser's nesting."""
    parent = ""
    for n in range(3000):
        parent = maker.span(f"deep {n}", parent, n / 1000, 10)
    page = parse(waterfall(read_trace(maker.document())))
    assert len(page.all("details", "sp")) == 3000


def test_rows_beyond_the_limit_are_counted(parse: Any, maker: Any) -> None:
    """What is left out is said, never silently dropped."""
    root = maker.span("root", end=100)
    for n in range(50):
        maker.span(f"s{n}", root, n, n + 1)
    page = parse(waterfall(read_trace(maker.document()), row_limit=20))
    assert len(page.all("details", "sp")) == 20
    assert "31 more spans are in the trace file." in page.text
