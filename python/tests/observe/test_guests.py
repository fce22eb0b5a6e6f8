"""Observers are guests: whatever is wrong with one, calls go on, and the log says it once."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ci_pipeline.receiver import receiving
from observe.scenario import run_to
from programs import Programs

_CALL = """
import faults
from gostitch import GoPanic

for _ in range(2):
    assert 3 == faults.add(1, 2)
    assert 3 == faults.add.submit(1, 2).result(timeout=20)
    try:
        faults.panic("string")
    except GoPanic:
        pass
"""

_STRANGE = {
    "an import of Sentry that is forbidden": """
        import sys
        sys.modules["sentry_sdk"] = None
        """,
    "an import of OpenTelemetry that is forbidden": """
        import sys
        sys.modules["opentelemetry.trace"] = sys.modules["opentelemetry.metrics"] = None
        """,
    "baggage with a key that is no text": """
        from opentelemetry import baggage, context, trace
        context.attach(baggage.set_baggage(3, "x"))
        """,
    "baggage with a value that says nothing of itself": """
        from opentelemetry import baggage, context, trace

        class Mute:
            def __str__(self):
                raise ValueError("mute")

        context.attach(baggage.set_baggage("k", Mute()))
        """,
    "a level that is no number of 64 bits": """
        import logging
        logging.disable(10**30)
        """,
}

_BROKEN = {
    "Go reports nothing to Sentry": """
        import sentry_sdk
        del sentry_sdk.get_client  # as in version 1
        """,
    "Go reports nothing to Sentry; see": """
        import sys
        from unittest.mock import MagicMock
        sys.modules["sentry_sdk"] = MagicMock()  # as tests have it
        """,
    "there are no metrics of Go": """
        from opentelemetry import metrics

        class Broken(metrics.MeterProvider):
            def get_meter(self, *arguments, **named):
                return metrics.NoOpMeter("broken")

            @property
            def _measurement_consumer(self):
                raise ValueError("broken")

        metrics.set_meter_provider(Broken())
        """,
    "a call of Go carries no trace": """
        from opentelemetry import context, trace

        class Broken(trace.NonRecordingSpan):
            def get_span_context(self):
                raise ValueError("broken")

        context.attach(trace.set_span_in_context(Broken(None)))
        """,
}


def _printed(observer: str, order: str) -> str:
    """Give what is printed where the observer is there before the first call, or after it."""
    code = textwrap.dedent(observer) + _CALL
    with receiving() as receiver:
        tests = {"PYTHONPATH": str(Path(__file__).parents[1])}
        return run_to(receiver, _CALL + code if order == "after" else code, tests, prologue="")


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("what", _STRANGE)
def test_what_is_strange_is_no_matter(what: str, order: str) -> None:
    """Calls, replies and panics are as ever, and nothing is said."""
    assert "" == _printed(_STRANGE[what], order)


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("said", _BROKEN)
def test_what_is_broken_is_said_once(said: str, order: str) -> None:
    """Calls, replies and panics are as ever."""
    printed = _printed(_BROKEN[said], order)

    assert 1 == printed.count(said), printed
    assert "Traceback" not in printed


_SLOW = """
import os, sys, threading
import faults, gostitch

entered, let_go = threading.Event(), threading.Event()

def wait(*_):
    entered.set()
    assert let_go.wait(40)
"""

_SLOW_HANDLER = (
    _SLOW
    + """
import logging

class Slow(logging.Handler):
    emit = wait

logging.getLogger("gostitch.go").addHandler(Slow())
faults.log(8, "first")
assert entered.wait(20)
faults.log(8, "second")
"""
)

_SLOW_PROCESSOR = (
    _SLOW
    + """
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Slow(SpanProcessor):
    def on_end(self, span):
        if span.attributes.get("gostitch.side") == "go":
            wait()

provider = TracerProvider()
provider.add_span_processor(Slow())
trace.set_tracer_provider(provider)
def call():
    with trace.get_tracer("test").start_as_current_span("caller"):
        START
threading.Thread(target=call, daemon=True).start()
assert entered.wait(20)
"""
)


@pytest.mark.parametrize(
    "slow",
    [
        _SLOW_HANDLER,
        # Who calls waits for the processors, as a span of Python's would.
        _SLOW_PROCESSOR.replace("START", "faults.nothing()"),
        _SLOW_PROCESSOR.replace("START", "faults.nothing.submit().result()"),
    ],
    ids=["handler", "processor of a call", "processor of a submitted call"],
)
def test_what_is_slow_keeps_no_call_waiting(slow: str, program: Programs) -> None:
    """Replies, callbacks and questions of Go go on while a handler or processor waits."""
    done = program(
        slow
        + """
