"""Go records exactly where Python's provider does: a span of Python's in the same place tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from observe.scenario import run
from observe.spans import Span
from programs import Programs

TESTS = str(Path(__file__).parents[1])

PROLOGUE = """
import contextlib, itertools
import faults, gostitch
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF, ALWAYS_ON, Decision, ParentBased, Sampler, SamplingResult, StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

exporter = InMemorySpanExporter()

def provide(**options):
    provider = TracerProvider(**options)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider

def names():
    return sorted(span.name for span in exporter.get_finished_spans())
"""

SAMPLERS = """
class ByName(Sampler):
    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None,
                      trace_state=None):
        wanted = name in ("faults.nothing", "kept")
        decision = Decision.RECORD_AND_SAMPLE if wanted else Decision.DROP
        return SamplingResult(decision, {"rule": name, "rate": 50.0}, TraceState([("by", "name")]))

    def get_description(self):
        return "ByName"
"""

AS_PYTHON = """
same, different = 0, []
for trace_id, flags, remote in itertools.product([1, 2**63, 2**64 - 1], [0, 1, 3], [True, False]):
    above = NonRecordingSpan(SpanContext(trace_id, 2, remote, TraceFlags(flags)))
    with trace.use_span(above):
        exporter.clear()
        with provider.get_tracer("x").start_as_current_span("faults.nothing"):
            pass
        expected = names()
        exporter.clear()
        faults.nothing()
        if names() != expected:
            different.append((trace_id, flags, remote, expected, names()))
assert not different, different
"""


@pytest.mark.parametrize(
    "sampler",
    [
        "ALWAYS_ON",
        "ALWAYS_OFF",
        "TraceIdRatioBased(0.5)",
        "TraceIdRatioBased(1.0)",
        "TraceIdRatioBased(0.0)",
        "ParentBased(ALWAYS_ON)",
        "ParentBased(ALWAYS_OFF, remote_parent_not_sampled=ALWAYS_ON)",
        "ParentBased(ALWAYS_ON, remote_parent_sampled=ALWAYS_OFF)",
        "ParentBased(ALWAYS_ON, local_parent_sampled=TraceIdRatioBased(0.5))",
        "ParentBased(ALWAYS_ON, local_parent_not_sampled=ParentBased(ALWAYS_OFF, "
        "local_parent_not_sampled=ALWAYS_ON))",
        "ByName()",
        "ParentBased(ALWAYS_OFF, remote_parent_sampled=ByName())",
    ],
)
def test_a_call_is_sampled_as_a_span_of_python(sampler: str, program: Programs) -> None:
    """Below remote and local parents, sampled and not, of ids on both sides of a ratio."""
    done = program(PROLOGUE + SAMPLERS + f"provider = provide(sampler={sampler})\n" + AS_PYTHON)

    assert 0 == done.returncode, done.stderr


def test_what_the_sampler_says_is_on_the_call_and_below(program: Programs) -> None:
    """Attributes and trace state of its decision; what is below is asked about by its name."""
    done = program(
        PROLOGUE
        + SAMPLERS
        + """
provider = provide(sampler=ParentBased(ALWAYS_ON, local_parent_sampled=ByName()))
with provider.get_tracer("x").start_as_current_span("root"):
    faults.nothing()
    faults.add(1, 2)
