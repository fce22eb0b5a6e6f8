"""The kit by which users see that their traces are whole: it is green where they are, else red."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from gostitch.testing import Recording, StitchError, assert_stitched
from observe.scenario import run

_PROLOGUE = """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
import contextvars
import faults
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from gostitch.testing import StitchError, assert_stitched, record_spans, stitched

tracer = trace.get_tracer("test")

def red(work, *words, **options):
    try:
        with stitched(**options):
            work()
    except StitchError as error:
        for word in words:
            assert word in str(error), error
        return str(error)
    raise SystemExit(f"it stayed green: {words}")
"""

_ENV = {"PYTHONPATH": str(Path(__file__).parents[1])}

_GREEN = {
    "sync": "faults.add(1, 2)",
    "submitted": "faults.add.submit(1, 2).result()",
    "mapped": "list(faults.sleep.map([0.0, 0.0]))",
    "awaited": "asyncio.run(awaited())",
    "stream": "list(faults.lines(3))",
    "callback": "faults.ask(2, answer)",
    "thread with its context": "carried()",
    "failed": "failing()",
}

_WORK = """
async def awaited():
    await asyncio.gather(*[faults.sleep.submit(0.01) for _ in range(5)])

def answer(question):
    with tracer.start_as_current_span("answer"):
        return 1

def carried():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, faults.add, 1, 2).result()

def failing():
    try:
        faults.fail("not_found")
    except FileNotFoundError:
        pass

def handler():
    with tracer.start_as_current_span("handler"):
        {work}
"""


@pytest.mark.parametrize("work", _GREEN)
def test_what_is_whole(work: str) -> None:
    """However a function is called below a span, the trace is whole."""
    run(
        _WORK.format(work=_GREEN[work])
        + """
faults.add(1, 2)  # before, and outside of any span
for _ in range(2):
    with stitched(root="handler") as recording:
        handler()
    assert recording.go_spans
    assert all(name in recording.tree() for name in ("handler [py]", "[go]"))
""",
        env=_ENV,
        prologue=_PROLOGUE,
    )


def test_what_is_torn() -> None:
    """Each way to lose the context is red, and the message says which call, and why."""
    run(
        """
        def lost():
            with tracer.start_as_current_span("handler"):
                thread = threading.Thread(target=faults.add, args=(1, 2))
                thread.start()
                thread.join()

        def cut():
            with tracer.start_as_current_span("handler"):
                token = context.attach(context.Context())
                with tracer.start_as_current_span("other"):
                    faults.add(1, 2)
                context.detach(token)

        def outlives():
            with tracer.start_as_current_span("handler"):
                future = faults.sleep.submit(0.1)
            future.result()

        def unfinished():
            span = tracer.start_span("never ends")
            with trace.use_span(span):
                faults.add(1, 2)

        def two():
            for _ in range(2):
                with tracer.start_as_current_span("handler"):
                    faults.add(1, 2)

        red(lost, "faults.add() was called 1 times, and 0 of the calls have a span", "thread")
        red(cut, "there are 2 traces, which begin with handler, other")
        told = red(outlives, "faults.sleep ends", "ms after handler, which it is below")
        assert "  faults.sleep [go]" in told
        red(unfinished, "faults.add is below a span that was not recorded, or had not ended")
        red(two, "there are 2 traces")
        red(lambda: None, "no span was recorded")
        red(lambda: two, "tasks.pack() was not called", calls=["tasks.pack"])

        def fine():
            with tracer.start_as_current_span("handler"):
                faults.add(1, 2)

        red(fine, "the root is handler, not other", root="other")
        with stitched(root="handler", calls=["faults.add"]):
            fine()
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )


