"""Variables of OpenTelemetry count for Go as they do for Python's SDK."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry import environment_variables
from opentelemetry.sdk import environment_variables as sdk_variables

from observe import arrived
from observe.collector import collecting
from observe.configured import ROWS, seeds_of
from observe.tables import PAGE, rendered
from observe.variables import BATCHES, LIKE_PYTHON, NOTHING, TOLD, VARIABLES, Variable

TESTS = str(Path(__file__).parents[1])

CONFIGURED = {"delay_s": "SCHEDULE_DELAY", "queue_size": "QUEUE_SIZE", "timeout_s": "TIMEOUT"}
"""What Go is told, by parts of names of variables."""

COMPONENTS = """
[_opentelemetry_tracer_configurator]
nobody = opentelemetry.sdk.trace:_disable_tracer_configurator
[_opentelemetry_logger_configurator]
nobody = opentelemetry.sdk._logs._internal:_disable_logger_configurator
[_opentelemetry_meter_configurator]
nobody = opentelemetry.sdk.metrics._internal:_disable_meter_configurator
[opentelemetry_context]
own = own_context:Context
[opentelemetry_tracer_provider]
own = components:Spans
[opentelemetry_meter_provider]
own = components:Metrics
"""


class Exported(NamedTuple):
    """What arrived of programs, by their seeds, and what was printed."""

    traces: dict[int, Any]
    logs: dict[int, list[Any]]
    metrics: dict[int, list[Any]]
    batches: dict[str, dict[int, int]]
    """The most spans, or log records, of a seed that came at once, by signal."""
    printed: list[Any]

    def of(self, row: int) -> Any:
        """Give what arrived of a row, but for what the SDKs do not agree about."""
        seeds = seeds_of(row)
        traces = [self.traces.get(each) for each in seeds]
        if "COUNT_LIMIT" in ROWS[row].name:
            traces = [_counted(each) for each in traces if each]
        if "LENGTH_LIMIT" in ROWS[row].name:
            traces = [_without_bytes(each) for each in traces if each]
        # What was made under one variable goes on under the next, in Go: its instruments are global.
        where = [("stringValue", str(row))]
        metrics = [
            each
            for seed in seeds
            for each in self.metrics.get(seed, ())
            if each[0][0].get("service.instance.id") == where
        ]
        return traces, [self.logs.get(each) for each in seeds], metrics


def _counted(tree: Any) -> Any:
    """Count attributes: Python's SDK keeps the last ones, the others keep the first."""
    span, below = tree
    attributes, events, links = span["dropped"]
    counted = {
        "attributes": len(span["attributes"]),
        "events": [(name, len(values)) for name, values in span["events"]],
        "links": [(*of, len(values)) for *of, values in span["links"]],
        # Of a call's span there are ours, too.
        "dropped": [bool(attributes) and span["where"] is not None, events, links],
    }
    return span | counted, [_counted(each) for each in below]


def _without_bytes(values: Any) -> Any:
    """Leave out bytes, whose length Python's SDK does not limit."""
    if isinstance(values, dict):
        return {key: _without_bytes(each) for key, each in values.items()}
    if isinstance(values, tuple) and values[:1] == ("bytesValue",):
        return "bytes"
    if isinstance(values, list | tuple):
        return [_without_bytes(each) for each in values]
    return values


CONTEXT = """
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

class Context(ContextVarsRuntimeContext):
    pass
"""
CLASSES = """
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

memory, reader = InMemorySpanExporter(), InMemoryMetricReader()

def Spans():
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return provider

def Metrics():
    return MeterProvider([reader])
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where modules are, with a distribution that has components."""
    components = tmp_path_factory.mktemp("components")
    info = components / "components-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: components\nVersion: 1\n")
    (info / "entry_points.txt").write_text(COMPONENTS)
    (components / "components.py").write_text(CLASSES)
    (components / "own_context.py").write_text(CONTEXT)
    return os.pathsep.join([TESTS, str(components)])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, path: str) -> Any:
    """Give what arrived of the programs of all rows, performed in some way."""

    @cache
    def perform(way: str, *more: str, export: str = "auto") -> Exported:
        folder = tmp_path_factory.mktemp("configured") / "collector"
        with collecting(folder) as collector:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "observe.configured"),
                    *(way, collector.endpoint, collector.http, *more),
                ],
                env={**os.environ, "PYTHONPATH": path, "GOSTITCH_EXPORT": export},
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            collector.stop()
            traces = {int(each[0]["name"].split()[1]): each for each in arrived.traces(collector)}
            logs: dict[int, list[Any]] = {}
            for each in sorted(arrived.logs(collector), key=repr):
                logs.setdefault(_seed(each[0][2]), []).append(each)
            metrics: dict[int, list[Any]] = {}
            for each in sorted(arrived.metrics(collector), key=repr):
                metrics.setdefault(_seed(each[0][2]), []).append(each)
            batches = {name: _batches(collector, name) for name in ("traces", "logs")}
        return Exported(
            traces, logs, metrics, batches, [json.loads(each) for each in done.stdout.splitlines()]
        )

    return perform


def _seed(scope: str) -> int:
    return int(scope.split(".")[1]) if scope.startswith(("scope.", "measured.")) else -1


def _batches(collector: Any, signal: str) -> dict[int, int]:
    """Give the most that came in one request, by the seeds of it."""
    most: dict[int, int] = {}
    outer, inner, items = {
        "traces": ("resourceSpans", "scopeSpans", "spans"),
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    }[signal]
    for document in arrived.documents(collector, signal):
        scopes = [each for of in document[outer] for each in of[inner]]
        count = sum(len(each[items]) for each in scopes)
        for each in scopes:
            seed = _seed(each.get("scope", {}).get("name", ""))
            most[seed] = max(most.get(seed, 0), count)
    return most


