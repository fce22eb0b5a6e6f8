"""What a collector has got, without ids and times, to be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from observe.collector import Collector


def documents(collector: Collector, signal: str) -> Iterator[dict[str, Any]]:
    """Give each request of a signal as OTLP/JSON."""
    with (collector.folder / f"{signal}.jsonl").open() as lines:
        for line in lines:
            yield json.loads(line)


def traces(collector: Collector) -> Iterator[Any]:
    """Give each trace as a tree of what its spans have, in the order of their seeds."""
    spans: dict[str, Any] = {}
    below: dict[str, list[str]] = {}
    roots: list[str] = []
    for document in documents(collector, "traces"):
        for of_resource in document["resourceSpans"]:
            for of_scope in of_resource["scopeSpans"]:
                for span in of_scope["spans"]:
                    spans[span["spanId"]] = (span, _where(of_resource, of_scope))
                    below.setdefault(span.get("parentSpanId", ""), []).append(span["spanId"])
    roots = below.pop("")

    def tree(span_id: str) -> Any:
        span, where = spans[span_id]
        children = sorted(below.get(span_id, ()), key=lambda each: _order(spans[each][0]))
        return _span(span, where), [tree(each) for each in children]

    found = [tree(each) for each in roots]
    assert len(spans) == sum(map(_size, found)), "a span is below none"
    yield from sorted(found, key=lambda each: int(each[0]["name"].split()[1]))


def _order(span: dict[str, Any]) -> tuple[int, int]:
    return int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])


def _size(tree: Any) -> int:
    return 1 + sum(map(_size, tree[1]))


def _where(of_resource: dict[str, Any], of_scope: dict[str, Any]) -> Any:
    scope = of_scope.get("scope", {})
    return (
        values(of_resource["resource"]),
        of_resource.get("schemaUrl", ""),
        scope.get("name"),
        scope.get("version", ""),
        values(scope),
        of_scope.get("schemaUrl", ""),
    )


def _span(span: dict[str, Any], where: Any) -> dict[str, Any]:
    is_call = span.get("name", "").startswith("faults.")  # whose span has more in Go
    return {
        "name": span.get("name", ""),
        "kind": span["kind"],
        "where": None if is_call else where,
        "status": span.get("status", {}),
        "attributes": {} if is_call else values(span),
        "events": [(each.get("name", ""), values(each)) for each in span.get("events", ())],
        "links": [
            (each["traceId"], each["spanId"], each.get("traceState", ""), values(each))
            for each in span.get("links", ())
        ],
        "dropped": [
            span.get(f"dropped{each}Count", 0) for each in ("Attributes", "Events", "Links")
        ],
    }


def logs(collector: Collector) -> Iterator[Any]:
    """Give each log record, with where it came from."""
    for document in documents(collector, "logs"):
        for of_resource in document["resourceLogs"]:
            for of_scope in of_resource["scopeLogs"]:
                for record in of_scope["logRecords"]:
                    yield (
                        _where(of_resource, of_scope),
                        record.get("severityNumber"),
                        record.get("severityText"),
                        _value(record.get("body", {})),
                        values(record),
                        record.get("eventName", ""),
                        record.get("flags"),
                        bool(record.get("traceId")),
                    )


def metrics(collector: Collector) -> Iterator[Any]:
    """Give each metric with where it came from, and its points."""
    for document in documents(collector, "metrics"):
        for of_resource in document["resourceMetrics"]:
            for of_scope in of_resource["scopeMetrics"]:
                for metric in of_scope["metrics"]:
                    where = _where(of_resource, of_scope)
                    (kind,) = metric.keys() & {"sum", "gauge", "histogram", "exponentialHistogram"}
                    data = metric[kind]
                    points = sorted(map(_point, data.pop("dataPoints")), key=repr)
                    yield where, metric, points


def _point(point: dict[str, Any]) -> dict[str, Any]:
    """Give a point with everything but times; exemplars without their ids."""
    exemplars = point.pop("exemplars", ())
    assert int(point.pop("timeUnixNano"))
    assert int(point.pop("startTimeUnixNano", 1))
    attributes = values({"attributes": point.pop("attributes", ())})
    found = sorted(map(_exemplar, exemplars), key=repr)
    if "positive" in point:
        point |= _exponential(point)
        # Python's SDK takes no zero for an exemplar there, which the specification does not say.
        found = [each for each in found if float(each.get("asDouble", each.get("asInt")))]
    if "otel.metric.overflow" in attributes:
        # Go's SDK does not know any more which attributes were above the limit.
        found = sorted((each | {"attributes": {}} for each in found), key=repr)
    return {"attributes": attributes, "exemplars": found, **point}


def _exponential(point: dict[str, Any]) -> dict[str, Any]:
    """Give buckets without empty ones at the end, and no scale where there is none to scale."""
    buckets = {}
    for side in ("positive", "negative"):
        counts = list(map(int, point[side].get("bucketCounts", ())))
        while counts and not counts[-1]:
            counts.pop()
        buckets[side] = [point[side].get("offset", 0), counts]
    scale = point.get("scale", 0) if any(counts for _, counts in buckets.values()) else None
    return {"scale": scale, **buckets}


def _exemplar(exemplar: dict[str, Any]) -> dict[str, Any]:
    assert int(exemplar.pop("timeUnixNano"))
    ids = [bool(exemplar.pop(each, "")) for each in ("traceId", "spanId")]
    dropped = values({"attributes": exemplar.pop("filteredAttributes", ())})
    return {"ids": ids, "attributes": dropped, **exemplar}


def values(of: dict[str, Any]) -> dict[str, Any]:
    """Give attributes in any order, without the ones that only gostitch sets."""
    return {
        each["key"]: _value(each["value"])
        for each in sorted(of.get("attributes", ()), key=lambda each: str(each["key"]))
        if not each["key"].startswith("gostitch.")
    }


def _value(value: dict[str, Any]) -> Any:
    """Give a value with its type."""
    if "arrayValue" in value:
        return [_value(each) for each in value["arrayValue"].get("values", ())]
    if "kvlistValue" in value:
        return values({"attributes": value["kvlistValue"].get("values", ())})
    return sorted(value.items())
