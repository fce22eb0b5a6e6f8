"""What Go's requests and programs carry: what Python's global propagator writes for the same span."""

from __future__ import annotations

import json
from typing import Any

import pytest

from programs import Programs

PROPAGATORS = [
    None,  # the default
    "none",
    "tracecontext",
    "baggage",
    "tracecontext,baggage",
    "b3",
    "b3multi",
    "xray",
    "xray-lambda",
    "jaeger",
    "b3,tracecontext",
    "b3multi, jaeger,baggage",
]

SCENE = """
import contextlib, json, os, sys
from pathlib import Path
from tempfile import mkdtemp
import faults
from gostitch import tasks
from http_servers import serving
from opentelemetry import baggage, context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
FOLDER = mkdtemp(dir=".")
OF_HTTP = {"host", "user-agent", "accept-encoding", "range", "connection", "accept"}
kept = []

def keep(request):
    kept.append({k.lower(): v for k, v in request.headers.items() if k.lower() not in OF_HTTP})
    request.answer(b"x")
    return True

stack = contextlib.ExitStack()
URL = stack.enter_context(serving(Path(FOLDER), keep))
sys.excepthook = lambda *error: (sys.__excepthook__(*error), stack.close())

@contextlib.contextmanager
def caller(flags=1, **members):
    state = TraceState([("vendor", "x:1")])
    span = NonRecordingSpan(SpanContext(TRACE, SPAN, True, TraceFlags(flags), state))
    current = trace.set_span_in_context(span)
    for key, value in members.items():
        current = baggage.set_baggage(key, value, current)
    token = context.attach(current)
    try:
        yield span
    finally:
        context.detach(token)

def by_request(**headers):
    (one,) = tasks.fetch([{"url": URL, "path": f"{FOLDER}/x"}], headers=headers)
    assert one.ok, one
    return kept.pop()

def by_python(setter=None):
    from opentelemetry import propagate
    carrier = {}
    propagate.inject(carrier, **({"setter": setter} if setter else {}))
    return carrier if setter else {k.lower(): v for k, v in carrier.items()}

def by_program(span=""):
    environment = dict(each.split("=", 1) for each in faults.propagate(span=span).environment)
    return {k: v for k, v in environment.items() if v and v != os.environ.get(k)}
"""


@pytest.fixture
def scene(program: Programs) -> Any:
    """Runs a piece of code below the scene, and gives what it has printed as JSON."""

    def run(code: str, propagators: str | None = None, before: str = "") -> Any:
        done = program(
            before + SCENE + code + "\nstack.close()\n",
            env={"OTEL_PROPAGATORS": propagators},
            timeout=40,
        )
        assert (0, "") == (done.returncode, done.stderr)
        return json.loads(done.stdout or "null")

    return run


@pytest.mark.parametrize("propagators", PROPAGATORS)
def test_go_sends_what_python_sends(scene: Any, propagators: str | None) -> None:
    """For the same span: requests all but the baggage, code of one's own and programs all of it."""
    scene(
        """
from opentelemetry.propagators._envcarrier import EnvironmentSetter

for flags in (0, 1, 2, 3):
    for members in ({}, {"user": "zoë", "plan": "a/b"}):
        with caller(flags, **members):
            wanted = by_python()
            found = faults.propagate().headers
            for headers in (wanted, found):
                headers["baggage"] = sorted(headers.get("baggage", "").replace("%2F", "/").split(","))
            assert wanted == found, (wanted, found)
            at_home = [k for k in wanted if k == "baggage" or k.startswith("uberctx-")]
            wanted = {k: v for k, v in wanted.items() if k not in at_home}
            found = by_request()
            assert wanted == found, (wanted, found)
            wanted, found = by_python(EnvironmentSetter()), by_program()
            for each in (wanted, found):
                each["BAGGAGE"] = sorted(each.get("BAGGAGE", "").replace("%2F", "/").split(","))
            assert wanted == found, (wanted, found)
with caller(), caller():
    assert TRACE == int(faults.trace()[0][3:35], 16)  # what is inside stays as it is
assert {} == by_request()
""",
        propagators,
    )


