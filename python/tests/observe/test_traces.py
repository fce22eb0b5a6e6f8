"""Spans of Go below the Python spans that called, as a real receiver sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from observe.scenario import run


def test_a_call_makes_a_go_span_below_the_callers_span() -> None:
    """A call inside a span is a child of it, within its time, on its trace, with one resource."""
    spans = run("""
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
        provider.shutdown()
    """)

    caller, call = sorted(spans, key=lambda span: span.by_go)
    assert (caller.name, call.name) == ("caller", "tasks.hash_tree")
    assert (call.parent_id, call.trace_id) == (caller.span_id, caller.trace_id)
    assert caller.start <= call.start <= call.end <= caller.end
    assert call.resource == caller.resource
    assert call.attributes["code.function.name"].endswith("hashtree.Sum")


def test_a_call_span_says_where_its_time_went() -> None:
    """Decoding the arguments, the function, encoding the result: in all no more than the span."""
    spans = run("""
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
            tasks.hash_tree.submit("/etc/hosts").result()
        provider.shutdown()
    """)

    for call in (span for span in spans if span.by_go):
        parts = [
            int(call.attributes[f"gostitch.call.{part}_ns"])
            for part in ("marshal_in", "run", "marshal_out")
        ]
        assert min(parts) > 0
        assert sum(parts) <= call.end - call.start


def test_a_program_that_go_starts_is_below_the_span_that_starts_it() -> None:
    """TRACEPARENT, TRACESTATE and BAGGAGE are those of Go's innermost span, whatever was inherited."""
    spans = run(
        """
        import os
        import faults
        os.environ.update(TRACEPARENT="stale", TRACESTATE="stale=1", BAGGAGE="stale=1")
        context.attach(baggage.set_baggage("user", "Zoë, b"))
        with tracer.start_as_current_span("caller"):
            parent, state, members, program = faults.trace(span="starts")
        assert [parent, state, members, ""] == program.split("\\n"), program
        assert "user=Zo%C3%AB%2C%20b" == members, members
        with tracer.start_as_current_span(parent):
            pass
        assert "stale\\nstale=1\\nstale=1\\n" == faults.trace()[3]
        provider.shutdown()
        """,
        {"PYTHONPATH": str(Path(__file__).parents[1])},
    )

    (starts,) = (span for span in spans if span.name == "starts")
    assert f"00-{starts.trace_id}-{starts.span_id}-03" in {span.name for span in spans}


def test_messages_are_handled_below_the_calls_span() -> None:
    """The callable sees Go's span as the current one, and the caller's context variables."""
    spans = run(
        """
        import asyncio, contextvars
        import faults
        variable = contextvars.ContextVar("variable")
        variable.set("the caller's")

        def handle(tick):
            assert "the caller's" == variable.get()
            with tracer.start_as_current_span("handling"):
                pass

        async def awaited():
            await faults.count_messages.submit(2, progress=handle)

        with tracer.start_as_current_span("caller"):
            faults.count_messages(2, progress=handle)
            faults.count_messages.submit(2, progress=handle).result()
            asyncio.run(awaited())
        provider.shutdown()
        """,
        {"PYTHONPATH": str(Path(__file__).parents[1])},
    )

    calls = [span.span_id for span in spans if span.by_go]
    handled = [span.parent_id for span in spans if span.name == "handling"]
    assert sorted(calls * 2) == sorted(handled)
    assert 3 == len(calls)


def test_every_way_to_call_is_stitched() -> None:
    """Sync, submitted, mapped and awaited calls each hang below the span current at the call."""
    spans = run("""
        import asyncio
        from gostitch import tasks

        async def awaited():
            with tracer.start_as_current_span("awaiting"):
                await tasks.hash_tree.submit("/etc/hosts")

        with tracer.start_as_current_span("calling"):
            tasks.hash_tree("/etc/hosts")
        with tracer.start_as_current_span("submitting"):
            tasks.hash_tree.submit("/etc/hosts").result()
        with tracer.start_as_current_span("mapping"):
            list(tasks.hash_tree.map(["/etc/hosts"]))
        asyncio.run(awaited())
        provider.shutdown()
    """)

    names = {span.span_id: span.name for span in spans}
    parents = sorted(names[span.parent_id] for span in spans if span.by_go)
    assert parents == ["awaiting", "calling", "mapping", "submitting"]