spans = {span.name: span for span in exporter.get_finished_spans()}
assert ["faults.nothing", "root"] == sorted(spans), spans
call = spans["faults.nothing"]
assert ("faults.nothing", 50.0) == (call.attributes["rule"], call.attributes["rate"])
assert "name" == call.context.trace_state["by"]
"""
    )

    assert 0 == done.returncode, done.stderr


def test_attributes_of_any_kind_that_the_sampler_gives(program: Programs) -> None:
    """They are on the call as on a span of Python's own, numbers that are none among them."""
    done = program(
        PROLOGUE
        + SAMPLERS
        + """
class Gives(ByName):
    def should_sample(self, parent_context, trace_id, name, *others, **named):
        return SamplingResult(Decision.RECORD_AND_SAMPLE, {
            "first": 1, "nan": float("nan"), "infinite": [float("inf"), -float("inf")], "text": "a\\n{é",
            "whole": 1.0, "large": 2**63 - 1, "texts": ("a", "b"), "none": (), "bytes": b"\\xff",
            "map": {"a": 1, "b": b""}, "mixed": (1, "a", 0.5, None), "last": True,
        })

provider = provide(sampler=Gives())
with provider.get_tracer("x").start_as_current_span("root"):
    faults.nothing()
call, root = exporter.get_finished_spans()
found = {key: value for key, value in call.attributes.items() if key in root.attributes}
assert repr(dict(root.attributes)) == repr(found), (root.attributes, found)
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_spans_below_a_call_are_asked_about_by_name(program: Programs) -> None:
    """A sampler that decides by name has the last word on those that go through Python."""
    done = program(
        PROLOGUE
        + SAMPLERS
        + """
class Visits(ByName):
    def should_sample(self, parent_context, trace_id, name, *others, **named):
        if name == "faults.visit_lines":
            return SamplingResult(Decision.RECORD_AND_SAMPLE)
        return super().should_sample(parent_context, trace_id, name, *others, **named)

provider = provide(sampler=ParentBased(ALWAYS_ON, local_parent_sampled=Visits()))
step = faults.FaultsVisitStep
with provider.get_tracer("x").start_as_current_span("root"):
    list(faults.visit_lines([step("kept", -1, "inline", "", ""), step("other", -1, "inline", "", "")]))
gostitch.force_flush()
assert ["faults.visit_lines", "kept", "root"] == names(), names()
(kept,) = (span for span in exporter.get_finished_spans() if span.name == "kept")
assert "kept" == kept.attributes["rule"]
"""
    )

    assert 0 == done.returncode, done.stderr


def test_samplers_that_write_or_fail(program: Programs) -> None:
    """One may put something into the attributes it gets; what it raises costs no span."""
    done = program(
        PROLOGUE
        + SAMPLERS
        + """
class Writes(ByName):
    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, *others, **named):
        attributes["rate"] = 50.0
        if name == "failing":
            raise LookupError("of the sampler's own")
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

provider = provide(sampler=ParentBased(ALWAYS_ON, local_parent_sampled=Writes()))
step = faults.FaultsVisitStep
steps = [step(name, -1, "inline", "", "") for name in ("kept", "failing", "last")]
with provider.get_tracer("x").start_as_current_span("root"):
    list(faults.visit_lines(steps))
gostitch.force_flush()
assert ["failing", "faults.visit_lines", "kept", "last", "root"] == names(), names()
rates = {span.name: span.attributes.get("rate") for span in exporter.get_finished_spans()}
assert rates["kept"] == rates["last"] == rates["faults.visit_lines"] == 50.0, rates
"""
    )

    assert 0 == done.returncode, done.stderr
    assert 1 == done.stderr.count("of the sampler's own")


def test_a_sampler_that_only_records(program: Programs) -> None:
    """Processors see what is recorded and not sampled, as they see such spans of Python."""
    done = program(
        PROLOGUE
        + """
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import AlwaysRecordSampler

class Keep(SpanProcessor):
    def on_end(self, span):
        seen.append((span.name, int(span.context.trace_flags) & 1))

seen = []
provider = provide(sampler=AlwaysRecordSampler(ALWAYS_OFF))
provider.add_span_processor(Keep())
with provider.get_tracer("x").start_as_current_span("root"):
    faults.nothing()
assert [("faults.nothing", 0), ("root", 0)] == seen, seen
assert [] == names()
"""
    )

    assert 0 == done.returncode, done.stderr


OFF = {
    "disabled": ({"OTEL_SDK_DISABLED": "true"}, "provide()"),
    "disabled, in other letters": ({"OTEL_SDK_DISABLED": " TRUE "}, "provide()"),
    "no-op provider": ({}, "trace.set_tracer_provider(trace.NoOpTracerProvider())"),
    "scope": (
        {},
        "from opentelemetry.sdk.trace import _disable_tracer_configurator as off\n"
        "provide(_tracer_configurator=off)",
    ),
}


@pytest.mark.parametrize("how", OFF)
def test_an_sdk_that_records_nothing(how: str, program: Programs) -> None:
    """With a sampled parent of another service nothing is recorded, nor sent on as Go's own."""
    environment, provide = OFF[how]
    done = program(
        PROLOGUE
        + provide
        + """
above = NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1)))
gostitch.configure(traces="always")
step = faults.FaultsVisitStep
faults.nothing()
with trace.use_span(above):
    faults.nothing()
    list(faults.visit_lines([step("own", -1, "inline", "", "")]))
    parent = faults.trace(span="own")[0]
assert gostitch.force_flush()
assert [] == names(), names()
assert f"00-{1:032x}-{2:016x}-01" == parent, parent
assert 0 == gostitch.runtime_info()["spans_dropped"]
""",
        env=environment,
    )

    assert 0 == done.returncode, done.stderr


def test_a_disabled_sdk_sends_nothing_from_go() -> None:
    """With the real exporter of OTLP neither side sends anything."""
    spans = run(
        """
        from gostitch import tasks
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
        with trace.use_span(NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1)))):
            tasks.hash_tree("/etc/hosts")
        provider.force_flush()
        """,
        {"OTEL_SDK_DISABLED": "true"},
    )

    assert [] == spans


def suppressed(how: str, export: str) -> list[Span]:
    """Give what arrives of a call with a span of Go below, where that is suppressed."""
    return run(
        f"""
        import faults, gostitch
        gostitch.configure(export={export!r}, traces="always")
        {how}
        step = faults.FaultsVisitStep
        with suppress():
            list(faults.visit_lines([step("root", -1, "inline", "", "")]))
        with tracer.start_as_current_span("caller"), suppress():
            faults.nothing()
            list(faults.visit_lines([step("own", -1, "inline", "", "")]))
            seen = faults.trace(span="own")
            assert ["", "", ""] == seen[:3], seen
            assert 3 == faults.add.submit(1, 2).result()
        assert provider.force_flush()
        """,
        {"PYTHONPATH": TESTS},
    )


SUPPRESS = """
        import contextlib
        from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY
        @contextlib.contextmanager
        def suppress():
            token = context.attach(context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
            try:
                yield
            finally:
                context.detach(token)
"""


@pytest.mark.parametrize("export", ["direct", "python"])
def test_suppressed_instrumentation(export: str) -> None:
    """Calls make no spans then, and send no trace context on."""
    spans = suppressed(SUPPRESS, export)

    assert ["caller"] == [span.name for span in spans]


@pytest.mark.parametrize("export", ["direct", "python"])
def test_calls_outside_of_any_span(export: str) -> None:
    """Without a word they have none; with traces="always" each is a root, as a span of Python's."""
    spans = run(
        f"""
        import faults, gostitch
        gostitch.configure(export={export!r})
        faults.nothing()
        gostitch.configure(traces="always")
        step = faults.FaultsVisitStep
        list(faults.visit_lines([step("own", -1, "inline", "", "")]))
        assert 3 == faults.add.submit(1, 2).result()
        gostitch.configure(traces="inside")
        faults.nothing()
        assert provider.force_flush()
        """,
        {"PYTHONPATH": TESTS},
    )

    by_name = {span.name: span for span in spans}
    assert ["faults.add", "faults.visit_lines", "own"] == sorted(by_name)
    assert "" == by_name["faults.add"].parent_id == by_name["faults.visit_lines"].parent_id
    assert by_name["own"].parent_id == by_name["faults.visit_lines"].span_id
    assert by_name["faults.add"].trace_id != by_name["own"].trace_id


def test_roots_of_go_before_any_call_in_a_span() -> None:
    """A goroutine's own span is recorded although no call was ever made inside a span."""
    spans = run(
        """
        import faults
        step = faults.FaultsVisitStep
        list(faults.visit_lines([step("own", -1, "inline", "", "")]))
        assert provider.force_flush()
        """,
        {"PYTHONPATH": TESTS},
    )

    assert ["own"] == [span.name for span in spans]


def test_roots_are_asked_about(program: Programs) -> None:
    """A sampler of the user's own decides on roots too, with the id that they get."""
    done = program(
        PROLOGUE
        + SAMPLERS
        + """
asked = []
class Asked(ByName):
    def should_sample(self, parent_context, trace_id, name, *others, **named):
        asked.append(trace_id)
        return super().should_sample(parent_context, trace_id, name, *others, **named)

provider = provide(sampler=Asked())
gostitch.configure(traces="always")
faults.nothing()
faults.add(1, 2)
(root,) = exporter.get_finished_spans()
assert ("faults.nothing", None) == (root.name, root.parent)
assert asked[0] == root.context.trace_id and 2 == len(asked), asked
"""
    )

    assert 0 == done.returncode, done.stderr


