"""gostitch.close: the graceful end of a service."""

from __future__ import annotations

from typing import Any

import pytest

import gostitch
from gostitch import GoTypeError, GoValueError
from programs import QUIET_LOOPS, Programs

_HEAD = """
import asyncio, threading, time
import faults, gostitch
"""


def _run(program: Programs, text: str) -> list[str]:
    done = program(QUIET_LOOPS + _HEAD + text, "-X", "dev")

    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


@pytest.mark.parametrize("timeout", ["1", None, True])
def test_a_wrong_type(timeout: Any) -> None:
    """The timeout is a number."""
    with pytest.raises(GoTypeError, match="timeout must be a number"):
        gostitch.close(timeout)


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf")])
def test_a_wrong_value(timeout: float) -> None:
    """And one that can be waited for."""
    with pytest.raises(GoValueError, match="timeout must be between"):
        gostitch.close(timeout)


def test_what_runs_may_end(program: Programs) -> None:
    """Calls in flight get their results; none is left."""
    lines = _run(
        program,
        """
futures = [faults.sleep.submit(0.2) for _ in range(3)]
print(gostitch.close(10), [f.result() for f in futures])
""",
    )

    assert ["[] [0.2, 0.2, 0.2]"] == lines


def test_new_calls_are_refused(program: Programs) -> None:
    """Every way to call says why; after reopen calls are taken again."""
    lines = _run(
        program,
        """
faults.add(1, 2)
gostitch.close()
gostitch.close()
for call in (
    lambda: faults.add(1, 2),
    lambda: faults.add.submit(1, 2),
    lambda: next(faults.lines(3)),
    lambda: faults.ask(1, lambda question: 1),
):
    try:
        call()
    except gostitch.GoClosedError as error:
        print("gostitch.close() was called" in str(error))
gostitch.reopen()
print(faults.add(1, 2), next(faults.lines(3)).number)
""",
    )

    assert ["True"] * 4 + ["3 0"] == lines


def test_telemetry_goes_on(program: Programs) -> None:
    """A span that ends later arrives, the last collection has all calls, and nothing is warned of."""
    lines = _run(
        program,
        """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

reader, exporter, provider = InMemoryMetricReader(), InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("caller"):
    last = faults.spin_ignoring_context.submit(4)
print(gostitch.close(0.01))
last.exception()
print(provider.force_flush(), sorted(span.name for span in exporter.get_finished_spans()))
(of_resource,) = reader.get_metrics_data().resource_metrics
(calls,) = (
    metric
    for scope in of_resource.scope_metrics
    for metric in scope.metrics
    if metric.name == "gostitch.calls"
)
print(sum(point.value for point in calls.data.data_points))
""",
    )

    name = "faults.spin_ignoring_context"
    assert [f"['{name}']", f"True ['caller', '{name}']", "1"] == lines


def test_in_a_child_of_a_closed_process(program: Programs) -> None:
    """A child forked after close says whose close it was, and may reopen for itself."""
    lines = _run(
        program,
        """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of fork, from 3.12 on
faults.add(1, 2)
gostitch.close()
parent = os.getpid()
if os.fork() == 0:
    try:
        faults.add(1, 2)
    except gostitch.GoClosedError as error:
        words = f"process {os.getpid()} was forked from process {parent} after gostitch.close()"
        print(words in str(error), "reopen() in this process" in str(error), flush=True)
    gostitch.reopen()
    print(faults.add(1, 2), flush=True)
    os._exit(0)
print(os.wait()[1], flush=True)
""",
    )

    assert ["True True", "3", "0"] == lines


def test_what_takes_too_long_is_cancelled(program: Programs) -> None:
    """After the timeout contexts end; functions that ignore that are named."""
    lines = _run(
        program,
        """
good, bad = faults.sleep.submit(60), faults.spin_ignoring_context.submit(5)
print(gostitch.close(0.1))
print(type(good.exception()).__name__)
""",
    )

    assert ["['faults.spin_ignoring_context']", "GoCancelledError"] == lines


def test_before_loading(program: Programs) -> None:
    """A process that has not called Go refuses to begin."""
    lines = _run(
        program,
        """
print(gostitch.close())
try:
    faults.add(1, 2)
except gostitch.GoClosedError:
    print("closed", gostitch.runtime_info()["loaded"])
""",
    )

    assert ["[]", "closed False"] == lines


def test_in_the_lifespan_of_a_loop(program: Programs) -> None:
    """From a thread beside the loop, calls that the loop awaits end first."""
    lines = _run(
        program,
        """
async def main():
    call = asyncio.ensure_future(faults.sleep.submit(0.2))
    await asyncio.sleep(0)
    left = await asyncio.to_thread(gostitch.close)
    print(left, await call)

asyncio.run(main())
""",
    )

    assert ["[] 0.2"] == lines


def test_a_call_that_a_thread_waits_for_is_cancelled(program: Programs) -> None:
    """After the timeout its context ends too, and it is not said to ignore that."""
    lines = _run(
        program,
        """
ended = []

def call():
    try:
        faults.sleep(60)
    except gostitch.GoCancelledError:
        ended.append(True)

thread = threading.Thread(target=call)
thread.start()
while not gostitch.runtime_info()["calls"]:
    time.sleep(0.001)
print(gostitch.close(0.1))
thread.join()
print(ended)
""",
    )

    assert ["[]", "[True]"] == lines
