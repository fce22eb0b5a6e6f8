"""A Celery application with telemetry on, whose broker is a folder."""

from __future__ import annotations

from fork.celery_app import app
from observe import services


@app.task
def work(kind: str = "all") -> str:
    """Make a span with a call in it."""
    return services.work("work", kind)
