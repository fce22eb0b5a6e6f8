"""Celery's prefork pool, whose parent used Go, and how it shuts down with and without Go."""

from __future__ import annotations

from pathlib import Path

import pytest

from fork.extent import KINDS, LONG
from fork.servers import START_S, Server, running, wait_until
from programs import Programs

_COMMAND = [
    *("celery", "-A", "fork.celery_app", "worker", "--pool", "prefork", "--concurrency", "2"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"),
]

_CLIENT = """
from celery import group
from fork.celery_app import last, work
print(*group(work.s({kind!r}) for _ in range(12)).delay().get(timeout=40, interval=0.02), sep="\\n")
last.delay(1.0)
"""


def _shut_down(
    program: Programs, folder: Path, kind: str, environment: dict[str, str]
) -> tuple[Server, list[list[str]], float]:
    """Have tasks done, and end the worker in the middle of one; gives the answers and the seconds."""
    environment = {"CELERY_FOLDER": str(folder), "C_FORCE_ROOT": "1"} | environment
    with running(_COMMAND, folder, **environment) as server:
        done = program(_CLIENT.format(kind=kind), env=environment, timeout=60)
        assert (0, "") == (done.returncode, done.stderr), server.said()
        wait_until(
            (folder / "begun").exists, lambda: f"the task has begun; {server.said()}", START_S
        )
        status, seconds = server.stop()

        assert 0 == status, server.said()
        assert (folder / "ended").exists(), server.said()
        return server, [line.split() for line in done.stdout.splitlines()], seconds


@pytest.mark.timeout(150)
@pytest.mark.parametrize("kind", KINDS)
def test_tasks_and_a_warm_shutdown(program: Programs, tmp_path: Path, kind: str) -> None:
    """All tasks are done by children that have copies; the last one is waited for at SIGTERM."""
    server, answers, _ = _shut_down(program, tmp_path, kind, {"USE_GO_EARLY": "1"})

    assert 12 == len(answers)
    assert {str(server.process.pid)} == {forked_from for _, forked_from in answers}
    assert str(server.process.pid) not in {pid for pid, _ in answers}


_LIMITED = """
from fork.celery_app import limited
print(*(limited.delay(each).get(timeout=40, interval=0.02) for each in {waits!r}), sep="\\n")
"""


@pytest.mark.timeout(150)
def test_the_soft_time_limit(program: Programs, tmp_path: Path) -> None:
    """It ends a task that waits in Go as soon as one that waits in time.sleep."""
    waits = ["python", "fetch", "sleep"] * (3 if LONG else 2)
    environment = {"CELERY_FOLDER": str(tmp_path), "C_FORCE_ROOT": "1", "USE_GO_EARLY": "1"}
    with running(_COMMAND, tmp_path, **environment) as server:
        done = program(_LIMITED.format(waits=waits), env=environment, timeout=100)
        assert (0, "") == (done.returncode, done.stderr), server.said()

    seconds: dict[str, list[float]] = {}
    for wait, took in zip(waits, done.stdout.split(), strict=True):
        seconds.setdefault(wait, []).append(float(took))
    # Celery looks at its limits once in a while, so that single ones differ.
    control = max(seconds.pop("python"))
    assert {"fetch": True, "sleep": True} == {
        wait: min(took) < control + 0.05 for wait, took in seconds.items()
    }, (control, seconds)


if LONG:

    @pytest.mark.timeout(150)
    def test_a_control_run(
        program: Programs, tmp_path: Path, record_property: pytest.RecordProperty
    ) -> None:
        """Without Go the same shutdown takes about as long; both times are recorded."""
        seconds = {}
        for name, environment in {"with Go": {"USE_GO_EARLY": "1"}, "without Go": {}}.items():
            (tmp_path / name).mkdir()
            *_, seconds[name] = _shut_down(program, tmp_path / name, "all", environment)
            record_property(f"warm shutdown {name}", seconds[name])
        print(f"warm shutdown: {seconds}")

        # Loosely: a machine may be busy, but a hang takes until it is killed.
        assert seconds["with Go"] < seconds["without Go"] + 10