def test_the_provider_goes_on() -> None:
    """The user's provider exports what is recorded too, and keeps nothing of the recording."""
    run(
        """
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        before = provider._active_span_processor._span_processors
        with record_spans() as recording:
            with tracer.start_as_current_span("handler"):
                faults.add(1, 2)
        assert_stitched(recording)
        names = [span.name for span in exporter.get_finished_spans()]
        assert ["faults.add", "handler"] == sorted(names), names
        assert {"faults.add": 1} == {k: v for k, v in recording.calls.items() if v}
        after = provider._active_span_processor._span_processors
        assert set(map(type, before)) <= set(map(type, after)), (before, after)
        assert len(after) <= len(before) + 1, (before, after)
        with tracer.start_as_current_span("later"):
            pass
        assert 2 == len(recording.spans)
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )


@pytest.mark.parametrize("export", ["auto", "python", "direct"])
def test_whatever_is_configured_to_export(export: str) -> None:
    """Go's spans are recorded and exported on, also where they would go by themselves."""
    spans = run(
        """
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
        for _ in range(2):
            with stitched(root="caller", calls=[faults.add]):
                with tracer.start_as_current_span("caller"):
                    faults.add(1, 2)
        """,
        env=_ENV | {"GOSTITCH_EXPORT": export},
        prologue=_PROLOGUE,
    )

    assert ["caller", "caller", "faults.add", "faults.add"] == sorted(span.name for span in spans)


def test_a_fake_library_stands_in() -> None:
    """Its calls make no spans; those of Python are looked at, and what flushes finds no Go."""
    run(
        """
        from gostitch.testing import fake_library
        faults.nothing()
        with fake_library() as fake:
            fake.returns(faults.add, 3)
            with stitched(root="caller"):
                with tracer.start_as_current_span("caller"):
                    assert 3 == faults.add(1, 2)
            red(lambda: None, "fake.calls_of", calls=["faults.add"])
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )


def test_a_bare_thread_under_a_fake_library() -> None:
    """What is red with the real library is red with the fake one."""
    run(
        """
from gostitch.testing import fake_library

def call():
    with tracer.start_as_current_span("handler"):
        thread = threading.Thread(target=faults.add, args=(1, 2))
        thread.start()
        thread.join()

with fake_library() as fake:
    fake.returns(faults.add, 3)
    red(call, "faults.add() was called 1 times where no span is current", root="handler")
    with stitched(root="handler"), tracer.start_as_current_span("handler"):
        faults.add(1, 2)
""",
        env=_ENV,
        prologue=_PROLOGUE,
    )


def test_a_fake_library_in_the_middle() -> None:
    """Calls count whenever the fake library comes and goes: those of it, and those of Go."""
    run(
        """
from gostitch.testing import fake_library
from contextlib import ExitStack

def elsewhere():
    thread = threading.Thread(target=faults.add, args=(1, 2))
    thread.start()
    thread.join()

def faked(work):
    with tracer.start_as_current_span("handler"), fake_library() as fake:
        fake.returns(faults.add, 3)
        work()

def real_before_it(work):
    with tracer.start_as_current_span("handler"):
        work()
    later.enter_context(fake_library())

def call():
    faults.add(1, 2)

alone = "faults.add() was called 1 times where no span is current"
red(lambda: faked(elsewhere), alone, root="handler")
red(lambda: faked(call), "fake.calls_of", root="handler", calls=["faults.add"])
with stitched(root="handler"):
    faked(call)
with ExitStack() as later:
    with stitched(root="handler", calls=["faults.add"]) as recording:
        real_before_it(call)
    assert 1 == len(recording.go_spans)
    assert 1 == recording.calls["faults.add"]
with ExitStack() as later:
    red(lambda: real_before_it(elsewhere), "faults.add() was called 1 times, and 0 of the calls")
with ExitStack() as first:
    first.enter_context(fake_library()).returns(faults.add, 3)

    def real_after_it():
        with tracer.start_as_current_span("handler"):
            call()
            first.close()
            call()

    with stitched(root="handler", calls=["faults.add"]) as recording:
        real_after_it()
    assert 1 == recording.calls["faults.add"]
""",
        env=_ENV,
        prologue=_PROLOGUE,
    )


def test_arguments_that_cannot_be() -> None:
    """Each is a TypeError that says what would be right, before the code runs."""
    run(
        """
        recording = None
        def refused(word, act):
            try:
                act()
            except TypeError as error:
                assert word in str(error), error
            else:
                raise SystemExit(f"{word} was taken")

        with record_spans() as recording, tracer.start_as_current_span("caller"):
            faults.add(1, 2)
        assert_stitched(recording, calls=[faults.add, "faults.add"])
        refused("calls must be a list", lambda: assert_stitched(recording, calls="faults.add"))
        refused("calls must be a list", lambda: stitched(calls=faults.add).__enter__())
        refused("not 3", lambda: assert_stitched(recording, calls=[3]))
        refused("recording must be", lambda: assert_stitched(recording.spans))
        """,
        env=_ENV,
        prologue=_PROLOGUE,
    )


def _recording(*spans: dict[str, Any]) -> Recording:
    """Give a recording of a root of 1 s and of other spans, by what they differ in."""
    recording = Recording()
    root = SpanContext(1, 1, is_remote=False)
    recording.spans = [ReadableSpan("root", root, start_time=0, end_time=10**9)]
    for number, given in enumerate(spans, 2):
        context = SpanContext(1, given.pop("id", number), is_remote=False)
        span = {"start_time": 1, "end_time": 2, "parent": root, **given}
        recording.spans.append(ReadableSpan(f"span {number}", context, **span))
    return recording


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        ([{"start_time": -2_000_000}], "span 2 begins 2.0 ms before root"),
        ([{"end_time": 1_002_000_000}], "span 2 ends 2.0 ms after root"),
        ([{"id": 7}, {"id": 7}], "span 2 was recorded 2 times"),
        ([{"resource": Resource({"a": 1})}], "2 resources"),
        ([{"parent": SpanContext(1, 9, is_remote=False)}], "below a span that was not recorded"),
        ([{"parent": None}], "2 roots: root, span 2"),
    ],
)
def test_each_thing_that_is_looked_at(spans: list[dict[str, Any]], problem: str) -> None:
    """One thing that is wrong with a whole trace is the one that is told."""
    assert_stitched(_recording({}, {"start_time": -900_000, "end_time": 1_000_900_000}))
    with pytest.raises(StitchError) as raised:
        assert_stitched(_recording(*spans))

    (told,) = (line for line in str(raised.value).splitlines() if line.startswith("- "))
    assert problem in told
