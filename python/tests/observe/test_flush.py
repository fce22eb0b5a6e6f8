"""Flushing, and collectors that are slow, refuse or are not there."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

import gostitch
from ci_pipeline.receiver import Receiver, receiving
from observe.scenario import run, run_to
from observe.spans import spans_of
from programs import Programs

TESTS = str(Path(__file__).parents[1])  # where the module of faults is

SMALL = {
    "PYTHONPATH": TESTS,
    "OTEL_BSP_MAX_QUEUE_SIZE": "100",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
    "OTEL_BSP_SCHEDULE_DELAY": "20",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
}

# Python's own exporter, whose errors are not what is looked at.
QUIET = """
import logging, time
logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
import faults, gostitch
"""


def test_force_flush_sends_what_go_has() -> None:
    """The span is there before the provider's own flush, which would send it too."""
    with receiving() as receiver:
        run_to(
            receiver,
            """
            import gostitch, os
            from gostitch import tasks
            with tracer.start_as_current_span("caller"):
                tasks.hash_tree("/etc/hosts")
                assert gostitch.force_flush(10) is True
                os._exit(0)
            """,
        )

        assert ["tasks.hash_tree"] == [span.name for span in spans_of(receiver.document())]


def test_force_flush_goes_through_pythons_processors() -> None:
    """Where they take Go's spans, they flush."""
    spans = run(
        """
        import gostitch, os
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
            assert gostitch.force_flush() is True
            os._exit(0)
        """,
        {"GOSTITCH_EXPORT": "python"},
    )

    assert ["tasks.hash_tree"] == [span.name for span in spans]


@pytest.mark.parametrize("threads", [1, 3])
def test_processors_that_flush_all_at_once(threads: int, program: Programs) -> None:
    """They have Go's spans when they flush, and their threads wait for nothing."""
    done = program(f"""
import faults
from opentelemetry import trace
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
several = ConcurrentMultiSpanProcessor(num_threads={threads})
provider = TracerProvider(active_span_processor=several)
provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=600_000))
trace.set_tracer_provider(provider)
for _ in range(2):
    with trace.get_tracer("test").start_as_current_span("caller"):
        faults.nothing()
    print(provider.force_flush(), *sorted(each.name for each in exporter.get_finished_spans()))
    exporter.clear()
provider.shutdown()
""")

    assert 2 * "True caller faults.nothing\n" == done.stdout, done.stderr
    assert "" == done.stderr


def test_without_a_library_or_telemetry_there_is_nothing_to_flush(program: Programs) -> None:
    """It is true at once, and loads nothing."""
    done = program(
        "import gostitch, faults\n"
        "print(gostitch.force_flush(), gostitch.runtime_info()['loaded'])\n"
        "faults.nothing()\n"
        "print(gostitch.force_flush(1))"
    )

    assert ("True False\nTrue\n", "") == (done.stdout, done.stderr)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "1", True, None])
def test_a_timeout_that_cannot_be_is_refused(timeout: Any) -> None:
    """The error names the argument."""
    with pytest.raises((gostitch.GoValueError, gostitch.GoTypeError), match=r"^timeout must be"):
        gostitch.force_flush(timeout)


def test_a_first_process_that_ends_at_a_fork_has_sent_its_spans() -> None:
    """As one does that becomes a daemon: it runs nothing after the fork."""
    spans = run("""
        import os
        from gostitch import tasks
        with tracer.start_as_current_span("caller"):
            tasks.hash_tree("/etc/hosts")
            os.fork()
            os._exit(0)
    """)

    assert ["tasks.hash_tree"] == [span.name for span in spans]


class SlowForGo(Receiver):
    """A receiver that keeps Go's exporter waiting."""

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's
        if "grpc-go" in dict(context.invocation_metadata())["user-agent"]:
            time.sleep(1)
        return super().Export(request, context)


def test_a_flush_after_the_way_has_changed() -> None:
    """It waits for the spans that leave by the former way, and they are not lost at the end."""
    with receiving(SlowForGo()) as receiver:
        said = run_to(
            receiver,
            """
            import os
            import gostitch
            from gostitch import tasks
            with tracer.start_as_current_span("caller"):
                tasks.hash_tree("/etc/hosts")
                gostitch.configure(export="python")
                tasks.hash_tree("/etc/hosts")
            print(gostitch.force_flush(20))
            os._exit(0)
            """,
        )

        spans = spans_of(receiver.document())
    assert "True\n" == said
    assert ["caller", "tasks.hash_tree", "tasks.hash_tree"] == sorted(span.name for span in spans)


class Held(Receiver):
    """A receiver that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's
        self.released.wait(30)
        return super().Export(request, context)


class Refusing(Receiver):
    """A receiver that takes nothing."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__()
        self.code = code

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's
        context.abort(self.code, "on purpose")


def test_a_slow_collector_costs_spans_and_no_time() -> None:
    """A thousand calls return while nothing is taken; what found no room is counted, once."""
    receiver = Held()
    with receiving(receiver):
        try:
            said = run_to(
                receiver,
                QUIET
                + """
with tracer.start_as_current_span("caller"):
    for _ in range(1000):
        faults.nothing()
    assert gostitch.force_flush(0.1) is False
dropped = gostitch.runtime_info()["spans_dropped"]
assert 800 <= dropped < 1000, dropped
print("whole")
import os
os._exit(0)
""",
                SMALL | {"OTEL_EXPORTER_OTLP_TIMEOUT": "30"},
            )
        finally:
            receiver.released.set()

    assert "whole\n" == said


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INVALID_ARGUMENT])
def test_a_collector_that_refuses_is_told_of_once(code: grpc.StatusCode) -> None:
    """Every span is counted as dropped, one record of the log says why, and the process ends."""
    with receiving(Refusing(code)) as receiver:
        said = run_to(
            receiver,
            QUIET
            + """
with tracer.start_as_current_span("caller"):
    for _ in range(50):
        faults.nothing()
gostitch.force_flush(20)
assert 50 == gostitch.runtime_info()["spans_dropped"], gostitch.runtime_info()
""",
            SMALL,
        )

    assert 1 == said.count("spans of Go could not be sent and are lost"), said
    # Of one that may be asked again the last attempt may also have run out of time.
    assert "on purpose" in said or "DeadlineExceeded" in said


@pytest.mark.parametrize(
    ("export", "order"), [("direct", "other go"), ("python", "go other")], ids=["direct", "python"]
)
def test_order_at_the_shutdown_of_a_provider(
    program: Programs, monkeypatch: pytest.MonkeyPatch, export: str, order: str
) -> None:
    """Processors that Go's spans go through end after it; others end while Go sends by itself."""
    monkeypatch.setenv("GOSTITCH_EXPORT", export)
    done = program("""
import faults
from gostitch.observe import _flush
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

class Other(SpanProcessor):
    def shutdown(self):
        order.append("other")

order = []
exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9", insecure=True, timeout=1)
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(exporter))
provider.add_span_processor(Other())
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("caller"):
    faults.nothing()
_flush.flush_go = lambda timeout: order.append("go") or True
provider.shutdown()
print(*order)
""")

    assert f"{order}\n" == done.stdout


def test_no_collector_at_all() -> None:
    """Calls return, the queue stays small, and the process ends within the exporter's timeout."""
    with receiving() as receiver:
        said = run_to(
            receiver,
            QUIET
            + """
with tracer.start_as_current_span("caller"):
    for _ in range(3000):
        faults.nothing()
assert gostitch.runtime_info()["spans_dropped"] > 2000
""",
            SMALL | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        )

    assert "Traceback" not in said
