"""Log records of Go in Python's logging: their span, their level, and none lost without a count."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import faults
from gostitch import _logs, force_flush, runtime_info
from gostitch._pending import Pump
from invariants import settled
from observe.scenario import run
from programs import Programs


class _Kept(logging.Handler):
    """Keeps the records it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[_Kept]:
    """What Go's logger gets, from INFO on."""
    logger, handler = logging.getLogger(_logs.LOGGER), _Kept()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(before)
    logger.removeHandler(handler)


def _texts(kept: _Kept) -> list[str]:
    return [record.getMessage().split()[0] for record in kept.records]


def test_attributes_that_no_record_could_have() -> None:
    """One named as a method of records, and an exception without a message, cost no record."""
    attributes: dict[str, Any] = {"getMessage": "x", "exception.type": "Fault", "id": 1}
    frame = _logs.LogFrame(1, 8, "text", attributes, ("f", "f.go", 3), "faults.log", "", "")
    record = _logs.make_record(frame)

    assert "text\nFault" == logging.Formatter("%(message)s").format(record)
    assert ("x", 1) == (vars(record)["go.getMessage"], vars(record)["id"])


class TestLevels:
    def test_one_that_is_lowered(self, kept: _Kept) -> None:
        """From then on Go sends what it kept to itself, without another call having been made."""
        future = faults.log_until_end.submit(-4, "detail")
        faults.log(-4, "before")
        assert ["marker"] == settled(
            lambda: [faults.log(4, "marker"), _texts(kept)][1][:1], ["marker"]
        )
        assert "detail" not in _texts(kept)
        logging.getLogger(_logs.LOGGER).setLevel(logging.DEBUG)

        assert settled(lambda: "detail" in _texts(kept), True)
        future.cancel()

    def test_the_next_call(self, kept: _Kept) -> None:
        """A level counts from the next call on, whoever is about to tell Go."""
        logger = logging.getLogger(_logs.LOGGER)
        for i in range(200):
            logger.setLevel(logging.DEBUG if i % 2 else logging.INFO)
            faults.log(-4, f"detail-{i}")
            assert force_flush()  # or the next level decides whether it is handled

        assert [f"detail-{i}" for i in range(1, 200, 2)] == _texts(kept)

    @pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING])
    def test_that_of_the_root_counts(self, kept: _Kept, level: int) -> None:
        """A level that the logger inherits is followed as its own is."""
        logger, root = logging.getLogger(_logs.LOGGER), logging.getLogger()
        before = root.level
        logger.setLevel(logging.NOTSET)
        try:
            root.setLevel(level)
            wanted = level == logging.DEBUG

            def arrives() -> bool:
                kept.records.clear()
                faults.log(-4, "detail")
                faults.log(8, "marker")
                return settled(lambda: "marker" in _texts(kept), True) and "detail" in _texts(kept)

            assert wanted == settled(arrives, wanted)
        finally:
            root.setLevel(before)

    def test_logging_that_is_disabled(self, kept: _Kept) -> None:
        """logging.disable reaches Go, and its end too."""
        logging.disable(logging.WARNING)
        try:
            assert settled(_logs.lowest_level, _logs.slog_level(logging.WARNING + 1))
            faults.log(4, "no")
            faults.log(8, "yes")
            assert settled(lambda: _texts(kept), ["yes"]) == ["yes"]
        finally:
            logging.disable(logging.NOTSET)


def test_a_flood_while_python_is_busy(kept: _Kept) -> None:
    """64 goroutines write as quickly as they can; what there is no room for is counted."""

    def arrives() -> bool:  # Go follows the level a moment later
        faults.log(0, "marker")
        return "marker" in _texts(kept)

    assert settled(arrives, True)
    faults.log(0, "last")
    assert settled(lambda: "last" in _texts(kept), True)
    sent = len(kept.records)
    dropped = runtime_info()["records_dropped"]
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(1000))

    busy = threading.Thread(target=compute)
    busy.start()
    faults.flood(64, 2000)

    def accounted() -> int:
        return len(kept.records) - sent + int(runtime_info()["records_dropped"]) - dropped

    stop.set()
    busy.join()
    assert force_flush(60)
    assert 128_000 == accounted()
    assert sent < len(kept.records)


