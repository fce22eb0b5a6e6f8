"""Records of Go are what the logger makes of them: a record of Python's in the same place tells."""

from __future__ import annotations

import json

from observe.spotlight import Spotlight
from programs import Programs

FACTORIES = """
import contextvars, json, logging, sys
import faults, gostitch

request = contextvars.ContextVar("request", default="none")
made = logging.getLogRecordFactory()

def factory(*arguments, **named):
    record = made(*arguments, **named)
    record.request_id = request.get()
    return record

logging.setLogRecordFactory(factory)

class Lines(logging.Handler):
    def emit(self, record):
        lines.append(self.format(record))

lines = []
handler = Lines()
handler.setFormatter(logging.Formatter("%(request_id)s %(levelname)s %(message)s"))
logging.getLogger("gostitch.go").addHandler(handler)
"""


def test_the_record_factory(program: Programs) -> None:
    """What it puts into each record is in those of Go; outside of spans too none is lost."""
    done = program(
        FACTORIES
        + """
faults.log(8, "alone")
assert gostitch.force_flush(10)
assert ["none ERROR alone"] == lines, lines
assert 0 == gostitch.runtime_info()["records_dropped"]
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_the_record_factory_in_the_context_of_the_call(program: Programs) -> None:
    """It finds the context variables of the caller, as for a record that the caller writes."""
    done = program(
        FACTORIES
        + """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("x")
for name in ("one", "two"):
    request.set(name)
    with tracer.start_as_current_span(name):
        logging.getLogger("gostitch.go").error("here")
        faults.log(8, "here")
        faults.log.submit(8, "here").result()
    assert gostitch.force_flush(10)
assert ["one ERROR here"] * 3 + ["two ERROR here"] * 3 == lines, lines
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_a_logger_class_of_ones_own(program: Programs) -> None:
    """Its makeRecord makes the records of Go, with the place in Go that logs."""
    done = program("""
import logging

class Own(logging.Logger):
    def makeRecord(self, *arguments, **named):
        record = super().makeRecord(*arguments, **named)
        record.tenant = "acme"
        return record

logging.setLoggerClass(Own)
import faults, gostitch
logging.basicConfig(format="%(tenant)s %(filename)s %(funcName)s %(message)s")
faults.log(8, "text")
gostitch.force_flush(10)
""")

    module = "github.com/gostitch/gostitch/gocore/internal/faults"
    assert f"acme message.go {module}.Log text\n" == done.stderr


def test_the_format_of_opentelemetry(program: Programs) -> None:
    """With its instrumentation of logging a record of Go has the ids of Go's span."""
    done = program("""
import logging
from opentelemetry import trace
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
LoggingInstrumentor().instrument(set_logging_format=True)
import faults, gostitch
faults.log(8, "without")
with trace.get_tracer("x").start_as_current_span("caller"):
    faults.log(8, "within")
gostitch.force_flush(10)
(go,) = [each for each in exporter.get_finished_spans() if each.parent]
print(f"trace_id={go.context.trace_id:032x} span_id={go.context.span_id:016x}")
""")

    without, within = done.stderr.splitlines()
    assert "trace_id=0 span_id=0" in without
    assert done.stdout.strip() in within
    assert within.endswith("within")


def test_errors_and_names_that_are_taken(program: Programs) -> None:
    """An error is an exception of the record; a name of logging's own is not overwritten."""
    done = program("""
import json, logging
import faults, gostitch

class Keep(logging.Handler):
    def emit(self, record):
        fields = vars(record)
        names = ("exception.type", "exception.message", "id", "go.name", "user.name", "name")
        print(json.dumps({name: fields[name] for name in names}))

logging.getLogger("gostitch.go").addHandler(Keep())
logging.basicConfig(format="%(message)s")
faults.log_error("went wrong", "no space", id=3)
gostitch.force_flush(10)
""")

    assert {
        "exception.type": "*errors.errorString",
        "exception.message": "no space",
        "id": 3,
        "go.name": "taken",
        "user.name": "zoë",
        "name": "gostitch.go",
    } == json.loads(done.stdout)
    assert "went wrong\n*errors.errorString: no space\n" == done.stderr


def test_the_handler_of_opentelemetrys_sdk(program: Programs) -> None:
    """Through it a record of Go is exported as one of Python's: body, severity, flat attributes."""
    done = program("""
import logging
from opentelemetry import trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
import faults, gostitch

exporter = InMemoryLogRecordExporter()
provider = LoggerProvider()
provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
trace.set_tracer_provider(TracerProvider())
logger = logging.getLogger("gostitch.go")
logger.addHandler(LoggingHandler(logger_provider=provider))
extra = {"fixed": "yes", "group.index": 0, "group.share": 0.5, "group.flag": True,
         "group.inner.pause": "1s", "group.bytes": "\\ufffd"}
with trace.get_tracer("x").start_as_current_span("caller") as caller:
    logger.error("text", extra=extra)
    faults.log(8, "text")
    gostitch.force_flush(10)
ours = ("code.", "gostitch.")
python, go = [
    (record.body, record.severity_number, record.severity_text, record.trace_id,
     {key: value for key, value in record.attributes.items() if not key.startswith(ours)})
    for record in (each.log_record for each in exporter.get_finished_logs())
]
assert python == go, (python, go)
assert caller.get_span_context().trace_id == go[3]
""")

    assert (0, "") == (done.returncode, done.stderr)


SENTRY = """
import logging, os
import sentry_sdk
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
import faults, gostitch

sentry_sdk.init(os.environ["DSN"], enable_logs=True, default_integrations=True)
trace.set_tracer_provider(TracerProvider())
for tenant in ("acme", "other"):
    with sentry_sdk.isolation_scope() as scope:
        scope.set_tag("tenant", tenant)
        scope.set_user({"id": tenant})
        with trace.get_tracer("x").start_as_current_span("caller") as span:
            faults.log_error("it failed", f"for {tenant}")
            gostitch.force_flush(10)
            print(f"{span.get_span_context().trace_id:032x}")
sentry_sdk.flush()
"""


def test_events_made_of_logs_have_the_scope_of_the_call(
    program: Programs, sentry: Spotlight
) -> None:
    """Tags, user and trace of the call are on events that Sentry makes of Go's error records."""
    done = program(SENTRY, env={"DSN": sentry.dsn})

    assert 0 == done.returncode, done.stderr
    events = [each for each in sentry.events() if each.get("logger") == "gostitch.go"]
    found = {
        (each["tags"]["tenant"], each["user"]["id"], each["contexts"]["trace"]["trace_id"])
        for each in events
    }
    one, two = done.stdout.split()
    assert {("acme", "acme", one), ("other", "other", two)} == found
    assert {"it failed"} == {each["logentry"]["message"] for each in events}
