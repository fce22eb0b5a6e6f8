"""Spans of calls by OpenTelemetry's semantic conventions, and as Python's own would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.semconv.schemas import Schemas

import gostitch
from ci_pipeline.receiver import Receiver, receiving
from observe.scenario import run, run_to
from observe.spans import Span
from programs import Programs

TESTS = str(Path(__file__).parents[1])


def ended(how: str, **environment: str) -> Span:
    """Give the span of the call that a piece of code makes."""
    code = f"""
import contextlib, concurrent.futures
import faults, gostitch
from gostitch import tasks
with tracer.start_as_current_span("caller"), contextlib.suppress(Exception):
    {how}
assert provider.force_flush()
"""
    spans = run(code, {"PYTHONPATH": TESTS, **environment})
    (call,) = (span for span in spans if span.name != "caller")
    return call


@pytest.mark.parametrize(
    ("how", "error", "kind"),
    [
        ('tasks.hash_tree("/does/not/exist")', "not_found", "*fs.PathError"),
        ('faults.fail("data")', "data", "*gocore.Error"),
        ('faults.fail_standard("plain")', "*errors.errorString", "*errors.errorString"),
        ("faults.fail_wrapped(3)", None, None),
        ("faults.fail_typed()", None, None),
        ('faults.panic("string")', "panic", None),
    ],
)
def test_a_call_that_fails(how: str, error: str | None, kind: str | None) -> None:
    """It has error.type, the status Error, and an event with the innermost type that says something."""
    call = ended(how)

    assert 2 == call.status["code"]
    (event,) = call.events
    assert "exception" == event["name"]
    if error is not None:
        assert error == call.attributes["error.type"]
    if kind is not None:
        assert kind == event["attributes"]["exception.type"]
    assert "fmt.wrapError" not in event["attributes"]["exception.type"]
    assert event["attributes"]["exception.message"]


@pytest.mark.parametrize("export", ["direct", "python"])
def test_a_call_that_its_caller_cancels(export: str) -> None:
    """It has not failed: no status, no event, no error.type."""
    call = ended(
        "future = faults.sleep.submit(30.0); future.cancel();"
        " concurrent.futures.wait([future], 10); gostitch.force_flush()",
        GOSTITCH_EXPORT=export,
    )

    assert {} == call.status
    assert [] == call.events
    assert "error.type" not in call.attributes
    assert "cancelled" == call.attributes["gostitch.error.code"]


def test_a_call_that_takes_too_long() -> None:
    """Its timeout is an error of the type timeout."""
    call = ended("faults.sleep(30.0, timeout=0.05)")

    assert (2, "timeout") == (call.status["code"], call.attributes["error.type"])


@pytest.mark.parametrize("export", ["direct", "python"])
def test_the_scope_of_calls(export: str) -> None:
    """It has the version of gostitch, and the schema whose names the attributes have."""
    with receiving() as receiver:
        run_to(
            receiver,
            """
            import faults
            with tracer.start_as_current_span("caller"):
                faults.nothing()
            assert provider.force_flush()
            """,
            {"PYTHONPATH": TESTS, "GOSTITCH_EXPORT": export},
        )
        scopes = scopes_of(receiver)

    scope, schema = scopes["faults.nothing"]
    assert ("github.com/gostitch/gostitch", gostitch.__version__) == (
        scope.name,
        scope.version,
    )
    assert schema.startswith("https://opentelemetry.io/schemas/1.")
    oldest = Schemas.V1_33_0.value  # the first in which code.function.name is stable
    assert [int(each) for each in schema.rpartition("/")[2].split(".")] >= [
        int(each) for each in oldest.rpartition("/")[2].split(".")
    ]


def scopes_of(receiver: Receiver) -> dict[str, tuple[Any, str]]:
    """Give scope and schema by the names of spans."""
    return {
        span.name: (scope_spans.scope, scope_spans.schema_url)
        for request in receiver.requests
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    }


@pytest.mark.parametrize(
    ("opt_in", "events", "logs"), [("logs", 0, 1), ("logs/dup", 1, 1), ("", 1, 0)]
)
def test_exceptions_as_log_records(opt_in: str, events: int, logs: int, program: Programs) -> None:
    """OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN says how an error of a call is told."""
    done = program(
        f"""
import contextlib
import faults, gostitch
from opentelemetry import trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
logger_provider = LoggerProvider()
logger_provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
set_logger_provider(logger_provider)
with trace.get_tracer("x").start_as_current_span("caller"), contextlib.suppress(Exception):
    faults.fail("data")
assert gostitch.force_flush(10)
call, _ = spans.get_finished_spans()
assert {events} == len(call.events), call.events
assert {logs} == len(logs.get_finished_logs())
for each in logs.get_finished_logs():
    record = each.log_record
    assert "exception" == record.event_name
    assert call.context.span_id == record.span_id
    assert "*gocore.Error" == record.attributes["exception.type"], record.attributes
    assert "it failed" in record.attributes["exception.message"]
""",
        env={"OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": opt_in or None},
    )

    assert (0, "") == (done.returncode, done.stderr)


TAIL = """
import asyncio, threading
import faults, gostitch
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Tail(SpanProcessor):
    def on_end(self, span):
        if span.parent is None:
            whole[span.context.trace_id] = len(seen.pop(span.context.trace_id, []))
        else:
            seen.setdefault(span.context.trace_id, []).append(span.name)

seen, whole = {}, {}
provider = TracerProvider()
provider.add_span_processor(Tail())
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("x")
step = faults.FaultsVisitStep
steps = [step("own", -1, "inline", "", ""), step("below", 0, "inline", "", "")]

def called():
    with tracer.start_as_current_span("root"):
        faults.burst(3)

def submitted():
    with tracer.start_as_current_span("root"):
        faults.burst.submit(3).result()

def streamed():
    with tracer.start_as_current_span("root"):
        list(faults.visit_lines([*steps, step("third", -1, "inline", "", "")]))

def many():
    with tracer.start_as_current_span("root"):
        faults.burst(200)  # of 8 threads at once no more than the queue has room for

def awaited():
    async def main():
        with tracer.start_as_current_span("root"):
            await faults.burst.submit(3)
    asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("how", "spans"),
    [("called", 4), ("submitted", 4), ("awaited", 4), ("streamed", 4), ("many", 201)],
)
def test_tail_sampling_in_the_process(how: str, spans: int, program: Programs) -> None:
    """A processor has seen all spans of Go that ended before the root when that ends."""
    done = program(
        TAIL
        + f"""
for _ in range(20):
    {how}()
threads = [threading.Thread(target={how}) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
assert [{spans}] * 28 == list(whole.values()), whole
assert {{}} == seen, seen
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_a_provider_that_is_not_the_global_one(program: Programs) -> None:
    """One sentence says that spans of Go below its spans follow the global provider."""
    done = program("""
import faults, gostitch
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

def provide():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter

first, ours = provide()
second, theirs = provide()
trace.set_tracer_provider(first)
for provider in (first, second, second):
    with provider.get_tracer("x").start_as_current_span("root"):
        faults.nothing()
print([span.name for span in ours.get_finished_spans()])
print([span.name for span in theirs.get_finished_spans()])
""")

    assert (
        "['faults.nothing', 'root', 'faults.nothing', 'faults.nothing']\n['root', 'root']\n"
        == done.stdout
    )
    assert 1 == done.stderr.count("follow the global tracer provider"), done.stderr
