"""Many spans in one call: structure comes before volume, and each loss is counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from ci_pipeline.receiver import Receiver, receiving
from observe.collector import collecting
from observe.scenario import PROLOGUE, run_to
from programs import Programs

TESTS = str(Path(__file__).parents[1])  # where the module of faults is

BURST = """
import json
import faults, gostitch
with tracer.start_as_current_span("root"):
    with tracer.start_as_current_span("before"):
        pass
    faults.burst({spans}, width={width})
    with tracer.start_as_current_span("after"):
        pass
assert gostitch.force_flush(40)
assert provider.force_flush(40_000)
print(json.dumps(gostitch.runtime_info()["spans_dropped"]))
"""


@pytest.mark.parametrize("export", ["direct", "python"])
@pytest.mark.parametrize(
    ("spans", "width"), [(1, 0), (2_500, 0), (10_000, 0), (10_000, 6), (100_000, 0), (100_000, 40)]
)
def test_a_burst_of_spans(export: str, spans: int, width: int, tmp_path: Path) -> None:
    """None arrives without the one above it, Python's own all do, and the others are counted."""
    with collecting(tmp_path / "collector") as collector:
        done = subprocess.run(
            [sys.executable, "-c", PROLOGUE + BURST.format(spans=spans, width=width)],
            env={
                **os.environ,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
                "GOSTITCH_EXPORT": export,
                "PYTHONPATH": TESTS,
            },
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert (0, "") == (done.returncode, done.stderr)
        arrived = collector.spans()

    ids = {span.span_id for span in arrived}
    names = [span.name for span in arrived]
    assert {"root", "before", "after", "faults.burst"} == set(names) - {"burst"}
    assert [] == [each.name for each in arrived if each.parent_id and each.parent_id not in ids]
    assert len(ids) == len(arrived)
    assert spans == names.count("burst") + json.loads(done.stdout)
    if spans == 1:
        assert "0" == done.stdout.strip()


class Picky(Receiver):
    """A receiver that takes a part of each batch of Go's, and says so."""

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's
        """Take one span less than there are."""
        super().Export(request, context)
        answer = trace_service_pb2.ExportTraceServiceResponse()
        if "Go" in dict(context.invocation_metadata()).get("user-agent", ""):
            answer.partial_success.rejected_spans = 1
            answer.partial_success.error_message = "one too many"
        return answer


def test_what_a_receiver_rejects_is_counted() -> None:
    """It says how many it did not take of a batch; the others are not lost."""
    with receiving(Picky()) as receiver:
        said = run_to(
            receiver,
            """
            import faults, gostitch
            with tracer.start_as_current_span("root"):
                for _ in range(9):
                    faults.nothing()
            assert not gostitch.force_flush(20)
            print(gostitch.runtime_info()["spans_dropped"])
            """,
            {"PYTHONPATH": TESTS},
        )

    assert "1" in said.splitlines(), said
    assert "one too many" in said


def test_what_ends_after_the_shutdown_is_counted(program: Programs) -> None:
    """As spans of Python's are, it goes nowhere then; Go says how many those were."""
    done = program(
        textwrap.dedent("""
            import faults, gostitch
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

            provider = TracerProvider()
            provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(out=open("/dev/null", "w"))))
            trace.set_tracer_provider(provider)
            with provider.get_tracer("x").start_as_current_span("root"):
                faults.nothing()
                provider.shutdown()
                before = gostitch.runtime_info()["spans_dropped"]
                faults.burst(7)
                print(before, gostitch.runtime_info()["spans_dropped"])
        """)
    )

    assert ("0 8\n", "", 0) == (done.stdout, done.stderr, done.returncode)


def test_the_queue_of_a_batch_processor_is_shared(program: Programs) -> None:
    """However many spans a call makes, those of Python find room beside them."""
    done = program(
        textwrap.dedent("""
            import faults, gostitch
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

            exporter = InMemorySpanExporter()
            provider = TracerProvider()
            provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=64, max_export_batch_size=32))
            trace.set_tracer_provider(provider)
            tracer = provider.get_tracer("x")
            with tracer.start_as_current_span("root"):
                for number in range(20):
                    with tracer.start_as_current_span("python"):
                        faults.nothing()
                    faults.burst(100)
            assert gostitch.force_flush(10)
            assert provider.force_flush()
            spans = exporter.get_finished_spans()
            names = [span.name for span in spans]
            ids = {span.context.span_id for span in spans}
            assert not [span.name for span in spans if span.parent and span.parent.span_id not in ids]
            assert (1, 20) == (names.count("root"), names.count("python"))
            dropped = gostitch.runtime_info()["spans_dropped"]
            assert 20 + 20 * 101 == len(spans) - 21 + dropped, (len(spans), dropped)
        """)
    )

    assert (0, "") == (done.returncode, done.stderr)
