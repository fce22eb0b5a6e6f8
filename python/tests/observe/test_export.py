"""How spans of Go leave: as ``export`` says, with everything that Python's exporter was told."""

from __future__ import annotations

from pathlib import Path

import pytest

import gostitch
from ci_pipeline.receiver import receiving
from observe.scenario import PROLOGUE, run_to
from observe.spans import Span, spans_of
from observe.wiretap import wiretap
from programs import Programs

TESTS = str(Path(__file__).parents[1])  # where the module of faults is

GO = "OTel OTLP Exporter Go"
PYTHON = "OTel-OTLP-Exporter-Python"

CALL = """
from gostitch import tasks
with tracer.start_as_current_span("caller"):
    tasks.hash_tree("/etc/hosts")
assert provider.force_flush()
"""


def sent(code: str, **environment: str) -> tuple[list[Span], set[str], str]:
    """Run code; give the spans, the names of who has sent them, and what was printed."""
    with receiving() as receiver:
        said = run_to(receiver, code, environment)
        senders = {sender.partition("/")[0] for sender in receiver.senders}
        return spans_of(receiver.document()), senders, said


def test_auto_sends_from_go() -> None:
    """The receiver sees the exporter of Go beside that of Python."""
    spans, senders, _ = sent(CALL)

    assert {GO, PYTHON} == senders
    assert ["caller", "tasks.hash_tree"] == sorted(span.name for span in spans)


@pytest.mark.parametrize(
    ("code", "environment"),
    [
        ("import gostitch; gostitch.configure(export='python')" + CALL, {}),
        (CALL, {"GOSTITCH_EXPORT": "python"}),
        # What is configured comes before the environment.
        (
            "import gostitch; gostitch.configure(export='python')" + CALL,
            {"GOSTITCH_EXPORT": "direct"},
        ),
    ],
    ids=["configured", "environment", "both"],
)
def test_python_sends_through_pythons_processors(code: str, environment: dict[str, str]) -> None:
    """Although Go could, it sends nothing itself."""
    spans, senders, _ = sent(code, **environment)

    assert {PYTHON} == senders
    assert ["caller", "tasks.hash_tree"] == sorted(span.name for span in spans)


def test_direct_sends_from_go_beside_other_processors() -> None:
    """A processor of one's own does not see what Go sends by itself, since that was chosen."""
    spans, senders, _ = sent(
        """
        from opentelemetry.sdk.trace import SpanProcessor
        from gostitch import tasks

        class Keep(SpanProcessor):
            def on_end(self, span):
                kept.append(span.name)

        kept = []
        provider.add_span_processor(Keep())
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
        assert provider.force_flush()
        assert kept == ["caller"], kept
        """,
        GOSTITCH_EXPORT="direct",
    )

    assert {GO, PYTHON} == senders
    assert ["caller", "tasks.hash_tree"] == sorted(span.name for span in spans)


NO_EXPORTER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from gostitch import tasks
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with trace.get_tracer("x").start_as_current_span("caller"):
    tasks.hash_tree("/etc/hosts")
