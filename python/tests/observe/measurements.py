"""Random programs of metrics: a seed gives one, which Python's SDK performs as Go does.

A program is JSON (gocore/internal/faults/measure.go). Run as ``python -m observe.measurements WAY
SEED...`` it performs the programs of the seeds in two rounds, in Python alone or in Go, for several
readers at once: each with its own temporality and aggregation, and with views.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
import random
import sys
from typing import Any

from observe.performances import KEYS, TEXTS, Json, attributes

KINDS = (
    "counter",
    "up_down_counter",
    "gauge",
    "histogram",
    "histogram",
    "observable_counter",
    "observable_up_down_counter",
    "observable_gauge",
)
NAMES = ("plain", "Case.Sensitive", "with/slash-and.dot", "view.keys", "view.buckets", "view.drop")
ROUNDS = 2
SCOPE = "measured"


class _Writer:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._seed = seed

    def program(self) -> Json:
        """Write a program."""
        return {
            "Scopes": [self._scope(i) for i in range(2)],
            "Instruments": [self._instrument(i) for i in range(self._random.randint(3, 8))],
        }

    def _scope(self, i: int) -> Json:
        return {
            "Name": f"{SCOPE}.{self._seed}.{i}",
            "Version": self._random.choice(("", "1.2.3")),
            "Schema": self._random.choice(("", "https://opentelemetry.io/schemas/1.30.0")),
            "Attributes": self._attributes(),
        }

    def _instrument(self, i: int) -> Json:
        kind = self._random.choice(KINDS)
        is_float = self._random.random() < 0.5
        name = self._random.choice(NAMES)
        if "histogram" not in kind and name == "view.keys":
            name = "plain"  # of what a view sums, any one is the exemplar
        return {
            "Scope": self._random.randrange(2),
            "Kind": kind,
            "Float": is_float,
            "Name": f"{name}.{self._seed}.{i}",
            "Unit": self._random.choice(("", "s", "By", "{thing}")),
            "Description": self._random.choice(TEXTS),
            "Bounds": self._random.choice((None, [0.5, 1.0, 10.0]))
            if kind == "histogram"
            else None,
            "Records": self._records(kind, is_float),
        }

    def _records(self, kind: str, is_float: bool) -> list[Json]:
        grows = kind in ("counter", "histogram", "observable_counter")
        found: dict[str, Json] = {}
        for i in range(self._random.randint(1, 6)):
            whole = self._random.choice((0, 1, 3, 2**40, self._random.randint(0, 20_000)))
            value = whole * self._random.choice((0.5, 1.0, 2**-30)) if is_float else whole
            values = self._attributes()
            # A histogram has one exemplar of each bucket, others one of all.
            key = str(i) if kind == "histogram" else json.dumps(values)
            found[key] = {
                "Value": value if grows or self._random.random() < 0.7 else -value,
                "Attributes": values,
            }
        return list(found.values())

    def _attributes(self) -> list[Json]:
        def one() -> Json:
            kind = self._random.choice(("bool", "int", "float", "str", "strs"))
            values: dict[str, Any] = {
                "bool": True,
                "int": self._random.choice((1, -(2**63))),
                "float": 1.0,
                "str": self._random.choice(TEXTS),
                "strs": ["a", "zoë"],
            }
            return {"Type": kind, "Of": values[kind]}

        keys = sorted(self._random.sample(KEYS, self._random.randint(0, 2)))
        return [{"Key": key, "Value": one()} for key in keys]


def program(seed: int) -> Json:
    """Give the program of a seed."""
    return _Writer(seed).program()


_round = 0


def measure(made: Json, turn: int) -> None:
    """Make the instruments of a program with Python's SDK, and record with them."""
    from opentelemetry import metrics

    global _round
    _round = turn
    for each in made["Instruments"]:
        scope = made["Scopes"][each["Scope"]]
        meter = metrics.get_meter(
            scope["Name"],
            scope["Version"],
            schema_url=scope["Schema"] or None,
            attributes=attributes(scope["Attributes"]) or None,
        )
        if each["Kind"].startswith("observable"):
            if turn == 0:
                _observe(meter, each)
            continue
        more = {} if each["Bounds"] is None else {_BOUNDS: each["Bounds"]}
        create = getattr(meter, f"create_{each['Kind']}")
        instrument = create(each["Name"], each["Unit"], each["Description"], **more)
        for record in each["Records"]:
            write = (
                instrument.add
                if hasattr(instrument, "add")
                else getattr(instrument, "record", None)
            )
            (write or instrument.set)(record["Value"], attributes(record["Attributes"]))