@pytest.mark.parametrize("propagators", ["tracecontext", "b3", "b3multi", "xray", "jaeger"])
def test_gos_own_span_is_what_is_sent(scene: Any, propagators: str) -> None:
    """Where Go makes spans, its requests and programs are below those, in each format."""
    scene(
        """
from opentelemetry import propagate
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with provider.get_tracer("x").start_as_current_span("caller") as span:
    sent = {"tasks.fetch": by_request(), "own": faults.propagate(span="own").headers}
provider.force_flush()
by_name = {each.name: each for each in exporter.get_finished_spans()}
by_name["tasks.fetch"] = by_name["GET"]  # that of the request itself
for name, headers in sent.items():
    # Servers find it in any case.
    received = headers | {"X-Amzn-Trace-Id": headers.get("x-amzn-trace-id")}
    found = trace.get_current_span(propagate.extract(received)).get_span_context()
    assert by_name[name].context.span_id == found.span_id, (name, headers)
    assert by_name[name].context.trace_id == found.trace_id
    assert found.trace_flags.sampled
    if "uber-trace-id" in headers:
        assert by_name[name].parent.span_id == int(headers["uber-trace-id"].split(":")[2], 16)
""",
        propagators,
    )


@pytest.mark.parametrize("propagators", ["tracecontext,baggage", "b3", "b3multi", "xray", "jaeger"])
def test_go_reads_what_python_reads(scene: Any, propagators: str) -> None:
    """Code of Go that serves requests finds in each format what Python's propagator finds."""
    scene(
        """
from opentelemetry import propagate

T, S = f"{TRACE:032x}", f"{SPAN:016x}"
xray = f"Root=1-{T[:8]}-{T[8:]};Parent={S}"
for headers in [
    {},
    {"traceparent": f"00-{T}-{S}-01", "tracestate": "v=1", "baggage": "a=1"},
    {"b3": f"{T}-{S}-1"}, {"b3": f"{T}-{S}-0"}, {"b3": f"{T}-{S}"}, {"b3": f"{T}-{S}-d-{S}"},
    {"b3": f"{T[16:]}-{S}-1"}, {"b3": "0"}, {"b3": f"{T}-x-1"},
    {"x-b3-traceid": T, "x-b3-spanid": S, "x-b3-sampled": "1"},
    {"x-b3-traceid": T, "x-b3-spanid": S, "x-b3-flags": "1"},
    {"x-b3-traceid": T, "x-b3-spanid": S, "x-b3-sampled": "0"}, {"x-b3-traceid": T},
    {"X-Amzn-Trace-Id": xray + ";Sampled=1"}, {"X-Amzn-Trace-Id": xray + ";Sampled=0"},
    {"X-Amzn-Trace-Id": f"Parent={S};Sampled=1"}, {"X-Amzn-Trace-Id": "x"},
    {"uber-trace-id": f"{T}:{S}:0:1"}, {"uber-trace-id": f"{T}:{S}:{S}:00"},
    {"uber-trace-id": f"{T[18:]}:{S[2:]}:0:3"}, {"uber-trace-id": f"{T}:{S}:1"}, {"uber-trace-id": f"0:{S}:0:1"},
]:
    of = trace.get_current_span(propagate.extract(headers)).get_span_context()
    wanted = f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}" if of.is_valid else ""
    assert wanted == faults.extract(headers)[0], (headers, wanted, faults.extract(headers))
""",
        propagators,
    )


OWN = """
import contextvars
from opentelemetry import propagate
from opentelemetry.propagate import set_global_textmap  # as Sentry's SDK does
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator, default_setter

number = contextvars.ContextVar("number", default="")

class Own(TextMapPropagator):
    def inject(self, carrier, context=None, setter=default_setter):
        if number.get():
            setter.set(carrier, "X-Request-Id", number.get())
        of = trace.get_current_span(context).get_span_context()
        if of.is_valid:
            setter.set(carrier, "x-own", f"{of.trace_id:x}/{of.span_id:x}")
            setter.set(carrier, "baggage", "own=1")

    def extract(self, carrier, context=None, getter=None):
        return context

    fields = {"x-own"}
"""


def test_a_propagator_of_ones_own_is_asked_for_each_call(scene: Any) -> None:
    """What it writes is sent by all, with a span and without, and never one request's for another."""
    scene(
        OWN
        + """
set_global_textmap(Own())
assert {} == by_request()
for each in ("1", "2"):
    number.set(each)
    assert {"x-request-id": each} == by_request()
    assert {"x-request-id": each} == faults.propagate().headers
    assert {"X_REQUEST_ID": each} == by_program()
    assert {"x-request-id": each} == faults.propagate.submit().result().headers
with caller():
    for each in ("3", "4"):
        number.set(each)
        wanted = {"x-request-id": each, "x-own": f"{TRACE:x}/{SPAN:x}", "baggage": "own=1"}
        assert wanted == by_python() == by_request() == faults.propagate().headers
        wanted = {k.upper().replace("-", "_"): v for k, v in wanted.items()}
        assert wanted == by_program(), by_program()
        # A callable that Go asks is in the trace, and so is what it calls.
        seen = []
        faults.ask(1, answer=lambda question: seen.append((faults.trace()[0], by_request())) or 1)
        ((parent, headers),) = seen
        assert TRACE == int(parent[3:35], 16) and each == headers["x-request-id"], seen
"""
    )