provider.force_flush()
print(sorted(span.name for span in exporter.get_finished_spans()))
"""


def test_direct_without_a_fitting_exporter_says_so_and_falls_back(program: Programs) -> None:
    """One warning names the reason and the remedy; the spans go through Python."""
    done = program(NO_EXPORTER, env={"GOSTITCH_EXPORT": "direct"})

    assert "['caller', 'tasks.hash_tree']\n" == done.stdout
    assert done.stderr.startswith("GOSTITCH_EXPORT=direct cannot be: its exporter InMemory")
    assert done.stderr.endswith("one OTLPSpanExporter of opentelemetry-exporter-otlp-proto-grpc\n")


def test_a_mode_that_does_not_exist_is_named(program: Programs) -> None:
    """In the environment it is a warning; as an argument an error that says what there is."""
    done = program(NO_EXPORTER, env={"GOSTITCH_EXPORT": "directly"})

    assert "['caller', 'tasks.hash_tree']\n" == done.stdout
    assert "must be 'auto', 'python' or 'direct', not 'directly'" in done.stderr
    with pytest.raises(gostitch.GoValueError, match="export must be 'auto', 'python' or 'direct'"):
        gostitch.configure(export="both")


def test_processors_that_are_added_later_are_not_passed_by() -> None:
    """Auto looks again: the first call leaves from Go, the second through both processors."""
    spans, senders, _ = sent("""
        from opentelemetry.sdk.trace import SpanProcessor
        from gostitch import tasks

        class Keep(SpanProcessor):
            def on_end(self, span):
                kept.append(span.name)

        kept = []
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
            provider.add_span_processor(Keep())
            tasks.hash_tree("/etc/hosts")
        assert provider.force_flush()
        assert sorted(kept) == ["caller", "tasks.hash_tree"], kept
        provider.shutdown()
    """)

    assert {GO, PYTHON} == senders
    assert ["caller", "tasks.hash_tree", "tasks.hash_tree"] == sorted(span.name for span in spans)


def test_the_mode_can_be_changed_later() -> None:
    """What is configured between two calls counts for the second, below the same span."""
    spans, senders, _ = sent("""
        import gostitch
        from gostitch import tasks
        from gostitch.observe import _flush
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
            assert not _flush.is_through()
            gostitch.configure(export="python")
            tasks.hash_tree("/etc/hosts")
            assert _flush.is_through()
            gostitch.configure(export=None)
            tasks.hash_tree("/etc/hosts")
            assert not _flush.is_through()
        assert provider.force_flush()
    """)

    assert {GO, PYTHON} == senders
    assert ["caller", *["tasks.hash_tree"] * 3] == sorted(span.name for span in spans)


def test_another_provider_takes_the_place_of_the_first() -> None:
    """Go follows it with its resource, and so do tracers that Go packages took before."""
    spans, _, _ = sent(
        """
        import faults
        from opentelemetry.util._once import Once

        def call():
            with trace.get_tracer("scenario").start_as_current_span("caller"):
                faults.visit_lines([faults.FaultsVisitStep("own", -1, "inline", "", "")]).__next__()
                faults.nothing()

        call()
        second = TracerProvider(resource=Resource.create({"service.name": "second"}))
        second.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = None, Once()
        trace.set_tracer_provider(second)
        call()
        provider.shutdown()
        second.shutdown()
        """,
        PYTHONPATH=TESTS,
    )

    names = ["caller", "faults.nothing", "faults.visit_lines", "own"]
    first, second = (
        [s.name for s in spans if ("second" in s.resource) == is_second]
        for is_second in (False, True)
    )
    assert (names, names) == (sorted(first), sorted(second))


def test_everything_that_the_exporter_was_told_counts_for_go() -> None:
    """Explicit headers win over the environment, which counts for the rest."""
    with receiving() as receiver:
        run_to(
            receiver,
            """
            from opentelemetry.sdk.trace import TracerProvider
            second = TracerProvider()
            second.add_span_processor(
                BatchSpanProcessor(
                    OTLPSpanExporter(headers={"x-key": "explicit"})
                )
            )
            from opentelemetry.util._once import Once
            trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = None, Once()
            trace.set_tracer_provider(second)
            provider.shutdown()
            from gostitch import tasks
            with second.get_tracer("x").start_as_current_span("caller"):
                tasks.hash_tree("/etc/hosts")
            assert second.force_flush()
            """,
            {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=environment"},
        )
        (metadata,) = (each for each in receiver.metadata if each["user-agent"].startswith(GO))

    assert "explicit" == metadata["x-key"]


@pytest.mark.parametrize("of", ["", "TRACES_"])
def test_headers_of_the_environment_count_for_go(of: str) -> None:
    """OTEL_EXPORTER_OTLP_HEADERS, or that of traces, is sent by Go as by Python."""
    with receiving() as receiver:
        run_to(receiver, CALL, {f"OTEL_EXPORTER_OTLP_{of}HEADERS": "x-key=environment"})

    assert ["environment"] * 2 == [each["x-key"] for each in receiver.metadata]


@pytest.mark.parametrize(
    ("sampler", "names"),
    [
        ("always_on", ["faults.nothing", "own"]),  # also below a span that is not sampled
        ("always_off", []),
        ("parentbased_always_off", []),
        ("parentbased_always_on", ["own"]),
    ],
)
def test_traces_that_begin_in_go_are_sampled_as_pythons(sampler: str, names: list[str]) -> None:
    """Without a caller's span, a span of Go is a root, for which Python's sampler decides."""
    spans, _, _ = sent(
        """
        import faults
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
        unsampled = NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(0)))
        with trace.use_span(unsampled):
            faults.nothing()
        next(faults.visit_lines([faults.FaultsVisitStep("own", -1, "inline", "", "")]))
        assert provider.force_flush()
        """,
        PYTHONPATH=TESTS,
        OTEL_TRACES_SAMPLER=sampler,
    )

    assert names == sorted(span.name for span in spans)


STRANGE_RESOURCE = """
import enum
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

class Name(str, enum.Enum):
    PRODUCTION = "production"

class Number(enum.IntEnum):
    ONE = 1

headers = None
attributes = {{"service.name": "strange", "name": Name.PRODUCTION, "number": Number.ONE, {more}}}
{headers}
provider = TracerProvider(resource=Resource(attributes))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(headers=headers)))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("x")
"""


@pytest.mark.parametrize(
    ("more", "headers", "senders"),
    [
        ("", "", {GO, PYTHON}),
        ("'list': [Name.PRODUCTION, 'x'], 'none': [], 'number': 1.5", "", {GO, PYTHON}),
        ("'mixed': [1, 2.5]", "", {PYTHON}),
        ("'bytes': b'ab'", "", {PYTHON}),
        ("'nested': {'a': 1}", "", {PYTHON}),
        ("", "headers = (('x-bin', b'\\xff'),)", {PYTHON}),
        ("", "headers = (('x', 'a'), ('x', 'b'))", {PYTHON}),
    ],
    ids=["enum", "lists", "mixed", "bytes", "mapping", "binary header", "header twice"],
)
def test_what_go_has_not_goes_through_python(more: str, headers: str, senders: set[str]) -> None:
    """Every resource and header arrives as Python sends it, on spans of both."""
    with receiving() as receiver:
        prologue = STRANGE_RESOURCE.format(more=more, headers=headers)
        said = run_to(receiver, CALL, prologue=prologue)
        spans = spans_of(receiver.document())
        seen = {sender.partition("/")[0] for sender in receiver.senders}

    assert ("", senders) == (said, seen)
    assert ["caller", "tasks.hash_tree"] == sorted(span.name for span in spans)
    assert 1 == len({span.resource for span in spans})


def test_variables_that_go_would_misread() -> None:
    """What was given explicitly wins, and nothing is printed past logging."""
    spans, senders, said = sent(
        CALL,
        OTEL_EXPORTER_OTLP_CERTIFICATE="/does/not/exist",
        OTEL_EXPORTER_OTLP_CLIENT_KEY="/does/not/exist",
        OTEL_SPAN_LINK_COUNT_LIMIT="7",
    )

    assert ({GO, PYTHON}, "") == (senders, said)
    assert ["caller", "tasks.hash_tree"] == sorted(span.name for span in spans)


@pytest.mark.parametrize("export", ["auto", "python"])
def test_limits_of_spans(export: str) -> None:
    """What the provider was told a span may hold holds in Go."""
    spans, _, _ = sent(
        """
        from opentelemetry.sdk.trace import SpanLimits
        import faults, gostitch
        limited = TracerProvider(
            resource=resource,
            span_limits=SpanLimits(max_span_attributes=2, max_span_attribute_length=3, max_events=0),
        )
        limited.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace._TRACER_PROVIDER = limited
        with limited.get_tracer("x").start_as_current_span("caller"):
            faults.visit([faults.FaultsVisitStep("own", -1, "inline", "", "")], answer=int)
            try:
                faults.fail("data")
            except gostitch.GoError:
                pass
        assert limited.force_flush()
        """,
        GOSTITCH_EXPORT=export,
        PYTHONPATH=TESTS,
    )

    own, failed = (
        next(each for each in spans if each.name == name) for name in ("own", "faults.fail")
    )
    assert [2, 2] == [len(each.attributes) for each in (own, failed)]
    values = (*(own.attributes | {"pid": ""}).values(), *failed.attributes.values())
    assert all(len(value) <= 3 for value in values if isinstance(value, str)), values
    assert [] == failed.events


def test_a_provider_that_comes_late() -> None:
    """A context that was current before it was set is in the trace from then on."""
    spans, _, _ = sent(
        """
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
        from gostitch import tasks
        trace._TRACER_PROVIDER = None
        remote = NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(1)))
        context.attach(trace.set_span_in_context(remote))
        tasks.hash_tree("/etc/hosts")
        trace._TRACER_PROVIDER = provider
        tasks.hash_tree("/etc/hosts")
        provider.shutdown()
        """
    )

    assert ["tasks.hash_tree"] == [span.name for span in spans]


@pytest.mark.parametrize("export", ["auto", "python"])
def test_nothing_leaves_after_the_providers_shutdown(export: str) -> None:
    """Spans of Go would be without their parents, which Python drops."""
    spans, _, _ = sent(
        """
        import gostitch
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
        provider.shutdown()
        with tracer.start_as_current_span("later"):
            tasks.hash_tree("/etc/hosts")
        gostitch.force_flush()
        """,
        GOSTITCH_EXPORT=export,
    )

    assert ["caller", "tasks.hash_tree"] == sorted(span.name for span in spans)


def test_processors_see_the_start_of_a_span(program: Programs) -> None:
    """When it is delivered; what they add then is exported, and its parent is above it."""
    done = program("""
import faults, gostitch
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

class Tenant(SpanProcessor):
    def on_start(self, span, parent_context=None):
        above = trace.get_current_span(parent_context).get_span_context()
        span.set_attribute("above", f"{above.span_id:016x}")
        seen.append(span.name)

seen = []
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(Tenant())
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("caller") as caller:
    try:
        faults.fail("data", text="why")
    except gostitch.GoError:
        pass
