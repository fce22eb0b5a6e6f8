"""Spans of forked children: each arrives once, below the span that was current at the fork."""

from __future__ import annotations

import pytest

from observe.scenario import run
from programs import Programs


def test_parent_and_child_send_their_own() -> None:
    """Both sides call below one span, before and after a fork; no span is lost, none comes twice."""
    spans = run("""
        import os
        from gostitch import tasks
        from gostitch.observe import _generated
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
            pid = os.fork()
            tasks.hash_tree("/etc/hosts" if pid else "/etc/passwd")
            if pid == 0:
                # Python's exporter by gRPC does not survive a fork; Go's is new.
                _generated.flush(timeout=10)
                os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        provider.shutdown()
    """)

    (caller,) = [span for span in spans if not span.by_go]
    calls = [span for span in spans if span.by_go]
    assert [caller.span_id] * 3 == [span.parent_id for span in calls]
    assert 3 == len({span.span_id for span in calls})
    # The SDK gives a forked child another service.instance.id, and Go follows.
    assert [False, True, True] == sorted(span.resource == caller.resource for span in calls)


@pytest.mark.parametrize("first", ["", "faults.nothing()"], ids=["not loaded", "loaded"])
def test_ids_of_children(first: str, program: Programs) -> None:
    """Siblings make spans with ids of their own: a server's workers are forked from one process."""
    done = program(f"""
import os
import faults
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.sdk.trace import TracerProvider

trace.set_tracer_provider(TracerProvider())
caller = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1))))
{first}
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        with trace.use_span(trace.get_current_span(caller)):
            for _ in range(3):
                print(faults.trace()[0].split("-")[2], flush=True)
        os._exit(0)
    assert 0 == os.waitpid(pid, 0)[1]
""")

    ids = done.stdout.split()
    assert (12, 0, "") == (len(set(ids)), done.returncode, done.stderr), ids


def test_spans_that_go_through_python() -> None:
    """Where Python's own exporter takes Go's spans, the child's takes the child's."""
    run(
        """
        import os
        from gostitch import tasks

        def names():
            return [span.name for span in exporter.get_finished_spans()]

        with tracer.start_as_current_span("caller") as caller:
            tasks.hash_tree("/etc/hosts")
            provider.force_flush()
            before = names()
            assert before == ["tasks.hash_tree"], before
            tasks.hash_tree("/etc/hosts")  # which has not arrived at the fork
            pid = os.fork()
            if pid == 0:
                exporter.clear()
                tasks.hash_tree("/etc/passwd")
                provider.force_flush()
                (span,) = exporter.get_finished_spans()
                assert span.parent.span_id == caller.get_span_context().span_id
                flushes, flush_go = [], _flush.flush_go
                _flush.flush_go = lambda timeout: flushes.append(timeout) or flush_go(timeout)
                provider.force_flush()
                assert len(flushes) == 1, flushes
                os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        provider.force_flush()
        assert sorted(names()) == ["caller", "tasks.hash_tree", "tasks.hash_tree"], names()
        """,
        prologue="""
from gostitch.observe import _flush
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("scenario")
""",
    )


def test_spans_that_found_no_room_before_a_fork(program: Programs) -> None:
    """They stay with the parent: the child hands on none of them."""
    done = program(
        """
import os, threading
import faults, gostitch
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

class Slow(InMemorySpanExporter):
    def export(self, spans):
        assert release.wait(15)
        return super().export(spans)

release, exporter = threading.Event(), Slow()
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=8, max_export_batch_size=4))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("x")
with tracer.start_as_current_span("root"):
    for _ in range(20):
        faults.nothing()

def names():
    assert gostitch.force_flush(10) and provider.force_flush(10_000)
    return sorted(span.name for span in exporter.get_finished_spans())

pid = os.fork()
release.set()
if pid == 0:
    with tracer.start_as_current_span("child"):
        faults.add(1, 2)
    found = names()
    os._exit(0 if found == ["child", "faults.add"] else 9)
assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
found = names()
assert found == ["faults.nothing"] * 20 + ["root"], found
""",
        "-W",
        "ignore::DeprecationWarning",
    )

    assert (0, "") == (done.returncode, done.stderr)
