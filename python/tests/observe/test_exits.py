"""However a process ends, the spans that have ended arrive: Go's and those of Python above them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ci_pipeline.receiver import Receiver, receiving
from fork.servers import TESTS, wait_until
from observe.collector import collecting
from observe.scenario import PROLOGUE
from observe.serving import WEB, celery, web
from observe.spans import spans_of

# gRPC for Python does not survive a fork, so each process makes its provider itself.
SET_UP = f"""
def set_up():
    global tracer
{"".join(f"    {line}" + chr(10) for line in PROLOGUE.strip().splitlines())}
def call():
    with tracer.start_as_current_span("caller"):
        tasks.hash_tree("/etc/hosts")

from gostitch import tasks
"""


def run(receiver: Receiver, code: str, folder: Path, status: int = 0) -> None:
    """Run a program to its end, which must be the expected one."""
    (folder / "program.py").write_text(SET_UP + code)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert status == done.returncode, done.stdout + done.stderr


def names(receiver: Receiver) -> list[str]:
    """Give the names of the spans that have arrived."""
    return sorted(span.name for span in spans_of(receiver.document()))


ENDS = {
    "returns": ("", 0),
    "raises": ("raise ValueError('on purpose')", 1),
    "exits": ("sys.exit(3)", 3),
    "is_terminated": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))\nos.kill(os.getpid(), signal.SIGTERM)",
        4,
    ),
}
IN_CHILD = {name: end for name, end in ENDS.items() if name != "is_terminated"}


@pytest.mark.parametrize("export", ["direct", "python"])
@pytest.mark.parametrize("end", ENDS)
def test_a_program_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, export: str
) -> None:
    """By its last line, an exception, sys.exit or a handler of SIGTERM."""
    monkeypatch.setenv("GOSTITCH_EXPORT", export)
    code, status = ENDS[end]
    with receiving() as receiver:
        run(receiver, f"import os, signal, sys\nset_up()\ncall()\n{code}\n", tmp_path, status)

        assert ["caller", "tasks.hash_tree"] == names(receiver)


@pytest.mark.parametrize("export", ["direct", "python"])
@pytest.mark.parametrize("end", IN_CHILD)
def test_a_forked_worker_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, export: str
) -> None:
    """A child of os.fork that runs to the end of the program, in one of these ways."""
    monkeypatch.setenv("GOSTITCH_EXPORT", export)
    code, status = IN_CHILD[end]
    with receiving() as receiver:
        run(
            receiver,
            f"""
import os, signal, sys
tasks.hash_tree("/etc/hosts")  # the parent uses Go, too
pid = os.fork()
if pid == 0:
    set_up()
    call()
    {code}
else:
    assert {status} == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
""",
            tmp_path,
        )

        assert ["caller", "tasks.hash_tree"] == names(receiver)


@pytest.mark.parametrize("export", ["direct", "python"])
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("end", IN_CHILD)
def test_a_child_of_multiprocessing_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, end: str, export: str
) -> None:
    """It skips the handlers of atexit, and its spans leave all the same."""
    monkeypatch.setenv("GOSTITCH_EXPORT", export)
    code, status = IN_CHILD[end]
    with receiving() as receiver:
        run(
            receiver,
            f"""
import multiprocessing, os, signal, sys

def work():
    set_up()
    call()
    {code}

if __name__ == "__main__":
    tasks.hash_tree("/etc/hosts")
    child = multiprocessing.get_context({method!r}).Process(target=work)
    child.start()
    child.join()
    assert {status} == child.exitcode, child.exitcode
""",
            tmp_path,
        )

        assert ["caller", "tasks.hash_tree"] == names(receiver)


_SIGNALS = """
import multiprocessing, os
import faults

def work():
    from opentelemetry import metrics
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
    loggers = LoggerProvider()
    loggers.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(), schedule_delay_millis=600_000)
    )
    set_logger_provider(loggers)
    metrics.get_meter("python").create_counter("python.count").add(1)
    faults.emit("the last words", severity=9, event="")

if __name__ == "__main__":
    faults.add(1, 2)
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    assert child.exitcode == 0, child.exitcode
"""


def test_metrics_and_logs_of_a_child_of_multiprocessing(tmp_path: Path) -> None:
    """They leave as spans do, where none are made: Go's and those of Python."""
    (tmp_path / "program.py").write_text(_SIGNALS)
    with collecting(tmp_path / "collector") as collector:
        done = subprocess.run(
            [sys.executable, "program.py"],
            cwd=tmp_path,
            env=os.environ
            | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "PYTHONPATH": str(TESTS)},
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        collector.stop()
        metrics = (tmp_path / "collector" / "metrics.jsonl").read_text()
        for name in ("gostitch.call.duration", "python.count"):
            assert f'"{name}"' in metrics, metrics
        assert "the last words" in (tmp_path / "collector" / "logs.jsonl").read_text()


@pytest.mark.parametrize("server", WEB)
def test_a_server_is_terminated(tmp_path: Path, server: str) -> None:
    """SIGTERM to gunicorn or uvicorn: the spans of the last requests arrive."""
    with receiving() as receiver:
        with web(server, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint) as served:
            for _ in range(4):
                served.ask("all")
            served.server.stop()

        assert ["request"] * 4 + ["tasks.hash_tree"] * 4 == names(receiver), served.server.said()


def test_celery_is_terminated(tmp_path: Path) -> None:
    """SIGTERM to the parent of a prefork pool: the spans of the tasks arrive."""
    with receiving() as receiver:
        with celery(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint) as pool:
            pool.do(*["all"] * 6)
            pool.server.stop()

        assert ["tasks.hash_tree"] * 6 + ["work"] * 6 == names(receiver), pool.server.said()


def test_the_default_action_of_sigterm_loses_one_interval_at_most(tmp_path: Path) -> None:
    """What is older than a batch interval has left before the process is killed."""
    with receiving() as receiver:
        process = subprocess.Popen(
            [sys.executable, "-c", f"{SET_UP}\nset_up()\ncall()\ninput()"],
            cwd=tmp_path,
            env=os.environ
            | {
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
                "OTEL_BSP_SCHEDULE_DELAY": "50",
            },
            stdin=subprocess.PIPE,
        )
        try:
            wait_until(lambda: len(names(receiver)) == 2, lambda: str(names(receiver)), 20)
            process.send_signal(signal.SIGTERM)
            assert -signal.SIGTERM == process.wait(20)
        finally:
            process.kill()
            process.communicate()
