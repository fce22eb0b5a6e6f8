"""Readers of Python's meter provider, and what of its configuration holds for metrics made in Go."""

from __future__ import annotations

import textwrap

import pytest

from programs import Programs

_PROLOGUE = """
import logging, os, time
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
import faults, gostitch

class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.texts = []
    def emit(self, record):
        self.texts.append(record.getMessage())

log = Kept()
logging.getLogger("gostitch").addHandler(log)
logging.getLogger("gostitch").propagate = False

def named(reader):
    data = reader.get_metrics_data()
    return {
        (scope.scope.name, metric.name): metric.data
        for of_resource in (data.resource_metrics if data else ())
        for scope in of_resource.scope_metrics
        for metric in scope.metrics
    }

CALLS = "github.com/gostitch/gostitch", "gostitch.calls"
"""


def _run(program: Programs, code: str, **environment: str | None) -> None:
    done = program(_PROLOGUE + textwrap.dedent(code), "-W", "error", env=environment)
    assert (0, "") == (done.returncode, done.stderr)


def test_nobody_collects(program: Programs) -> None:
    """Where Python has no meter provider, or one that does nothing, Go records nothing."""
    _run(
        program,
        """
        assert not faults.measures()
        metrics.set_meter_provider(metrics.NoOpMeterProvider())
        assert not faults.measures() and not log.texts, log.texts
        """,
    )
    _run(
        program,
        """
        reader = InMemoryMetricReader()
        metrics.set_meter_provider(MeterProvider([reader]))
        assert not faults.measures()
        assert reader.get_metrics_data() is None and not log.texts
        """,
        OTEL_SDK_DISABLED="true",
    )


def test_a_reader_that_comes_later(program: Programs) -> None:
    """It has what was recorded from then on; one that is removed has nothing any more."""
    _run(
        program,
        """
        provider = MeterProvider()
        metrics.set_meter_provider(provider)
        assert not faults.measures()
        first, second = InMemoryMetricReader(), InMemoryMetricReader()
        provider.add_metric_reader(first)
        assert faults.measures()
        provider.add_metric_reader(second)
        assert faults.measures()
        def count(reader):
            return named(reader)["measures", "measures.count"].data_points[0].value
        assert (2, 1) == (count(first), count(second))
        provider.remove_metric_reader(first)
        assert faults.measures()
        assert 2 == count(second)
        provider.remove_metric_reader(second)
        assert not faults.measures() and not log.texts, log.texts
        """,
    )


def test_a_callback_that_takes_long(program: Programs) -> None:
    """A collection waits no longer than it may; Python's metrics are there, Go's the next time."""
    _run(
        program,
        """
        from opentelemetry.sdk.metrics import Counter
        from opentelemetry.sdk.metrics.export import AggregationTemporality

        reader = InMemoryMetricReader({Counter: AggregationTemporality.DELTA})
        provider = MeterProvider([reader])
        metrics.set_meter_provider(provider)
        metrics.get_meter("python").create_counter("count").add(1)
        faults.observe_slowly(0.6)
        begun = time.monotonic()
        reader.collect(timeout_millis=200)
        assert 0.15 < time.monotonic() - begun < 0.55
        data = reader._metrics_data
        assert ["python"] == [scope.scope.name for scope in data.resource_metrics[0].scope_metrics]
        (text,) = log.texts
        assert text.startswith("metrics of Go are missing from a collection"), text
        assert 1 == named(reader)["slow", "slow.count"].data_points[0].value  # for it waits
        assert ("slow", "slow.count") not in named(reader)  # nothing came twice
        """,
    )


def test_what_only_python_can_do(program: Programs) -> None:
    """Warnings say, once each, what of views and readers Go is without; what it can do it does.

    Nothing is said of views that are for instruments of Python.
    """
    _run(
        program,
        """
        from opentelemetry.sdk.metrics.view import (
            ExponentialBucketHistogramAggregation, LastValueAggregation, SumAggregation, View
        )
        from opentelemetry.sdk.metrics import Counter, ExemplarFilter

        class Own(SumAggregation):
            pass

        class Rare(ExemplarFilter):
            def should_sample(self, value, time_unix_nano, attributes, context):
                return False

        reader = InMemoryMetricReader()
        views = [
            View(instrument_name="gostitch.calls", name="calls.of.go", aggregation=Own()),
            View(instrument_name="gostitch.calls.running", aggregation_cardinality_limit=7),
            View(instrument_name="gostitch.call.bytes", aggregation=LastValueAggregation()),
            View(instrument_name="gostitch.call.bytes",
                 aggregation=ExponentialBucketHistogramAggregation()),
            View(instrument_name="of.python", aggregation=Own()),
        ]
        metrics.set_meter_provider(MeterProvider([reader], None, Rare(), views=views))
        faults.nothing()
        faults.nothing()
        found = named(reader)
        assert gostitch.force_flush(10)
        assert 2 == found[CALLS[0], "calls.of.go"].data_points[0].value and CALLS not in found
        told = sorted(text.partition(": ")[2] for text in log.texts)
        assert told == [
            "a view or a reader asks for LastValue of the instrument gostitch.call.bytes, "
            "which Go cannot make of it; it has the default instead",
            "metrics of Go are without what only Python can do: the aggregation Own of the view "
            "calls.of.go, which is for gostitch.calls",
            "metrics of Go are without what only Python can do: the limit of attribute sets of "
            "the view gostitch.calls.running, which is for gostitch.calls.running",
            "the exemplar filter Rare",
        ], told
        """,
    )


