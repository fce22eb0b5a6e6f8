"""Metrics of the library, as the reader of Python's meter provider collects them."""

from __future__ import annotations

from pathlib import Path

from observe.scenario import run

_PROLOGUE = """
import os, time
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
import faults, gostitch

reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))

def collect():
    found = {}
    data = reader.get_metrics_data()
    for of_resource in data.resource_metrics if data else []:
        for scope in of_resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    of = metric.name, tuple(sorted(point.attributes.items()))
                    found[of] = getattr(point, "value", point)  # a histogram's point has many
    return found

def of(name, function=None, **attributes):
    if function:
        attributes["gostitch.function"] = function
    return found.get((name, tuple(sorted(attributes.items()))))
"""

_ENV = {"PYTHONPATH": str(Path(__file__).parents[1])}


def test_what_is_counted() -> None:
    """Calls, errors, durations, bytes and cancellations of each function."""
    run(
        """
        collect()
        for _ in range(10):
            faults.add(1, 2)
        faults.add.submit(1, 2).result()
        for _ in range(3):
            try:
                faults.fail("not_found")
            except gostitch.GoError:
                pass
        faults.sleep(0.02)
        try:
            faults.sleep(60, timeout=0.05)
        except gostitch.GoTimeoutError:
            pass
        faults.echo_bytes(b"x" * 100_000)
        running = faults.sleep.submit(60)
        while gostitch.runtime_info()["calls"] == 0:
            time.sleep(0.001)
        found = collect()
        running.cancel()

        assert 11 == of("gostitch.calls", "faults.add")
        assert 3 == of("gostitch.calls", "faults.fail", **{"error.type": "not_found"})
        assert 0 == of("gostitch.calls", "faults.fail")
        assert 1 == of("gostitch.calls", "faults.sleep", **{"error.type": "timeout"})
        assert 1 == of("gostitch.calls", "faults.sleep")
        slept = of("gostitch.call.duration", "faults.sleep")
        assert 1 == slept.count == sum(slept.bucket_counts) and 0.02 <= slept.sum == slept.max < 30
        (at,) = (i for i, count in enumerate(slept.bucket_counts) if count)
        assert 0.01 <= slept.explicit_bounds[at - 1] < slept.sum <= slept.explicit_bounds[at]
        late = of("gostitch.call.duration", "faults.sleep", **{"error.type": "timeout"})
        assert 1 == late.count and 0.05 <= late.sum < 30
        assert 11 == of("gostitch.call.duration", "faults.add").count
        assert 1 == of("gostitch.calls.running", "faults.sleep")
        assert 1 == of("gostitch.queue.depth")
        assert 1 == of("gostitch.calls.cancelled", "faults.sleep")
        lag = of("gostitch.cancel.duration", "faults.sleep")
        assert 1 == lag.count and 0 <= lag.sum < 10
        out = of("gostitch.call.bytes", "faults.echo_bytes", **{"gostitch.direction": "out"})
        into = of("gostitch.call.bytes", "faults.echo_bytes", **{"gostitch.direction": "in"})
        assert 100_000 <= out < 100_100 and 100_000 <= into < 100_100
        assert 0 == of("gostitch.records.dropped") and of("gostitch.heap.used") > 0
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )


def test_spans_that_were_dropped() -> None:
    """Those that could not be sent count, and the functions of gostitch itself do not."""
    run(
        """
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider()
        exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9", timeout=0.2)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        collect()
        with trace.get_tracer("x").start_as_current_span("caller"):
            faults.nothing()
        gostitch.force_flush(20)
        found = collect()
        assert 1 == of("gostitch.spans.dropped"), found
        assert 0 == of("gostitch.records.dropped")
        names = {dict(attributes).get("gostitch.function") for _, attributes in found}
        assert {None, "faults.nothing"} == names, names
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )


def test_a_provider_that_comes_late() -> None:
    """Instruments that were made before the provider are collected by it."""
    run(
        """
        from opentelemetry import metrics, trace
        import faults
        faults.add(1, 2)  # before there is anybody who collects
        """
        + _PROLOGUE.replace("\n", "\n        ")
        + """
        collect()
        faults.add(1, 2)
        found = collect()
        assert 1 == of("gostitch.calls", "faults.add")
        """,
        env=_ENV,
        prologue="",
    )


def test_a_program_that_ends_at_once() -> None:
    """What its last collection finds is all that was called."""
    run(
        """
        from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        class Keeps(MetricExporter):
            def export(self, data, timeout_millis=10_000, **_):
                for of_resource in data.resource_metrics:
                    for scope in of_resource.scope_metrics:
                        for metric in scope.metrics:
                            if metric.name == "gostitch.calls":
                                kept.append([point.value for point in metric.data.data_points])
                return MetricExportResult.SUCCESS

            def force_flush(self, timeout_millis=10_000):
                return True

            def shutdown(self, timeout_millis=10_000, **_):
                pass

        kept = []
        provider = MeterProvider(metric_readers=[PeriodicExportingMetricReader(Keeps())])
        metrics.set_meter_provider(provider)
        faults.add(1, 2)
        provider.force_flush()
        faults.add(1, 2)
        provider.shutdown()
        assert [[1], [2]] == kept, kept
        """,
        env=_ENV,
        prologue=_PROLOGUE.replace("metrics.set_meter_provider(", "("),
    )