def test_a_call_without_a_span_makes_none() -> None:
    """Outside of any span Go starts no trace of its own."""
    spans = run("""
        from gostitch import tasks
        tasks.hash_tree("/etc/hosts")
        with tracer.start_as_current_span("later"):
            pass
        tasks.hash_tree("/etc/hosts")
        provider.shutdown()
    """)

    assert [span.name for span in spans] == ["later"]


def test_an_unsampled_trace_stays_unsampled() -> None:
    """Python's sampling decision holds in Go."""
    spans = run("""
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
        from gostitch import tasks
        unsampled = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(0))
        with tracer.start_as_current_span("sampled"):
            tasks.hash_tree("/etc/hosts")
        with trace.use_span(NonRecordingSpan(unsampled)):
            tasks.hash_tree("/etc/hosts")
        provider.shutdown()
    """)

    assert sorted(span.name for span in spans) == ["sampled", "tasks.hash_tree"]


def test_flags_and_tracestate_arrive_whole() -> None:
    """All flag bits and the tracestate of a remote parent reach Go's spans unchanged."""
    spans = run("""
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
        from gostitch import tasks
        with tracer.start_as_current_span("configures"):
            tasks.hash_tree("/etc/hosts")
        remote = SpanContext(0xABC, 0xDEF, True, TraceFlags(0x03), TraceState([("vendor", "x:1")]))
        with trace.use_span(NonRecordingSpan(remote)):
            tasks.hash_tree("/etc/hosts")
        provider.shutdown()
    """)

    (call,) = (span for span in spans if int(span.trace_id, 16) == 0xABC)
    assert call.flags & 0xFF == 0x03
    assert call.state == "vendor=x:1"
    assert int(call.parent_id, 16) == 0xDEF


def test_a_failed_call_has_status_and_exception_with_the_go_stack() -> None:
    """An error ends the call's span with status ERROR, its code, and an exception event."""
    spans = run("""
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            try:
                tasks.hash_tree("/does/not/exist")
            except FileNotFoundError:
                pass
        provider.shutdown()
    """)

    (call,) = (span for span in spans if span.by_go)
    (event,) = call.events
    assert call.status["code"] == 2
    assert call.attributes["gostitch.error.code"] == "not_found"
    assert "/does/not/exist" in event["attributes"]["exception.message"]
    assert "hashtree" in event["attributes"]["exception.stacktrace"]


def test_an_error_that_is_no_utf8_loses_no_span() -> None:
    """OTLP would refuse the whole batch for the name of one file in an unknown encoding."""
    spans = run("""
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
            try:
                tasks.hash_tree(b"/does/not/\\xff/exist")
            except FileNotFoundError:
                pass
        provider.shutdown()
    """)

    good, failed = sorted((span for span in spans if span.by_go), key=lambda span: span.start)
    assert ({}, 2) == (good.status, failed.status["code"])
    assert "/does/not/\ufffd/exist" in failed.status["message"]


def test_a_span_that_outgrows_one_batch_arrives_once() -> None:
    """A thousand calls give exactly a thousand Go spans, flushed by the provider's shutdown."""
    spans = run("""
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            for result in tasks.hash_tree.map(["/etc/hosts"] * 1000):
                pass
        provider.shutdown()
    """)

    calls = [span for span in spans if span.by_go]
    assert len(calls) == 1000
    assert len({span.span_id for span in calls}) == 1000


def test_spans_arrive_when_the_process_just_ends() -> None:
    """Nothing is flushed by hand: the provider's shutdown at exit takes Go's spans along."""
    spans = run("""
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
    """)

    assert sorted(span.name for span in spans) == ["caller", "tasks.hash_tree"]


def test_baggage_does_not_break_a_call_without_a_span() -> None:
    """Baggage alone crosses without a trace, whatever its characters."""
    spans = run("""
        from gostitch import tasks
        context.attach(baggage.set_baggage("user", "Zoë, = ;\\u20ac"))
        tasks.hash_tree("/etc/hosts")
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
        provider.shutdown()
    """)

    assert sorted(span.name for span in spans) == ["caller", "tasks.hash_tree"]


