"""What Go logs through OpenTelemetry's API is in Python's logger provider, as Python's own would be."""

from __future__ import annotations

import pytest

from programs import Programs

PROLOGUE = """
import faults, gostitch
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor, InMemoryLogRecordExporter, SimpleLogRecordProcessor
)
from opentelemetry.sdk.trace import TracerProvider

exporter = InMemoryLogRecordExporter()
trace.set_tracer_provider(TracerProvider())

def provide(processor=SimpleLogRecordProcessor):
    provider = LoggerProvider()
    provider.add_log_record_processor(processor(exporter))
    set_logger_provider(provider)
    return provider

def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value

def seen():
    return [
        (each.log_record.timestamp, each.log_record.severity_number, each.log_record.severity_text,
         each.log_record.body, dict(each.log_record.attributes), each.log_record.event_name,
         each.log_record.trace_id, each.instrumentation_scope.name,
         each.instrumentation_scope.version, each.instrumentation_scope.schema_url,
         dict(each.instrumentation_scope.attributes or {}), each.resource.attributes)
        for each in exporter.get_finished_logs()
    ]
"""


def test_a_record_is_that_of_pythons_logger(program: Programs) -> None:
    """Body, severity, attributes of each type, event, time, trace and scope are as they are."""
    done = program(
        PROLOGUE
        + """
provider = provide()
with trace.get_tracer("x").start_as_current_span("caller"):
    logger = provider.get_logger("faults.logs", "1.2.3", "https://example.com/1", {"part": "tests"})
    logger.emit(LogRecord(
        timestamp=1_700_000_000_000_000_005, severity_number=SeverityNumber.ERROR,
        severity_text="custom", body={"text": "hello", "list": (1, True)}, event_name="an.event",
        attributes={"i": 1, "f": 0.5, "s": ("a", "b"), "b": b"\\x00\\xff"},
    ))
    assert faults.emit("hello", severity=17, event="an.event")
    assert gostitch.force_flush(10)
python, go = seen()
assert plain(python) == plain(go), (python, go)
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_the_bridge_of_slog(program: Programs) -> None:
    """What otelslog writes arrives with its message as body, and the span of Go around it."""
    done = program(
        PROLOGUE
        + """
provider = provide()
with trace.get_tracer("x").start_as_current_span("caller") as caller:
    assert faults.emit("from slog", bridge=True)
assert gostitch.force_flush(10)
((_, severity, _, body, attributes, _, trace_id, scope, *_),) = seen()
assert (SeverityNumber.WARN, "from slog", "faults.bridge") == (severity, body, scope)
assert 3 == attributes["count"] and attributes["in"] == {"side": True}, attributes
assert caller.get_span_context().trace_id == trace_id
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_an_error_of_a_record(program: Programs) -> None:
    """It is what the conventions call an exception."""
    done = program(
        PROLOGUE
        + """
provide()
faults.emit("failed", error="no space")
gostitch.force_flush(10)
attributes = seen()[0][4]
assert "*errors.errorString" == attributes["exception.type"], attributes
assert "no space" == attributes["exception.message"]
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_a_record_that_a_processor_refuses(program: Programs) -> None:
    """It is counted, and the log says why; those behind it arrive."""
    done = program(
        PROLOGUE
        + """
from opentelemetry.sdk._logs import LogRecordProcessor

class Picky(LogRecordProcessor):
    def on_emit(self, record):
        if record.log_record.body["text"] == "bad":
            raise ValueError("not that one")
    def shutdown(self):
        pass
    def force_flush(self, timeout_millis=30_000):
        return True

provide().add_log_record_processor(Picky())
for text in ("bad", "good"):
    assert faults.emit(text)
assert gostitch.force_flush(10)
assert ["bad", "good"] == [each[3]["text"] for each in seen()]
assert 1 == gostitch.runtime_info()["records_dropped"]
"""
    )

    assert 0 == done.returncode, done.stderr
    assert 1 == done.stderr.count("ValueError: not that one")


OFF = {
    "no provider": "",
    "no-op": "from opentelemetry._logs import NoOpLoggerProvider\n"
    "set_logger_provider(NoOpLoggerProvider())",
    "disabled": "provide()",
}


@pytest.mark.parametrize("how", OFF)
def test_nobody_takes_records(how: str, program: Programs) -> None:
    """Go is told, and makes none."""
    done = program(
        PROLOGUE + OFF[how] + "\nassert not faults.emit('x')\nassert [] == seen()\n",
        env={"OTEL_SDK_DISABLED": "true" if how == "disabled" else None},
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_an_sdk_that_is_too_old(program: Programs) -> None:
    """One whose API has records without a context takes none: one line says so."""
    done = program(
        """
from opentelemetry import _logs

class LogRecord:
    def __init__(self, timestamp=None, trace_id=None, span_id=None, body=None, attributes=None):
        raise AssertionError("it has no resource")

_logs.LogRecord = LogRecord
"""
        + PROLOGUE
        + """
provide()
assert not faults.emit("x") and not faults.emit("y")
assert [] == seen()
"""
    )

    assert (0, 1) == (done.returncode, done.stderr.count("\n")), done.stderr
    assert done.stderr.startswith("log records of OpenTelemetry's API in Go are lost")


@pytest.mark.parametrize("end", ["provider.force_flush()", "provider.shutdown()"])
def test_the_providers_own_end(end: str, program: Programs) -> None:
    """What Go has logged before it leaves with it; a provider that comes late is followed."""
    done = program(
        PROLOGUE
        + f"""
assert not faults.emit("too early")
provider = provide(BatchLogRecordProcessor)
for _ in range(100):
    assert faults.emit("text")
{end}
assert 100 == len(seen())
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_the_end_of_a_program(program: Programs) -> None:
    """What Go has logged arrives before the provider ends, also where that came after gostitch."""
    done = program(
        PROLOGUE
        + """
class Telling(InMemoryLogRecordExporter):
    def shutdown(self):
        print(len(self.get_finished_logs()))

faults.nothing()
faults.add.submit(1, 2).result()
exporter = Telling()
provider = LoggerProvider()
provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=10_000))
set_logger_provider(provider)
for _ in range(4000):
    assert faults.emit("text")
"""
    )

    assert (0, "4000\n", "") == (done.returncode, done.stdout, done.stderr)


def test_a_flush_keeps_to_its_time(program: Programs) -> None:
    """A handler of logging that takes long holds it up no longer than that."""
    done = program(
        PROLOGUE
        + """
import logging, threading, time
release = threading.Event()

class Slow(logging.Handler):
    def emit(self, record):
        release.wait(15)

logging.getLogger("gostitch.go").addHandler(Slow())
provider = provide(BatchLogRecordProcessor)
faults.log(8, "text")
begun = time.monotonic()
provider.force_flush(200)
assert time.monotonic() - begun < 5
release.set()
"""
    )

    assert (0, "") == (done.returncode, done.stderr)
