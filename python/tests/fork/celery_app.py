"""A Celery application that uses Go early, in tasks, or never."""

from __future__ import annotations

import os
import socket
import time

from celery.exceptions import SoftTimeLimitExceeded

from fork.celery_folder import FOLDER, application

USES_GO = "USE_GO_EARLY" in os.environ

app = application()

if USES_GO:
    from fork.exercises import exercise

    exercise("all")


@app.task
def work(kind: str) -> str:
    """Do an exercise, or without Go nothing."""
    return exercise(kind) if USES_GO else f"{os.getpid()} None"


@app.task
def last(seconds: float) -> str:
    """Take so long; the warm shutdown must wait for it."""
    (FOLDER / "begun").touch()
    if USES_GO:
        import faults

        faults.sleep(seconds)
    else:
        time.sleep(seconds)
    (FOLDER / "ended").touch()
    return f"{os.getpid()} None"


SILENT = socket.create_server(("127.0.0.1", 0))  # connections are made, and never answered


def _wait(where: str) -> None:
    """Wait for a minute, in Python or in Go."""
    if where == "python":
        time.sleep(60)
        return
    import faults
    from gostitch import tasks

    if where == "fetch":
        url = f"http://127.0.0.1:{SILENT.getsockname()[1]}/"
        tasks.fetch([tasks.FetchItem(url, str(FOLDER / "never"))], retries=0)
    else:
        faults.sleep(0.05)  # is seen to be long
        faults.sleep(60)


@app.task(soft_time_limit=1, time_limit=30)
def limited(where: str) -> float:
    """Wait until the soft time limit, and give the seconds."""
    begun = time.monotonic()
    try:
        _wait(where)
    except SoftTimeLimitExceeded:
        return time.monotonic() - begun
    raise AssertionError("there was no limit")