def test_nothing_is_loaded_for_them() -> None:
    """A collection in a process that has not called Go, or in a forked child, loads nothing."""
    run(
        """
        found = collect()
        assert not gostitch.runtime_info()["loaded"]
        faults.add(1, 2)
        found = collect()
        pid = os.fork()
        if pid == 0:
            found = collect()
            assert not gostitch.runtime_info()["loaded"]
            faults.add(1, 2)
            found = collect()
            faults.add(1, 2)
            found = collect()
            assert of("gostitch.calls", "faults.add") >= 1
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )


# From the semantic conventions for the Go runtime: unit, whether it only grows (none: a histogram),
# the attribute and its values.
_CONVENTIONS = {
    "go.memory.used": ("By", False, {("go.memory.type", "stack"), ("go.memory.type", "other")}),
    "go.memory.limit": ("By", False, set()),
    "go.memory.allocated": ("By", True, set()),
    "go.memory.allocations": ("{allocation}", True, set()),
    "go.memory.gc.goal": ("By", False, set()),
    "go.memory.gc.cycles": ("{gc_cycle}", True, set()),
    "go.memory.gc.pause.duration": ("s", None, set()),
    "go.goroutine.count": ("{goroutine}", False, set()),
    "go.processor.limit": ("{thread}", False, set()),
    "go.schedule.duration": ("s", None, set()),
    "go.config.gogc": ("%", False, set()),
    "go.cpu.time": (
        "s",
        True,
        {("go.cpu.state", each) for each in ("user", "gc", "scavenge", "idle")},
    ),
}


def test_the_runtime_by_the_conventions() -> None:
    """Names, units, kinds of instruments and attributes; the values are those of this process."""
    run(
        f"""
        from opentelemetry.sdk.metrics.export import Histogram
        faults.add(1, 2)
        gostitch.free_memory()
        (of_resource,) = reader.get_metrics_data().resource_metrics
        (scope,) = (
            each for each in of_resource.scope_metrics
            if each.scope.name == "github.com/gostitch/gostitch/runtime"
        )
        assert scope.schema_url.startswith("https://opentelemetry.io/schemas/1.")
        assert gostitch.__version__ == scope.scope.version
        found = {{
            each.name: (
                each.unit,
                None if isinstance(each.data, Histogram) else each.data.is_monotonic,
                {{pair for point in each.data.data_points for pair in point.attributes.items()}},
            )
            for each in scope.metrics
        }}
        assert {_CONVENTIONS!r} == found, found
        value = {{each.name: each.data.data_points[0] for each in scope.metrics}}
        assert 50 == value["go.config.gogc"].value and 3 == value["go.processor.limit"].value
        assert 2**30 == value["go.memory.limit"].value
        assert 1 <= value["go.memory.gc.cycles"].value <= value["go.memory.gc.pause.duration"].count
        assert value["go.schedule.duration"].count > 0
        """,
        env=_ENV | {"GOGC": "50", "GOMEMLIMIT": "1GiB", "GOMAXPROCS": "3"},
        prologue=_PROLOGUE,
    )


def test_exemplars_of_durations() -> None:
    """That of a sampled call has the ids of its span, whatever way that takes; others have none."""
    for export in ("direct", "python"):
        spans = run(
            """
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            provider = TracerProvider()
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            trace.set_tracer_provider(provider)
            faults.add(1, 2)
            with trace.get_tracer("x").start_as_current_span("caller"):
                faults.sleep(0.02)
            found = collect()
            (one,) = of("gostitch.call.duration", "faults.sleep").exemplars
            assert 0.02 <= one.value == of("gostitch.call.duration", "faults.sleep").sum
            assert not of("gostitch.call.duration", "faults.add").exemplars
            with trace.get_tracer("x").start_as_current_span(f"{one.trace_id:032x} {one.span_id:016x}"):
                pass
            provider.shutdown()
            """,
            env=_ENV | {"GOSTITCH_EXPORT": export},
            prologue=_PROLOGUE,
        )
        (call,) = (each for each in spans if each.name == "faults.sleep")
        assert f"{call.trace_id} {call.span_id}" in {each.name for each in spans}


def test_the_type_of_an_error_is_that_of_the_span() -> None:
    """error.type says the same in both; an error without a code has its type."""
    spans = run(
        """
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        with trace.get_tracer("x").start_as_current_span("caller"):
            for call in (lambda: faults.fail("not_found"), lambda: faults.fail("wrapped"),
                         lambda: faults.panic("nil"), lambda: faults.panic("value")):
                try:
                    call()
                except gostitch.GoError:
                    pass
        found = collect()
        kinds = {dict(of)["error.type"] for name, of in found
                 if name == "gostitch.call.duration" and "error.type" in dict(of)}
        counted = {dict(of)["error.type"] for name, of in found
                   if name == "gostitch.calls" and "error.type" in dict(of)}
        assert kinds == counted, (kinds, counted)
        with trace.get_tracer("x").start_as_current_span("|".join(sorted(kinds))):
            pass
        provider.shutdown()
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )
    failed = {each.attributes["error.type"] for each in spans if "error.type" in each.attributes}
    assert len(failed) > 1
    assert "|".join(sorted(failed)) in {each.name for each in spans}


def test_codes_without_end() -> None:
    """Of a function 200 types of errors are told apart; others are what the conventions call them."""
    run(
        """
        collect()
        faults.nothing()
        for number in range(250):
            try:
                faults.fail(f"code_{number}")
            except gostitch.GoError:
                pass
        found = collect()
        for name, count in (("gostitch.calls", lambda point: point),
                            ("gostitch.call.duration", lambda point: point.count)):
            counts = {dict(of)["error.type"]: count(point) for (of_name, of), point in found.items()
                      if of_name == name and "error.type" in dict(of)}
            assert 201 == len(counts) and 50 == counts["_OTHER"] and 250 == sum(counts.values()), counts
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )
