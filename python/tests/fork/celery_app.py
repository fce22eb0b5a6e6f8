"""A Celery application whose broker is a folder; it uses Go early, in tasks, or never."""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import Celery

FOLDER = Path(os.environ["CELERY_FOLDER"])
USES_GO = "USE_GO_EARLY" in os.environ

for name in ("queue", "control", "results"):
    (FOLDER / name).mkdir(exist_ok=True)

app = Celery(
    broker="filesystem://",
    backend=f"file://{FOLDER / 'results'}",
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "data_folder_in": str(FOLDER / "queue"),
        "data_folder_out": str(FOLDER / "queue"),
        "control_folder": str(FOLDER / "control"),
    },
)

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