def test_propagators_of_ones_own_among_others(scene: Any) -> None:
    """Each stands where it stood, so the later wins, and Go writes those that it knows."""
    scene(
        OWN
        + """
class Second(Own):
    def inject(self, carrier, context=None, setter=default_setter):
        setter.set(carrier, "x-own", "second")
        setter.set(carrier, "b3", "second")

for leaves in ([Own(), B3SingleFormat()], [Second(), B3SingleFormat(), Own()],
               [B3SingleFormat(), CompositePropagator([Second(), Own(), Second()])]):
    set_global_textmap(CompositePropagator(leaves))
    with caller():
        assert by_python() == by_request() == faults.propagate().headers, (leaves, by_request())
"""
    )


def test_a_class_that_is_not_quite_a_known_one_is_asked(scene: Any) -> None:
    """A subclass with other headers, an instance or a class whose ``inject`` was replaced."""
    scene(
        OWN
        + """
class Renamed(B3MultiFormat):
    TRACE_ID_KEY = "x-trace"

def other(self, carrier, context=None, setter=default_setter):
    setter.set(carrier, "x-other", "1")

replaced = B3SingleFormat()
replaced.inject = lambda carrier, context=None, setter=None: carrier.update({"x-replaced": "1"})
composite = CompositePropagator([B3SingleFormat()])
composite.inject = replaced.inject
with caller():
    for each in (Renamed(), replaced, composite):
        set_global_textmap(each)
        assert by_python() == by_request() == faults.propagate().headers, (each, by_request())
    B3MultiFormat.inject = other
    set_global_textmap(B3MultiFormat())
    assert {"x-other": "1"} == by_python() == by_request()
"""
    )


def test_the_next_call_follows_another_propagator(scene: Any) -> None:
    """Within one span and outside of any, whoever has set it and however it was imported."""
    scene(
        OWN
        + """
with caller():
    for _ in range(2):
        for each, name in ((B3SingleFormat(), "b3"), (Own(), "x-own"), (B3MultiFormat(), "x-b3-spanid")):
            set_global_textmap(each)
            headers = by_request()
            assert name in headers and by_python() == headers | ({"baggage": "own=1"} if name == "x-own" else {}), headers
            assert by_python() == faults.propagate().headers
number.set("1")
set_global_textmap(B3SingleFormat())
assert {} == by_request()
set_global_textmap(Own())
assert {"x-request-id": "1"} == by_request()
set_global_textmap(CompositePropagator([]))
assert {} == by_request()
"""
    )


def test_a_forked_child_sends_the_same(scene: Any) -> None:
    """It has another Go, which is told anew."""
    scene(
        OWN
        + """
set_global_textmap(CompositePropagator([B3SingleFormat(), Own()]))
with caller():
    wanted = faults.propagate().headers
    assert "b3" in wanted and "x-own" in wanted, wanted
    child = os.fork()
    if child == 0:
        os._exit(wanted != faults.propagate().headers)
    assert 0 == os.waitpid(child, 0)[1]
"""
    )


def test_what_comes_late_is_followed(scene: Any) -> None:
    """The module of propagators may be imported after the first call in a span."""
    scene(
        """
with caller():
    assert "opentelemetry.propagate" not in sys.modules
    assert {"traceparent", "tracestate"} == set(by_request())
    from opentelemetry.propagate import set_global_textmap
    from opentelemetry.propagators.b3 import B3SingleFormat
    set_global_textmap(B3SingleFormat())
    assert {"b3"} == set(by_request())
"""
    )


def test_without_an_sdk_the_propagator_counts_too(scene: Any) -> None:
    """A trace that ``trace_context`` was given goes on as the environment says."""
    scene(
        """
import gostitch
with gostitch.trace_context(traceparent=f"00-{TRACE:032x}-{SPAN:016x}-01"):
    assert {"b3": f"{TRACE:032x}-{SPAN:016x}-1"} == by_request()
with gostitch.trace_context(traceparent="malformed"):
    assert {"b3"} == set(by_request()) and {"B3"} == set(by_program())
""",
        "b3",
        "import sys; sys.modules['opentelemetry.sdk'] = None\n",
    )