def _rows(test: str) -> Any:
    return pytest.mark.parametrize(
        ("row", "variable"),
        [(number, each) for number, each in enumerate(ROWS) if each.test == test],
        ids=[each.name for each in ROWS if each.test == test],
    )


SPECIFIED = """
OTEL_SDK_DISABLED OTEL_RESOURCE_ATTRIBUTES OTEL_SERVICE_NAME OTEL_LOG_LEVEL OTEL_PROPAGATORS
OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG OTEL_BSP_SCHEDULE_DELAY OTEL_BSP_EXPORT_TIMEOUT
OTEL_BSP_MAX_QUEUE_SIZE OTEL_BSP_MAX_EXPORT_BATCH_SIZE OTEL_BLRP_SCHEDULE_DELAY
OTEL_BLRP_EXPORT_TIMEOUT OTEL_BLRP_MAX_QUEUE_SIZE OTEL_BLRP_MAX_EXPORT_BATCH_SIZE
OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT
OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_EVENT_COUNT_LIMIT OTEL_SPAN_LINK_COUNT_LIMIT
OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT OTEL_LINK_ATTRIBUTE_COUNT_LIMIT
OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT
OTEL_EXPORTER_ZIPKIN_ENDPOINT OTEL_EXPORTER_ZIPKIN_TIMEOUT OTEL_EXPORTER_PROMETHEUS_HOST
OTEL_EXPORTER_PROMETHEUS_PORT OTEL_TRACES_EXPORTER OTEL_METRICS_EXPORTER OTEL_LOGS_EXPORTER
OTEL_METRICS_EXEMPLAR_FILTER OTEL_METRIC_EXPORT_INTERVAL OTEL_METRIC_EXPORT_TIMEOUT
OTEL_CONFIG_FILE OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE
OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION
"""
"""Of the specification (configuration/sdk-environment-variables.md, metrics/sdk_exporters/otlp.md),
but for those of OTLP (protocol/exporter.md)."""

OTLP = """
ENDPOINT INSECURE CERTIFICATE CLIENT_KEY CLIENT_CERTIFICATE HEADERS COMPRESSION TIMEOUT PROTOCOL
"""


def test_each_variable_is_in_the_table() -> None:
    """Of the specification, and what the SDK's and the API's own lists have; each test is there."""
    of_otlp = {
        f"OTEL_EXPORTER_OTLP_{signal}{kind}"
        for signal in ("", "TRACES_", "LOGS_", "METRICS_")
        for kind in OTLP.split()
    }
    of_python = {
        name
        for of in (environment_variables, sdk_variables)
        for name in vars(of)
        if name[:5] == "OTEL_"
    }
    named = [each.name for each in VARIABLES]

    assert len(named) == len(set(named))
    assert set(SPECIFIED.split()) | of_otlp | of_python == set(named)
    for each in VARIABLES:
        file, _, test = each.test.partition("::")
        assert f"def {test}(" in (Path(__file__).parents[1] / "observe" / file).read_text(), each


def test_the_page_is_of_these_rows() -> None:
    """It says what the tests hold."""
    assert rendered() == PAGE.read_text(), "run python -m observe.tables in python/tests"


@_rows(LIKE_PYTHON)
def test_go_does_what_python_does(row: int, variable: Variable, exported: Any) -> None:
    """What arrives is equal, in both modes, and another than without the variable."""
    python = exported("python").of(row)

    assert python == exported("go").of(row)
    assert python == exported("go", export="python").of(row)
    if variable.arrives:
        assert any(map(any, python))
    else:
        assert python != exported("python", "plain").of(row)


@_rows(NOTHING)
def test_what_changes_nothing(row: int, variable: Variable, exported: Any) -> None:
    """Neither in Python nor in Go."""
    plain = exported("python", "plain").of(row)

    assert plain == exported("python").of(row)
    assert plain == exported("go").of(row)
    assert plain == exported("go", export="python").of(row)


@_rows(TOLD)
def test_what_go_is_told(row: int, variable: Variable, exported: Any) -> None:
    """It is what Python's SDK has read, and was set."""
    ((python, go),) = [told for name, *told in exported("go").printed if name == variable.name]

    key = next(each for each, name in CONFIGURED.items() if name in variable.name)
    assert python[key] == go[key]
    assert float(variable.value) in (python[key], python[key] * 1000)


@_rows(BATCHES)
def test_sizes_of_batches(row: int, variable: Variable, exported: Any) -> None:
    """No request is larger, while those without the variable are."""
    signal = "logs" if "BLRP" in variable.name else "traces"

    def largest(of: Exported) -> int:
        return max(of.batches[signal].get(seed, 0) for seed in seeds_of(row))

    most = int(variable.value)
    assert largest(exported("python", "plain")) > most
    for each in (exported("python"), exported("go"), exported("go", export="python")):
        assert 0 < largest(each) <= most


def test_components_by_name(path: str) -> None:
    """Providers and a context that variables name are those that Go follows."""
    names = ("OTEL_PYTHON_CONTEXT", "OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER")
    code = """
from opentelemetry import context, metrics, trace
import faults, gostitch
with trace.get_tracer("x").start_as_current_span("root"):
    metrics.get_meter("x")
    faults.log(0, "m")
gostitch.force_flush()
import components, own_context
assert type(context._RUNTIME_CONTEXT) is own_context.Context
go, root = components.memory.get_finished_spans()
assert (go.name, go.parent.span_id) == ("faults.log", root.context.span_id)
(resource,) = components.reader.get_metrics_data().resource_metrics
named = {each.name for scope in resource.scope_metrics for each in scope.metrics}
assert "gostitch.call.duration" in named, named
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": path, **dict.fromkeys(names, "own")},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