called = threading.Event()
future = faults.add.submit(1, 2)
future.add_done_callback(lambda _: called.set())
assert called.wait(20) and 3 == future.result()
os.environ["LATER"] = "told"
assert "told\\n" == faults.run(["sh", "-c", "echo $LATER"])
print(gostitch.force_flush(0.1))
let_go.set()
print(gostitch.force_flush(20))
"""
    )

    assert (0, "False\nTrue\n") == (done.returncode, done.stdout), done.stderr
    assert "not known" not in done.stderr


def test_a_processor_that_raises_is_passed_by(program: Programs) -> None:
    """The log says so for each span, the others arrive, and who flushes is told nothing."""
    done = program("""
import faults, gostitch
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Raises(SpanProcessor):
    def on_end(self, span):
        seen.append(span.name)
        if span.name == "faults.nothing":
            raise ValueError("of the processor")

seen = []
provider = TracerProvider()
provider.add_span_processor(Raises())
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("caller"):
    faults.nothing()
    faults.add(1, 2)
    faults.nothing()
print(gostitch.force_flush(), provider.force_flush(), sorted(seen))
""")

    seen = ["caller", "faults.add", "faults.nothing", "faults.nothing"]
    assert f"True True {seen}\n" == done.stdout, done.stderr
    assert 2 == done.stderr.count("a span of Go could not be handed to the span processors")
    assert 0 == done.returncode


def test_breadcrumbs_that_fail_lose_no_record(program: Programs) -> None:
    """What before_breadcrumb raises about a record of Go keeps it from no handler."""
    done = program("""
import logging
import sentry_sdk
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())  # so that a call outside of any span has no caller

def before(crumb, hint):
    raise LookupError("no crumb of ours")

sentry_sdk.init(
    "http://a@127.0.0.1:9/1", transport=lambda event: None, before_breadcrumb=before,
    default_integrations=False,
)
import faults, gostitch
seen = []
class Look(logging.Handler):
    def emit(self, record):
        seen.append(record.getMessage())
logging.getLogger("gostitch.go").addHandler(Look())
for text in ("one", "two"):
    faults.log(8, text)
gostitch.force_flush()
assert ["one", "two"] == seen, seen
""")

    assert 0 == done.returncode, done.stderr
    assert 1 == done.stderr.count("no crumb of ours")


def test_a_callable_runs_where_a_context_cannot_be_entered(program: Programs) -> None:
    """It is below its caller then, which is said once."""
    done = program("""
import faults
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())

def clear(context=None):
    raise LookupError("no context of ours")

seen = []
def answer(question):
    seen.append(trace.get_current_span())
    return 1

baggage.clear = clear
step = faults.FaultsVisitStep
with trace.get_tracer("x").start_as_current_span("root") as root:
    for _ in range(2):
        faults.visit([step("asked", -1, "ask", "", "")], answer=answer)
assert seen == [root, root], seen
""")

    assert 0 == done.returncode, done.stderr
    assert 1 == done.stderr.count("no context of ours")


def test_who_flushes_in_the_middle_of_handling(program: Programs) -> None:
    """A handler or processor that flushes does not wait for itself."""
    done = program("""
import logging
import faults, gostitch
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Flushes(SpanProcessor, logging.Handler):
    def on_end(self, span):
        if span.name != "caller":
            seen.append(gostitch.force_flush(40))

    def emit(self, record):
        seen.append(gostitch.force_flush(40))

seen = []
provider = TracerProvider()
provider.add_span_processor(Flushes())
trace.set_tracer_provider(provider)
logging.getLogger("gostitch.go").addHandler(Flushes())
with trace.get_tracer("test").start_as_current_span("caller"):
    faults.log(8, "text", count=2)
    faults.nothing()
assert gostitch.force_flush(40)
print(seen)
""")

    assert f"{[True] * 4}\n" == done.stdout, done.stderr


def test_who_flushes_for_each_span(program: Programs) -> None:
    """However many wait, each is seen once, and the last flush is true."""
    done = program("""
import faults, gostitch
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Flushes(SpanProcessor):
    def on_end(self, span):
        if span.name == "faults.nothing":
            provider.force_flush()
            gostitch.force_flush()
            seen.append(span.context.span_id)

seen = []
provider = TracerProvider()
provider.add_span_processor(Flushes())
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("caller"):
    for _ in range(400):
        faults.nothing()
print(provider.force_flush(), len(seen), len(set(seen)))
""")

    assert (0, "True 400 400\n", "") == (done.returncode, done.stdout, done.stderr)


def test_who_flushes_for_each_record_at_the_end(program: Programs) -> None:
    """The interpreter's end handles the last records itself, and a flush waits for none of them."""
    done = program("""
import atexit, logging, time
atexit.register(lambda: print(len(seen)))
import faults, gostitch

class Flushes(logging.Handler):
    def emit(self, record):
        time.sleep(0.002)  # so that some wait at the end
        gostitch.force_flush(20)
        seen.append(record)

seen = []
logging.getLogger("gostitch.go").addHandler(Flushes())
for _ in range(400):
    faults.log(8, "text")
""")

    assert (0, "400\n", "") == (done.returncode, done.stdout, done.stderr)