assert provider.force_flush()
_, call = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)
assert call.attributes["above"] == f"{caller.get_span_context().span_id:016x}"
assert caller.start_time <= call.start_time <= call.end_time <= caller.end_time
assert (call.status.description, call.events[0].name) == ("why", "exception")
assert call.resource is provider.resource
assert not call.parent.is_remote and not call.context.is_remote
print(seen)
""")

    assert ("['caller', 'faults.fail']\n", "") == (done.stdout, done.stderr)


def test_processors_see_the_baggage_above_a_span(program: Programs) -> None:
    """That with which it began in Go, whoever made it; limits of spans count as in Python."""
    done = program("""
import logging
import faults, gostitch
from opentelemetry import baggage, context, trace
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # it warns of each text that is cut
exporter = InMemorySpanExporter()
provider = TracerProvider(span_limits=SpanLimits(max_span_attribute_length=10))
provider.add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("without"):
    faults.add(1, 2)
context.attach(baggage.set_baggage("tenant", "Zoë, daughter & son"))
context.attach(baggage.set_baggage("order", "1+2"))
with trace.get_tracer("test").start_as_current_span("with"):
    faults.visit([faults.FaultsVisitStep("own", -1, "inline", "", "")], answer=int)
assert provider.force_flush()
for span in exporter.get_finished_spans():
    given = {key: span.attributes.get(key) for key in ("tenant", "order", "gostitch.start_baggage")}
    print(span.name, *given.values())
""")

    expected = {
        "without None None None",
        "faults.add None None None",
        "with Zoë, daugh 1+2 None",
        "faults.visit Zoë, daugh 1+2 None",
        "own Zoë, daugh 1+2 None",
    }
    assert (expected, "") == (set(done.stdout.splitlines()), done.stderr)


def test_attributes_that_find_no_room_beside_baggage(program: Programs) -> None:
    """The first go, as in Python, whether the span has baggage above it or none."""
    done = program("""
import logging
import faults
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

class SeesStarts(SpanProcessor):
    def on_start(self, span, parent_context=None):
        pass

logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # it warns of each that goes
exporter = InMemorySpanExporter()
provider = TracerProvider(span_limits=SpanLimits(max_span_attributes=2))
provider.add_span_processor(SeesStarts())
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
for above in context.Context(), baggage.set_baggage("tenant", "Zoë"):
    context.attach(above)
    with trace.get_tracer("test").start_as_current_span("caller"):
        faults.visit([faults.FaultsVisitStep("own", -1, "inline", "", "")], answer=int)
assert provider.force_flush()
for span in exporter.get_finished_spans():
    if span.name == "own":
        print(*span.attributes)
""")

    assert (2 * "flags baggage\n", "") == (done.stdout, done.stderr)


def test_the_schema_of_the_resource() -> None:
    """It is sent with Go's spans as with Python's."""
    url = "https://opentelemetry.io/schemas/1.2.3"
    with receiving() as receiver:
        prologue = PROLOGUE.replace("resource = ", f"resource = Resource({{}}, {url!r}) or ")
        run_to(receiver, CALL, prologue=prologue)
        schemas = [each.schema_url for sent in receiver.requests for each in sent.resource_spans]

    assert [url, url] == schemas


@pytest.mark.parametrize(
    ("exporter", "environment", "compressed"),
    [
        ("OTLPSpanExporter()", {}, False),
        ("OTLPSpanExporter()", {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, True),
        ("OTLPSpanExporter()", {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip"}, True),
        (
            "OTLPSpanExporter(compression=grpc.Compression.NoCompression)",
            {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
            False,
        ),
        ("OTLPSpanExporter(compression=grpc.Compression.Gzip)", {}, True),
    ],
)
def test_compression(exporter: str, environment: dict[str, str], compressed: bool) -> None:
    """What is sent is compressed as Python's exporter was told, first of all explicitly."""
    with receiving() as receiver, wiretap(receiver.endpoint) as tapped:
        code = PROLOGUE.replace("OTLPSpanExporter()", exporter) + CALL
        run_to(
            receiver,
            code,
            environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": tapped.endpoint},
            "import grpc",
        )

    assert {GO, PYTHON} == {sender.partition("/")[0] for sender in receiver.senders}
    assert [compressed] * 2 == tapped.compressed()


def test_what_exports_is_no_call(program: Programs) -> None:
    """A dump does not show its goroutines as the call that started them."""
    done = program("""
import os
import faults, gostitch
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="http://127.0.0.1:9")))
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("caller"):
    faults.add.submit(1, 2).result()
text = gostitch.dump_text()
print("observe.(*batcher).serve" in text, "observe.configure" in text, flush=True)
os._exit(0)  # nobody listens
""")

    assert "True False\n" == done.stdout
