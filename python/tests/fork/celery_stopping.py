"""A Celery application that uses Go as a web server does, and whose workers say how they ended."""

from __future__ import annotations

from fork.celery_folder import application
from fork.stopping import answer as use_go

app = application()


@app.task
def answer(path: str) -> str:
    """Use Go as a request to a web server would."""
    return use_go(path)
