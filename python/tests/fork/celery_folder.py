"""Celery applications whose broker is a folder."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.transport import filesystem

FOLDER = Path(os.environ["CELERY_FOLDER"])

_numbers = itertools.count()


def _put(self: Any, queue: str, payload: Any, **options: Any) -> None:
    """Put a message into the folder as a whole: kombu's own can be read half-written, and ends the worker."""
    name = f"{os.getpid()}_{next(_numbers):06}.{queue}.msg"
    written = FOLDER / "queue" / f".{name}"  # which nobody looks for
    written.write_text(json.dumps(payload))
    written.rename(written.with_name(name))


filesystem.Channel._put = _put


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