def test_a_flush_sees_what_is_just_taken_in_hand() -> None:
    """Between the queue of Go and the handler there is no place where nobody sees a record."""

    class Moving:
        """A queue whose record the pump takes in hand as soon as it was looked for here."""

        def is_ready(self) -> bool:
            pump.handling = True
            return False

        def has_records(self) -> bool:
            return False

    pump = SimpleNamespace(queue=Moving(), handling=False)

    assert Pump.is_busy(pump)  # type: ignore[arg-type]


def test_a_record_names_its_span() -> None:
    """Its ids are those of the span that was current in Go: the call's, below the caller's."""
    run(
        """
        import logging
        import faults
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from gostitch import _pending

        class Keep(logging.Handler):
            def emit(self, record):
                current = trace.get_current_span().get_span_context()
                kept.append((record, current))

        kept = []
        logging.getLogger("gostitch.go").addHandler(Keep())
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        with trace.get_tracer("x").start_as_current_span("caller"):
            faults.log(8, "within")
        faults.log(8, "without")
        provider.force_flush()
        import time
        _pending.drain_host(time.monotonic() + 20)
        (span,) = [each for each in exporter.get_finished_spans() if each.name == "faults.log"]
        (within, current), (without, none) = kept
        assert (current.trace_id, current.span_id) == (span.context.trace_id, span.context.span_id)
        assert not none.is_valid
        """,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        prologue="",
    )


def test_a_handler_that_logs_through_go(program: Programs) -> None:
    """A handler may call Go, and change levels: nothing waits for itself."""
    done = program(
        """
import logging, time
import faults, gostitch

class Calls(logging.Handler):
    def emit(self, record):
        assert 3 == faults.add(1, 2)
        logging.getLogger("gostitch.go").setLevel(logging.INFO)
        seen.append(record)

seen = []
logger = logging.getLogger("gostitch.go")
logger.addHandler(Calls())
for i in range(50):
    logger.setLevel(logging.DEBUG)
    faults.log(8, "text")
deadline = time.monotonic() + 10
while len(seen) < 50:
    assert time.monotonic() < deadline
    time.sleep(0.01)
"""
    )

    assert (0, "") == (done.returncode, done.stderr)


_WITHOUT_A_PAUSE = """
import logging, os, time
import faults, gostitch

logging.getLogger("gostitch.go").setLevel(logging.INFO)
faults.flood.submit(8, 100_000_000)
while not gostitch.runtime_info()["records_dropped"]:
    time.sleep(0.01)
"""


def test_a_flush_while_logs_come_without_a_pause(program: Programs) -> None:
    """It waits for those that had come before; what Python's processors have leaves after them."""
    done = program(
        _WITHOUT_A_PAUSE
        + """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=600_000))
trace.set_tracer_provider(provider)
with trace.get_tracer("test").start_as_current_span("caller"):
    faults.nothing()  # whose span may find no room
flushed = provider.force_flush(10_000)
print(flushed, "caller" in [each.name for each in exporter.get_finished_spans()], flush=True)
os._exit(0)
"""
    )

    assert (0, "True True\n") == (done.returncode, done.stdout), done.stderr


def test_an_event_while_logs_come_without_a_pause(program: Programs) -> None:
    """Who captures is an application's thread, which is not kept by the logs of others."""
    done = program(
        _WITHOUT_A_PAUSE
        + """
import sentry_sdk

sent = []
sentry_sdk.init("http://a@127.0.0.1:9/1", transport=sent.append, default_integrations=False)
try:
    faults.fail("data")
except gostitch.GoError as error:
    sentry_sdk.capture_exception(error)
print(len(sent), flush=True)
os._exit(0)
"""
    )

    assert (0, "1\n") == (done.returncode, done.stdout), done.stderr