@pytest.mark.parametrize(
    ("propagators", "given", "left"),
    [
        (None, "traceparent", set()),
        (None, "tracestate", set()),
        (None, "baggage", {"traceparent", "tracestate"}),
        ("b3multi", "X-B3-TraceId", set()),
        ("b3multi,tracecontext", "traceparent", {"x-b3-traceid", "x-b3-spanid", "x-b3-sampled"}),
    ],
)
def test_a_header_of_the_callers_own_stays(
    scene: Any, propagators: str | None, given: str, left: set[str]
) -> None:
    """Nothing is added to it that belongs to another span; other formats are sent."""
    found = scene(
        f"""
with caller():
    json.dump(by_request(**{{{given!r}: "own"}}), sys.stdout)
""",
        propagators,
    )

    assert "own" == found.pop(given.lower())
    assert left == set(found)


def test_the_propagator_of_sentry(scene: Any) -> None:
    """OTLPIntegration replaces the global one: Go sends its header, and the baggage it was given."""
    scene(
        """
import sentry_sdk
from opentelemetry import propagate
from opentelemetry.sdk.trace import TracerProvider
from sentry_sdk.integrations.otlp import OTLPIntegration

trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("x")
with tracer.start_as_current_span("before"):
    assert {"traceparent"} == set(by_request())
sentry_sdk.init(
    "http://public@127.0.0.1:9/1",
    integrations=[OTLPIntegration(setup_otlp_traces_exporter=False)],
    transport=lambda event: None,
)
received = {"sentry-trace": f"{TRACE:032x}-{SPAN:016x}-1", "baggage": "sentry-release=1,other=2"}
context.attach(propagate.extract(received))
with tracer.start_as_current_span("request"):
    wanted = by_python()
    assert wanted["sentry-trace"].startswith(f"{TRACE:032x}-") and "baggage" in wanted, wanted
    assert wanted == by_request() == faults.propagate().headers, (wanted, by_request())
    program = by_program()
    assert (wanted["sentry-trace"], wanted["baggage"]) == (program["SENTRY_TRACE"], program["BAGGAGE"])
"""
    )


BROKEN = """
import logging
logging.basicConfig(format="%(message)s", stream=sys.stdout)
class Broken(Own):
    def inject(self, carrier, context=None, setter=default_setter):
        carrier |= {"x-good": "1", "x bad": "1", "x-lines": "1\\n2", "x-number": 1, "x-other": "\\u0394"}
        if number.get() == "calls":
            faults.nothing()
            carrier["x-called"] = "1"
        elif number.get():
            raise RuntimeError(number.get())
set_global_textmap(CompositePropagator([Broken(), B3SingleFormat()]))
"""


def test_a_broken_propagator_fails_no_call(program: Programs) -> None:
    """What cannot be sent is left out, which is said once; other propagators go on."""
    done = program(
        SCENE
        + OWN
        + BROKEN
        + """
with caller():
    assert {"x-good", "b3"} == set(by_request())
    number.set("calls")
    assert {"x-good", "x-called", "b3"} == set(by_request())
    number.set("broken")
    assert {"b3"} == set(by_request()) == set(faults.propagate().headers)
stack.close()
"""
    )

    assert (0, "") == (done.returncode, done.stderr)
    wrong, broken = done.stdout.splitlines()
    assert "carry not all of what the propagator Broken writes" in wrong
    assert "carry nothing of the propagator Broken; correct its inject (RuntimeError" in broken


def test_a_propagator_that_is_not_installed(program: Programs) -> None:
    """The W3C's headers go out, and the log says what to correct; so does Python's import."""
    done = program(
        SCENE
        + """
import logging
logging.basicConfig(format="%(message)s", stream=sys.stdout)
with caller():
    assert {"traceparent", "tracestate"} == set(by_request()) == set(faults.propagate().headers)
stack.close()
""",
        env={"OTEL_PROPAGATORS": "nonsense"},
    )

    assert (0, "") == (done.returncode, done.stderr)
    (said,) = done.stdout.splitlines()
    assert "headers of the W3C; correct OTEL_PROPAGATORS (ValueError: Propagator nonsense" in said