_BOUNDS = "explicit_bucket_boundaries_advisory"


def _observe(meter: Any, made: Json) -> None:
    from opentelemetry.metrics import Observation

    def callback(_: Any) -> Any:
        for record in made["Records"]:
            yield Observation(record["Value"] * (1 + _round), attributes(record["Attributes"]))

    create = getattr(meter, f"create_{made['Kind']}")
    create(made["Name"], [callback], made["Unit"], made["Description"])


def _provider(seeds: list[int]) -> Any:
    """Give a provider with three readers, whose points say of which one they are."""
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk import metrics as sdk
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        MetricExportResult,
        PeriodicExportingMetricReader,
    )
    from opentelemetry.sdk.metrics.view import (
        DropAggregation,
        ExplicitBucketHistogramAggregation,
        ExponentialBucketHistogramAggregation,
        View,
    )
    from opentelemetry.sdk.resources import Resource

    class Telling(OTLPMetricExporter):
        def __init__(self, name: str, **preferred: Any) -> None:
            super().__init__(**preferred)
            self._name, self._turns = name, itertools.count()

        def export(self, data: Any, *args: Any, **named: Any) -> MetricExportResult:
            who = Resource({"reader": self._name, "turn": next(self._turns)})
            of = [
                dataclasses.replace(each, resource=each.resource.merge(who))
                for each in data.resource_metrics
            ]
            return super().export(dataclasses.replace(data, resource_metrics=of), *args, **named)

    synchronous = (sdk.Counter, sdk.UpDownCounter, sdk.Histogram, sdk.ObservableCounter)
    exporters = (
        Telling("cumulative"),
        Telling(
            "delta",
            preferred_temporality=dict.fromkeys(synchronous, AggregationTemporality.DELTA),
        ),
        Telling(
            "exponential",
            preferred_aggregation={
                sdk.Histogram: ExponentialBucketHistogramAggregation(max_size=20)
            },
        ),
    )
    never = float("inf")
    return sdk.MeterProvider(
        [
            PeriodicExportingMetricReader(each, never, cardinality_limits={sdk.Histogram: limit})
            for each, limit in zip(exporters, (2000, 3, 2000), strict=True)
        ],
        Resource.create({"service.name": "measurements", "service.instance.id": "1", "n": 42}),
        views=[
            View(instrument_name="view.keys.*", attribute_keys={"a", "user.id"}),
            View(
                instrument_name="view.buckets.*",
                instrument_type=sdk.Histogram,
                aggregation=ExplicitBucketHistogramAggregation([1, 100], record_min_max=True),
            ),
            View(  # which is for nothing: those observe no distribution
                instrument_name="view.buckets.*",
                instrument_type=sdk.ObservableCounter,
                aggregation=ExplicitBucketHistogramAggregation([1, 100]),
            ),
            View(instrument_name="view.drop.*", aggregation=DropAggregation()),
            *(
                View(instrument_name=f"case.sensitive.{i}.0", name=f"renamed.{i}", description="r")
                for i in seeds
            ),
            View(instrument_unit="{th?ng}", meter_name=f"{SCOPE}.1.0", name="by.unit"),
        ],
    )


def main(way: str, seeds: list[int]) -> None:
    """Perform programs in rounds, and export after each."""
    from opentelemetry import metrics, trace
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    import faults

    # It warns of views that are for nothing.
    logging.getLogger("opentelemetry.sdk.metrics").setLevel(logging.ERROR)
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    provider = _provider(seeds)
    metrics.set_meter_provider(provider)
    tracer = trace.get_tracer("measurements")
    for turn in range(ROUNDS):
        for seed in seeds:
            if (seed + turn) % 3 == 2:
                continue  # some are still in a round
            made = program(seed) | {"Round": turn}
            with tracer.start_as_current_span(f"seed {seed}"):
                if way == "go":
                    faults.measure(json.dumps(made))
                else:
                    measure(made, turn)
        assert provider.force_flush(40_000)
    provider.shutdown()
    spans.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], [int(each) for each in sys.argv[2:]])