def test_spans_reach_exporters_that_exist_only_in_python() -> None:
    """Without an OTLP gRPC exporter Go's spans go through the provider's own processors."""
    run(
        """
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from gostitch import tasks

        exporter = InMemorySpanExporter()
        provider = TracerProvider(resource=Resource.create({"service.name": "memory"}))
        provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        with trace.get_tracer("x").start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
            try:
                tasks.hash_tree("/does/not/exist")
            except FileNotFoundError:
                pass
        assert provider.force_flush()

        spans = {(span.name, span.status.is_ok): span for span in exporter.get_finished_spans()}
        caller = spans["caller", True]
        call, failed = spans["tasks.hash_tree", True], spans["tasks.hash_tree", False]
        for span in (call, failed):
            assert span.parent.span_id == caller.context.span_id
            assert span.context.trace_id == caller.context.trace_id
            assert span.attributes["gostitch.side"] == "go"
            assert span.resource == caller.resource
            assert caller.start_time <= span.start_time <= span.end_time <= caller.end_time
        (event,) = failed.events
        assert event.name == "exception"
        assert "/does/not/exist" in event.attributes["exception.message"]
        """,
        prologue="",
    )


def test_a_collector_that_is_gone_neither_fails_nor_delays_the_call() -> None:
    """With nobody at the endpoint, calls return, and the process ends within the timeout."""
    run(
        """
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            assert tasks.hash_tree("/etc/hosts").files == 1
        """,
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
        },
    )


def test_no_span_is_lost_when_many_threads_begin_at_once() -> None:
    """The first traced calls of 20 threads all have their Go span, and nothing else is in the trace."""
    spans = run("""
        import threading
        from gostitch import tasks

        together = threading.Barrier(20)

        def call():
            with tracer.start_as_current_span("caller"):
                together.wait()
                for _ in range(5):
                    tasks.hash_tree("/etc/hosts")

        threads = [threading.Thread(target=call) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        provider.shutdown()
    """)

    assert sorted(span.name for span in spans) == ["caller"] * 20 + ["tasks.hash_tree"] * 100


def test_a_processor_of_ones_own_sees_gos_spans() -> None:
    """Beside an OTLP exporter, too: nothing of the user's pipeline is passed by."""
    spans = run("""
        from opentelemetry.sdk.trace import SpanProcessor
        from gostitch import tasks

        class Keep(SpanProcessor):
            def on_end(self, span):
                kept.append(span.name)

        kept = []
        provider.add_span_processor(Keep())
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
        provider.force_flush()
        assert sorted(kept) == ["caller", "tasks.hash_tree"], kept
        provider.shutdown()
    """)

    assert sorted(span.name for span in spans) == ["caller", "tasks.hash_tree"]


def test_the_api_alone_is_enough() -> None:
    """Without an SDK a call inside a span works, and exports nothing."""
    spans = run(
        """
        import sys
        sys.modules["opentelemetry.sdk"] = None  # as if it were not installed
        from opentelemetry import trace
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
        from gostitch import tasks
        span = NonRecordingSpan(SpanContext(0xABC, 0xDEF, True, TraceFlags(1)))
        with trace.use_span(span):
            assert tasks.hash_tree("/etc/hosts").files == 1
        """,
        prologue="",
    )

    assert spans == []


@pytest.mark.parametrize(
    ("sampler", "flag"),
    [
        ("ALWAYS_ON", "03"),
        ("ALWAYS_OFF", "02"),
        ("ParentBased(ALWAYS_ON)", "03"),
        ("ParentBased(TraceIdRatioBased(0.0))", "02"),
        ("TraceIdRatioBased(0.0)", "02"),
        ("TraceIdRatioBased(1.0)", "03"),
        ("Own()", "02"),
    ],
)
def test_a_trace_that_begins_in_go(sampler: str, flag: str) -> None:
    """Python's sampler holds; one of the user's own cannot be asked. The id is random, as Python's."""
    run(
        f"""
        import faults
        from opentelemetry.sdk.trace.sampling import (
            ALWAYS_OFF, ALWAYS_ON, Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
        )

        class Own(Sampler):
            def should_sample(self, *arguments, **named):
                return SamplingResult(Decision.RECORD_AND_SAMPLE)

            def get_description(self):
                return "own"

        provider = TracerProvider(sampler={sampler})
        trace.set_tracer_provider(provider)
        parent = faults.trace(span="root")[0]
        assert parent.endswith("-{flag}"), parent
        """,
        {"PYTHONPATH": str(Path(__file__).parents[1])},
        prologue="from opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\n",
    )
