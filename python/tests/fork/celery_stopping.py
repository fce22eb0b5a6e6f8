"""A Celery application whose broker is a folder, and whose workers say how they ended."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

from fork.stopping import answer as use_go

FOLDER = Path(os.environ["CELERY_FOLDER"])

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


@app.task
def answer(path: str) -> str:
    """Use Go as a request to a web server would."""
    return use_go(path)
