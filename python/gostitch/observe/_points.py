"""Points of metrics that Go has collected, as Python's SDK has its own.

Twin of ``gocore/observe/points.go``. Needs the OpenTelemetry SDK.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics._internal.point import Buckets
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from gostitch import _shapes

_decode = _shapes.schema("list[any]", globals()).decode


def scopes(frame: bytes | memoryview) -> list[ScopeMetrics]:
    """Return the metrics of each scope (appendPoints)."""
    return [_scope(*each) for each in _decode(frame)]


def joined(found: MetricsData | None, of_go: list[ScopeMetrics], resource: Resource) -> Any:
    """Return what Python's SDK has found, or nothing, with the metrics of Go."""
    if not of_go:
        return found
    theirs = found.resource_metrics[:1] if found is not None else ()
    scopes = [each for one in theirs for each in one.scope_metrics]
    both = ResourceMetrics(resource, _merged([*scopes, *of_go]), resource.schema_url)
    return MetricsData([both, *(found.resource_metrics[1:] if found is not None else ())])


def _merged(all_of: list[ScopeMetrics]) -> list[ScopeMetrics]:
    """Give each scope once: one may make metrics in both languages."""
    merged: dict[InstrumentationScope, ScopeMetrics] = {}
    for each in all_of:
        known = merged.get(each.scope)
        if known is not None:
            each = ScopeMetrics(each.scope, [*known.metrics, *each.metrics], each.schema_url)
        merged[each.scope] = each
    return list(merged.values())


def _scope(of: Sequence[Any], metrics: Sequence[Sequence[Any]]) -> ScopeMetrics:
    name, version, schema_url, attributes = of
    # As Python's SDK has it: no version is none, no schema an empty one.
    scope = InstrumentationScope(name, version or None, schema_url or None, attributes or None)
    return ScopeMetrics(scope, [_metric(*each) for each in metrics], schema_url)


def _metric(
    name: str,
    description: str,
    unit: str,
    kind: str,
    is_delta: bool,
    grows: bool,
    points: Sequence[Sequence[Any]],
) -> Metric:
    temporality = AggregationTemporality.DELTA if is_delta else AggregationTemporality.CUMULATIVE
    return Metric(name, description, unit, _DATA[kind](temporality, grows, points))


def _sum(temporality: AggregationTemporality, grows: bool, points: Sequence[Any]) -> Sum:
    return Sum([_number(*each) for each in points], temporality, grows)


def _gauge(temporality: AggregationTemporality, grows: bool, points: Sequence[Any]) -> Gauge:
    return Gauge([_number(*each) for each in points])


def _histogram(
    temporality: AggregationTemporality, grows: bool, points: Sequence[Any]
) -> Histogram:
    return Histogram([_buckets(*each) for each in points], temporality)


def _exponential(
    temporality: AggregationTemporality, grows: bool, points: Sequence[Any]
) -> ExponentialHistogram:
    return ExponentialHistogram([_exponents(*each) for each in points], temporality)


_DATA: dict[str, Callable[..., Any]] = {
    "sum": _sum,
    "gauge": _gauge,
    "histogram": _histogram,
    "exponential": _exponential,
}


def _number(
    attributes: dict[str, Any], start: int, time: int, exemplars: Any, value: float
) -> NumberDataPoint:
    return NumberDataPoint(attributes, start, time, value, [_exemplar(*each) for each in exemplars])


def _buckets(
    attributes: dict[str, Any],
    start: int,
    time: int,
    exemplars: Any,
    count: int,
    total: float,
    least: float | None,
    greatest: float | None,
    bounds: Sequence[float],
    counts: Sequence[int],
) -> HistogramDataPoint:
    return HistogramDataPoint(
        attributes=attributes,
        start_time_unix_nano=start,
        time_unix_nano=time,
        count=count,
        sum=total,
        bucket_counts=tuple(counts),
        explicit_bounds=tuple(bounds),
        min=math.inf if least is None else least,  # as the SDK has it
        max=-math.inf if greatest is None else greatest,
        exemplars=[_exemplar(*each) for each in exemplars],
    )


def _exponents(
    attributes: dict[str, Any],
    start: int,
    time: int,
    exemplars: Any,
    count: int,
    total: float,
    least: float | None,
    greatest: float | None,
    scale: int,
    zeros: int,
    positive: Sequence[Any],
    negative: Sequence[Any],
) -> ExponentialHistogramDataPoint:
    return ExponentialHistogramDataPoint(
        attributes=attributes,
        start_time_unix_nano=start,
        time_unix_nano=time,
        count=count,
        sum=total,
        scale=scale,
        zero_count=zeros,
        positive=Buckets(*positive),
        negative=Buckets(*negative),
        flags=0,
        min=math.inf if least is None else least,
        max=-math.inf if greatest is None else greatest,
        exemplars=[_exemplar(*each) for each in exemplars],
    )


def _exemplar(
    attributes: dict[str, Any], time: int, trace_id: bytes, span_id: bytes, value: float
) -> Exemplar:
    return Exemplar(
        attributes,
        value,
        time,
        int.from_bytes(span_id, "big") or None,
        int.from_bytes(trace_id, "big") or None,
    )
