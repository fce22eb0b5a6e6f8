"""What Go makes through gostitch is exported as what Python's SDK makes: seeded programs, both ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from observe import measurements
from observe.collector import Collector, collecting

TESTS = str(Path(__file__).parents[1])  # where the module of faults is
SEEDS = range(200)


def perform(folder: Path, module: str, way: str, **environment: str) -> Collector:
    """Perform all programs of a module, and give the collector that got what they export."""
    with collecting(folder) as collector:
        done = subprocess.run(
            [sys.executable, "-m", f"observe.{module}", way, *map(str, SEEDS)],
            env={
                **os.environ,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
                "PYTHONPATH": TESTS,
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert (0, "") == (done.returncode, done.stderr)
        return collector


def exported(folder: Path, way: str, **environment: str) -> tuple[Any, Any]:
    """Give the traces and logs of all programs, without ids and times."""
    collector = perform(folder, "performances", way, **environment)
    return list(_traces(collector)), sorted(_logs(collector), key=repr)


def measured(folder: Path, way: str, **environment: str) -> dict[Any, Any]:
    """Give the metrics of all programs by who has collected them and when, without ids and times."""
    collector = perform(folder, "measurements", way, **environment)
    return {
        (json.dumps(where), metric["name"]): (metric, points)
        for where, metric, points in _metrics(collector)
        if where[2].startswith(measurements.SCOPE)
    }


def _documents(collector: Collector, signal: str) -> Iterator[dict[str, Any]]:
    with (collector.folder / f"{signal}.jsonl").open() as lines:
        for line in lines:
            yield json.loads(line)


def _traces(collector: Collector) -> Iterator[Any]:
    """Give each trace as a tree of what its spans have, in the order of their seeds."""
    spans: dict[str, Any] = {}
    below: dict[str, list[str]] = {}
    roots: list[str] = []
    for document in _documents(collector, "traces"):
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
        _values(of_resource["resource"]),
        of_resource.get("schemaUrl", ""),
        scope.get("name"),
        scope.get("version", ""),
        _values(scope),
        of_scope.get("schemaUrl", ""),
    )


def _span(span: dict[str, Any], where: Any) -> dict[str, Any]:
    is_call = span.get("name") == "faults.perform"  # whose span has more in Go
    return {
        "name": span.get("name", ""),
        "kind": span["kind"],
        "where": None if is_call else where,
        "status": span.get("status", {}),
        "attributes": {} if is_call else _values(span),
        "events": [(each.get("name", ""), _values(each)) for each in span.get("events", ())],
        "links": [
            (each["traceId"], each["spanId"], each.get("traceState", ""), _values(each))
            for each in span.get("links", ())
        ],
        "dropped": [
            span.get(f"dropped{each}Count", 0) for each in ("Attributes", "Events", "Links")
        ],
    }


def _logs(collector: Collector) -> Iterator[Any]:
    for document in _documents(collector, "logs"):
        for of_resource in document["resourceLogs"]:
            for of_scope in of_resource["scopeLogs"]:
                for record in of_scope["logRecords"]:
                    yield (
                        _where(of_resource, of_scope),
                        record.get("severityNumber"),
                        record.get("severityText"),
                        _value(record.get("body", {})),
                        _values(record),
                        record.get("eventName", ""),
                        record.get("flags"),
                        bool(record.get("traceId")),
                    )


def _metrics(collector: Collector) -> Iterator[Any]:
    for document in _documents(collector, "metrics"):
        for of_resource in document["resourceMetrics"]:
            for of_scope in of_resource["scopeMetrics"]:
                for metric in of_scope["metrics"]:
                    where = _where(of_resource, of_scope)
                    assert where[0]["reader"]
                    assert where[0]["turn"]
                    (kind,) = metric.keys() & {"sum", "gauge", "histogram", "exponentialHistogram"}
                    data = metric[kind]
                    points = sorted(map(_point, data.pop("dataPoints")), key=repr)
                    yield where, metric, points


def _point(point: dict[str, Any]) -> dict[str, Any]:
    """Give a point with everything but times; exemplars without their ids."""
    exemplars = point.pop("exemplars", ())
    assert int(point.pop("timeUnixNano"))
    assert int(point.pop("startTimeUnixNano", 1))
    attributes = _values({"attributes": point.pop("attributes", ())})
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
    dropped = _values({"attributes": exemplar.pop("filteredAttributes", ())})
    return {"ids": ids, "attributes": dropped, **exemplar}


def _values(of: dict[str, Any]) -> dict[str, Any]:
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
        return _values({"attributes": value["kvlistValue"].get("values", ())})
    return sorted(value.items())


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What Python's SDK exports by itself."""
    return exported(tmp_path_factory.mktemp("python") / "collector", "python")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("export", ["direct", "python"])
def test_programs(export: str, python: tuple[Any, Any], tmp_path: Path) -> None:
    """Names, kinds, status, attributes, events, links, scopes, schemas and resource are equal."""
    traces, logs = exported(tmp_path / "collector", "go", GOSTITCH_EXPORT=export)

    assert len(SEEDS) == len(traces) == len(python[0])
    for seed, (ours, theirs) in enumerate(zip(traces, python[0], strict=True)):
        assert theirs == ours, f"seed {seed}"
    assert len(python[1]) > len(SEEDS)
    assert python[1] == logs


@pytest.fixture(scope="module")
def python_metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """What Python's SDK measures by itself."""
    return measured(tmp_path_factory.mktemp("python") / "collector", "python")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("export", ["direct", "python"])
def test_measurements(export: str, python_metrics: dict[Any, Any], tmp_path: Path) -> None:
    """Metrics of all kinds are equal, for each reader and at each collection, views included.

    Names, units, descriptions, attributes, scopes, resource, values, temporality, whether they only
    grow, bounds of buckets, scales and exemplars.
    """
    ours = measured(tmp_path / "collector", "go", GOSTITCH_EXPORT=export)

    assert len(python_metrics) > 10 * len(SEEDS)
    assert python_metrics.keys() == ours.keys()
    for of, theirs in python_metrics.items():
        assert theirs == ours[of], of