def test_exponential_histograms(program: Programs) -> None:
    """A reader that prefers them has durations of calls as such, and another one in buckets."""
    _run(
        program,
        """
        from opentelemetry.sdk.metrics import Histogram
        from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

        first = InMemoryMetricReader(
            preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()}
        )
        second = InMemoryMetricReader()
        metrics.set_meter_provider(MeterProvider([first, second]))
        for _ in range(5):
            faults.nothing()
        duration = CALLS[0], "gostitch.call.duration"
        (fine,), (coarse,) = (named(each)[duration].data_points for each in (first, second))
        counts = fine.positive.bucket_counts
        assert 5 == fine.count == sum(counts) == coarse.count == sum(coarse.bucket_counts)
        assert fine.max == coarse.max and abs(fine.sum - coarse.sum) < 1e-8
        base = 2 ** 2**-fine.scale
        lower = base ** (fine.positive.offset + len(counts) - 1)
        assert counts[-1] and lower < fine.max <= lower * base * 1.000_001, (lower, fine)
        """,
    )


def test_a_meter_that_is_switched_off(program: Programs) -> None:
    """The provider's configurator holds for meters of Go, as for those of Python."""
    _run(
        program,
        """
        from opentelemetry.sdk.metrics import _internal as sdk

        def configurator(scope):
            return sdk._MeterConfig(is_enabled=scope.name not in ("measures", CALLS[0]))

        reader = InMemoryMetricReader()
        provider = MeterProvider([reader], _meter_configurator=configurator)
        metrics.set_meter_provider(provider)
        faults.measures()
        metrics.get_meter("measures").create_counter("python").add(1)
        scopes = {scope for scope, _ in named(reader)}
        assert {CALLS[0] + "/runtime"} == scopes, scopes
        """,
    )


def test_a_provider_of_another_kind(program: Programs) -> None:
    """What is none of the SDK's gets nothing of Go, and the log says so once."""
    _run(
        program,
        """
        class Other(metrics.NoOpMeterProvider):
            def force_flush(self, timeout_millis=0):
                return True

        metrics.set_meter_provider(Other())
        assert not faults.measures() and not faults.measures()
        (text,) = log.texts
        assert text.startswith("metrics of Go are lost: the meter provider Other"), text
        """,
    )


_TELLING = """
from opentelemetry.sdk.metrics.export import (
    MetricExporter, MetricExportResult, PeriodicExportingMetricReader
)

class Telling(MetricExporter):
    def export(self, data, timeout_millis=10_000, **_):
        for scope in data.resource_metrics[0].scope_metrics:
            for metric in scope.metrics:
                if metric.name == "gostitch.calls":
                    print(sorted(point.value for point in metric.data.data_points))
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=10_000):
        return True

    def shutdown(self, timeout_millis=10_000, **_):
        pass
"""

_ENDS = {
    "plain": "",
    "grace": "import gostitch; gostitch.configure(grace=5)",  # calls are waited for in Python then
    "gevent": "import gevent.monkey; gevent.monkey.patch_all()",
    # As where a server patches after it was preloaded: the reader's thread is the system's.
    "gevent, but for threads": "import gevent.monkey; gevent.monkey.patch_all(thread=False, queue=False)",
}


@pytest.mark.parametrize("how", _ENDS)
def test_the_end_of_a_process(how: str, program: Programs) -> None:
    """A reader's own thread collects a last time, after what gostitch does at the end."""
    done = program(
        _ENDS[how]
        + _PROLOGUE
        + _TELLING
        + textwrap.dedent("""
        metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(Telling())]))
        for _ in range(5):
            faults.nothing()
        assert 3 == faults.add.submit(1, 2).result()
        """)
    )

    assert (0, "[1, 5]\n", "") == (done.returncode, done.stdout, done.stderr)


def test_a_process_that_ends_in_a_collection(program: Programs) -> None:
    """That one is given up at once, so the last one has all; nobody waits for what is cancelled."""
    done = program(
        _PROLOGUE
        + _TELLING
        + textwrap.dedent("""
        gostitch.configure(grace=10)
        metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(Telling(), 600)]))
        faults.observe_slowly(0.4)
        time.sleep(0.7)
        for _ in range(5):
            faults.nothing()
        """),
        timeout=9,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "[1, 5]" == done.stdout.splitlines()[-1], done.stdout


def test_a_forked_child(program: Programs) -> None:
    """Its readers have what it has made in Go, and the resource of the child."""
    _run(
        program,
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork, from 3.12 on
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader])
        metrics.set_meter_provider(provider)
        for _ in range(3):
            faults.measures()
        pid = os.fork()
        if pid == 0:
            faults.measures()
            data = reader.get_metrics_data()
            (of_resource,) = data.resource_metrics
            assert of_resource.resource == provider._sdk_config.resource
            (count,) = (
                metric.data.data_points[0].value
                for scope in of_resource.scope_metrics
                for metric in scope.metrics
                if metric.name == "measures.count"
            )
            os._exit(0 if count == 1 else 9)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert 3 == named(reader)["measures", "measures.count"].data_points[0].value
        """,
    )