def test_a_generator_of_ids_of_ones_own(program: Programs) -> None:
    """Spans of Go have ids that it has made, in calls, below them, and of roots."""
    done = program(
        PROLOGUE
        + """
class Counting:
    def __init__(self):
        self.count = itertools.count(1)

    def generate_span_id(self):
        return 0xABCD << 48 | next(self.count)

    def generate_trace_id(self):
        return 0xABCD << 112 | next(self.count)

    def is_trace_id_random(self):
        return False

provider = provide(id_generator=Counting())
step = faults.FaultsVisitStep
gostitch.configure(traces="always")
for _ in range(6):
    for _ in range(1000):
        faults.nothing()
    gostitch.force_flush()  # Python has handed over more by then
list(faults.visit_lines([step("own", -1, "inline", "", "")]))
with provider.get_tracer("x").start_as_current_span("root"):
    faults.nothing()
gostitch.force_flush()
spans = exporter.get_finished_spans()
assert 6004 == len(spans) == len({span.context.span_id for span in spans})
assert {0xABCD} == {span.context.span_id >> 48 for span in spans}
assert {0xABCD} == {span.context.trace_id >> 112 for span in spans}
assert {1} == {int(span.context.trace_flags) for span in spans}
"""
    )

    assert 0 == done.returncode, done.stderr


FOREIGN = """
import itertools, logging
import faults, gostitch
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

ended = []

class Span(NonRecordingSpan):
    def __init__(self, name, parent, start, attributes):
        ids = parent.trace_id if parent.is_valid else next(numbers), next(numbers)
        super().__init__(SpanContext(*ids, is_remote=False, trace_flags=TraceFlags(1)))
        self.name, self.parent, self.start, self.attributes = name, parent, start, attributes
        self.events, self.status = [], None

    def add_event(self, name, attributes=None, timestamp=None):
        self.events.append(name)

    def set_status(self, status, description=None):
        self.status = status

    def end(self, end_time=None):
        self.end_time = end_time
        ended.append(self)

class Tracer(trace.Tracer):
    def start_span(self, name, context=None, kind=trace.SpanKind.INTERNAL, attributes=None,
                   links=None, start_time=None, record_exception=True, set_status_on_exception=True):
        parent = trace.get_current_span(context).get_span_context()
        return Span(name, parent, start_time, attributes)

    def start_as_current_span(self, name, **options):
        return trace.use_span(self.start_span(name), end_on_exit=True)

class Provider(trace.TracerProvider):
    def get_tracer(self, *arguments, **named):
        return Tracer()

numbers = itertools.count(1)
trace.set_tracer_provider(Provider())
"""


def test_a_provider_that_is_not_the_sdks(program: Programs) -> None:
    """Spans of Go are made again by its tracers, below one another; one warning says so."""
    done = program(
        FOREIGN
        + """
step = faults.FaultsVisitStep
for _ in range(2):
    with trace.get_tracer("x").start_as_current_span("root"):
        list(faults.visit_lines([step("own", -1, "inline", "", ""), step("below", 0, "inline", "", "")]))
    try:
        with trace.get_tracer("x").start_as_current_span("root"):
            faults.fail("data")
    except gostitch.GoError:
        pass
by_id = {span.get_span_context().span_id: span for span in ended}
above = {(span.name, by_id[span.parent.span_id].name) for span in ended if span.parent.is_valid}
assert above == {
    ("faults.visit_lines", "root"), ("own", "faults.visit_lines"), ("below", "own"),
    ("faults.fail", "root"),
}, above
assert 12 == len(ended)
failed = [span for span in ended if span.name == "faults.fail"]
assert [["exception"]] * 2 == [span.events for span in failed]
assert all(not span.status.is_ok and span.start < span.end_time for span in failed)
"""
    )

    assert 0 == done.returncode, done.stderr
    assert 1 == done.stderr.count("through the tracer API of Provider"), done.stderr
