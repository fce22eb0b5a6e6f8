"""Celery applications whose broker is a folder."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery

FOLDER = Path(os.environ["CELERY_FOLDER"])


def application() -> Celery:
    """Make one that needs no server."""
    for name in ("queue", "control", "results"):
        (FOLDER / name).mkdir(exist_ok=True)
    return Celery(
        broker="filesystem://",
        backend=f"file://{FOLDER / 'results'}",
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "data_folder_in": str(FOLDER / "queue"),
            "data_folder_out": str(FOLDER / "queue"),
            "control_folder": str(FOLDER / "control"),
        },
    )
