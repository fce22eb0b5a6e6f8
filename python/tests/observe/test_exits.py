"""However a process ends, the spans that have ended arrive: Go's and those of Python above them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ci_pipeline.receiver import Receiver, receiving
from fork.servers import running, wait_until, web_server
from observe.scenario import PROLOGUE
from observe.spans import spans_of

TESTS = Path(__file__).parents[1]

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


SERVERS = {
    "gunicorn": "gunicorn --workers 2 --bind 127.0.0.1:PORT --no-control-socket observe.services:wsgi",
    "uvicorn": "uvicorn --port PORT --host 127.0.0.1 --lifespan off observe.services:asgi",
    "uvicorn_workers": (
        "uvicorn --port PORT --host 127.0.0.1 --lifespan off --workers 2 observe.services:asgi"
    ),
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_is_terminated(tmp_path: Path, server: str) -> None:
    """SIGTERM to gunicorn or uvicorn: the spans of the last requests arrive."""
    with receiving() as receiver:
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
        with web_server(SERVERS[server].split(), tmp_path, **where) as web:
            for _ in range(4):
                web.ask("all")
            web.server.stop()

        assert ["request"] * 4 + ["tasks.hash_tree"] * 4 == names(receiver), web.server.said()


def test_celery_is_terminated(tmp_path: Path) -> None:
    """SIGTERM to the parent of a prefork pool: the spans of the tasks arrive."""
    command = "celery -A observe.celery_service worker --pool prefork --concurrency 2 --without-gossip --without-mingle --without-heartbeat --loglevel warning"
    with receiving() as receiver:
        environment = {
            "CELERY_FOLDER": str(tmp_path),
            "C_FORCE_ROOT": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "PYTHONPATH": str(TESTS),
        }
        with running(command.split(), tmp_path, **environment) as server:
            client = "from celery import group; from observe.celery_service import work; group(work.s() for _ in range(6)).delay().get(timeout=30, interval=0.02)"
            done = subprocess.run(
                [sys.executable, "-c", client],
                cwd=tmp_path,
                env=os.environ | environment,
                capture_output=True,
                text=True,
                timeout=45,
                check=False,
            )
            assert (0, "") == (done.returncode, done.stderr), server.said()
            server.stop()

        assert ["tasks.hash_tree"] * 6 + ["work"] * 6 == names(receiver), server.said()


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
