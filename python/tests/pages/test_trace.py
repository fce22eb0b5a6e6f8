"""A trace file is read whatever is in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gostitch.pages.trace import Process, read_trace


def test_the_tree_follows_the_parents(stitched: dict[str, Any]) -> None:
    """Spans hang below their parents across processes, and each side is known."""
    trace = read_trace(stitched)
    assert [span.name for span in trace.roots] == ["demo"]
    assert [span.name for span in trace.below(trace.roots[0])] == ["build", "build"]
    assert [process.title for process in trace.processes] == ["run.py", "before.py", "after.py"]
    assert {span.name for span in trace.spans if span.side == "go"} == {
        "tasks.pack",
        "tasks.unpack",
    }
    failed = [span.message for span in trace.spans if span.failed]
    assert failed == ["refused", "has .. in it"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"process.command": "run.py", "service.name": "shop"}, "run.py"),
        (
            {"service.name": "shop", "service.instance.id": "71f9b660-b900-4ec5-b7db-71d09ce523c0"},
            "shop 71f9b660",
        ),
        ({"service.name": "shop", "service.instance.id": "web-3"}, "shop web-3"),
        ({"service.name": "shop"}, "shop"),
        ({}, "process"),
    ],
)
def test_the_name_of_a_process(attributes: dict[str, str], expected: str) -> None:
    """What its resource says of it, in words that tell it from others."""
    assert expected == Process(tuple(attributes.items())).title


def test_equal_resources_are_one_process(maker: Any) -> None:
    """Two batches of one process are one lane, whatever the order of its attributes."""
    root = maker.span("a")
    maker.span("b", root)
    document = maker.document()
    again = maker.document()["resourceSpans"][0]
    again["resource"]["attributes"].reverse()
    again["scopeSpans"][0]["spans"] = [again["scopeSpans"][0]["spans"].pop()]
    document["resourceSpans"].append(again)
    trace = read_trace(document)
    assert len(trace.processes) == 1
    assert len(trace.spans) == 2  # the span that came twice is there once


def test_a_missing_parent_makes_a_root(maker: Any) -> None:
    """A span is never lost because its parent is."""
    maker.span("orphan", "00000000000000ff")
    assert [span.name for span in read_trace(maker.document()).roots] == ["orphan"]


def test_a_ring_of_parents_is_cut(maker: Any) -> None:
    """Spans that are each other's ancestors are shown once each, below the first of them."""
    document = maker.document()
    first = maker.span("first", "0000000000000003")
    second = maker.span("second", first)
    maker.span("third", second)
    document = maker.document()
    trace = read_trace(document)
    assert [span.name for span in trace.roots] == ["first"]
    assert trace.above(trace.roots[0]) is None
    assert [span.name for span in trace.below(trace.below(trace.roots[0])[0])] == ["third"]


def test_a_span_that_is_its_own_parent_is_a_root(maker: Any) -> None:
    """The smallest ring of all."""
    maker.span("self", "0000000000000001")
    trace = read_trace(maker.document())
    assert [span.name for span in trace.roots] == ["self"]
    assert trace.below(trace.roots[0]) == []


def test_values_of_all_kinds_become_text() -> None:
    """Numbers, booleans, lists and maps are shown as JSON, and strings as they are."""
    values = [
        {"stringValue": "s"},
        {"intValue": "7"},
        {"boolValue": True},
        {"doubleValue": 0.5},
        {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}},
        {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}},
        {},
        None,
    ]
    attributes = [{"key": str(n), "value": value} for n, value in enumerate(values)]
    span = {"spanId": "01", "attributes": attributes}
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    shown = [value for _, value in read_trace(document).spans[0].attributes]
    assert shown == ["s", "7", "true", "0.5", '["a", "1"]', '{"k": "v"}', "", ""]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
fields = [
    "traceId",
    "spanId",
    "parentSpanId",
    "name",
    "kind",
    "startTimeUnixNano",
    "endTimeUnixNano",
]
fields += ["attributes", "events", "links", "status"]


@given(st.lists(st.dictionaries(st.sampled_from(fields), junk), max_size=5), junk)
def test_junk_is_survived(spans: list[dict[str, Any]], resource: Any) -> None:
    """No content of any field raises; every span that is one is there."""
    document = {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}, resource]
    }
    trace = read_trace(document)
    assert len(trace.spans) <= len(spans)
    assert all(span.end_ns >= span.start_ns >= 0 for span in trace.spans)


@pytest.mark.parametrize("document", [{}, {"resourceSpans": None}, {"resourceSpans": []}])
def test_nothing_is_an_empty_trace(document: dict[str, Any]) -> None:
    """No spans, no error."""
    trace = read_trace(document)
    assert (trace.spans, trace.roots, trace.start_ns, trace.end_ns) == ([], [], 0, 0)
