"""What Python's meter provider says, for Go.

Twin of ``gocore/observe/metric_config.go``. Needs the OpenTelemetry SDK.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    TraceBasedExemplarFilter,
    view,
)
from opentelemetry.sdk.metrics._internal import instrument as instruments
from opentelemetry.sdk.metrics.export import AggregationTemporality

from gostitch.observe import _generated
from gostitch.observe._guest import tell_once

_KINDS: dict[str, Any] = {
    "counter": instruments._Counter,
    "up_down_counter": instruments._UpDownCounter,
    "histogram": instruments._Histogram,
    "gauge": instruments._Gauge,
    "observable_counter": instruments._ObservableCounter,
    "observable_up_down_counter": instruments._ObservableUpDownCounter,
    "observable_gauge": instruments._ObservableGauge,
}

_FILTERS = {
    TraceBasedExemplarFilter: "trace_based",
    AlwaysOnExemplarFilter: "always_on",
    AlwaysOffExemplarFilter: "always_off",
}

_CARDINALITY = 2000
"""Sets of attributes that an instrument may have, where an SDK does not say."""

_MAX_SCALE = 20
"""The finest scale of the specification, which Go's SDK keeps to."""

_default_factory = getattr(view.View(instrument_name="*"), "_exemplar_reservoir_factory", None)


def described(readers: Mapping[Any, int], config: Any) -> _generated.ObserveMetricConfig:
    """Describe readers by their numbers, and what the SDK's configuration says for all."""
    lost = list(_inexpressible(readers, config))
    if lost:
        tell_once(f"metrics of Go are without what only Python can do: {'; '.join(lost)}")
    return _generated.ObserveMetricConfig(
        readers=[
            _generated.ObserveMetricReader(
                number, [_kind(reader, *each) for each in _KINDS.items()]
            )
            for reader, number in readers.items()
        ],
        views=[_view(each) for each in config.views],
        exemplars=_FILTERS.get(type(config.exemplar_filter), "trace_based"),
    )


def _kind(reader: Any, name: str, kind: Any) -> _generated.ObserveMetricKind:
    temporality = reader._instrument_class_temporality.get(kind)
    limits = getattr(reader, "_instrument_class_cardinality_limit", {})
    return _generated.ObserveMetricKind(
        name,
        temporality is AggregationTemporality.DELTA,
        _aggregation(reader._instrument_class_aggregation.get(kind)),
        limits.get(kind, _CARDINALITY),
    )


def _view(of: Any) -> _generated.ObserveMetricView:
    keys = of._attribute_keys
    return _generated.ObserveMetricView(
        kinds=[
            name
            for name, kind in _KINDS.items()
            if of._instrument_type is None or issubclass(kind, of._instrument_type)
        ],
        name=of._instrument_name if of._instrument_name is not None else "*",
        renamed=of._name or "",
        description=of._description or "",
        aggregation=_aggregation(of._aggregation),
        lost="; ".join(_lost(of)),
        unit=of._instrument_unit,
        meter=of._meter_name,
        meter_version=of._meter_version,
        meter_schema_url=of._meter_schema_url,
        keys=None if keys is None else sorted(keys),
    )


def _aggregation(of: Any) -> _generated.ObserveMetricAggregation:
    boundaries = getattr(of, "_boundaries", None)
    return _generated.ObserveMetricAggregation(
        kind=_aggregation_kind(of) or "default",
        boundaries=[float(each) for each in boundaries or ()],
        min_max=bool(getattr(of, "_record_min_max", True)),
        max_size=int(getattr(of, "_max_size", 0)),
        max_scale=min(int(getattr(of, "_max_scale", 0)), _MAX_SCALE),
    )


def _aggregation_kind(of: Any) -> str:
    """Give what Go calls an aggregation; nothing for one that it has not."""
    kind = {
        type(None): "default",
        view.DefaultAggregation: "default",
        view.DropAggregation: "drop",
        view.SumAggregation: "sum",
        view.LastValueAggregation: "last_value",
        view.ExplicitBucketHistogramAggregation: "explicit",
        view.ExponentialBucketHistogramAggregation: "exponential",
    }.get(type(of), "")
    return "advised" if kind == "explicit" and of._boundaries is None else kind


def _inexpressible(readers: Iterable[Any], config: Any) -> Iterator[str]:
    """Say what Go cannot do as Python does it, whatever instruments there are."""
    if type(config.exemplar_filter) not in _FILTERS:
        yield f"the exemplar filter {type(config.exemplar_filter).__name__}"
    for reader in readers:
        for aggregation in reader._instrument_class_aggregation.values():
            if not _aggregation_kind(aggregation):
                yield f"the aggregation {type(aggregation).__name__} of a reader"


def _lost(of: Any) -> Iterator[str]:
    """Say what Go cannot do of a view."""
    name = of._name or of._instrument_name or "without a name"
    if type(of) is not view.View:
        yield f"the class {type(of).__name__} of the view {name}"
    if not _aggregation_kind(of._aggregation):
        yield f"the aggregation {type(of._aggregation).__name__} of the view {name}"
    if getattr(of, "_exemplar_reservoir_factory", _default_factory) is not _default_factory:
        yield f"the reservoir of exemplars of the view {name}"
    if getattr(of, "_aggregation_cardinality_limit", None) is not None:
        yield f"the limit of attribute sets of the view {name}"
