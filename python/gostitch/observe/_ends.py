"""Ends of processes that run no handler of atexit, and forks: what is buffered leaves before.

Children of multiprocessing (``fork``, ``forkserver``), workers of Celery, and uvicorn, which ends
itself by the signal that it was stopped with. The providers flush, and so Python's own spans,
records and metrics leave too: Go's spans would be without their parents.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import time
from typing import Any

from gostitch.exceptions import GoError
from gostitch.observe import _flush, _generated, _library, _proxies
from gostitch.observe._guest import guest

_LAST_S = 5.0
"""Seconds for the last flush of a process."""

_LEAST_S = 0.5
"""Seconds of these that each provider has, however long the others took."""

_FORK_S = 0.5
"""Seconds for which a fork waits for the parent's spans to be sent."""

_PATIENCE_S = 60.0
"""Seconds for which forks do not wait after one did in vain."""

_PRIORITY = 1000
"""Of multiprocessing's finalizers the ones with the highest priority come first."""

_in_vain = -_PATIENCE_S  # when a fork waited in vain

_PROVIDERS = {
    "opentelemetry.trace": "get_tracer_provider",
    "opentelemetry._logs": "get_logger_provider",
    "opentelemetry.metrics": "get_meter_provider",
}
"""Modules of OpenTelemetry, and what gives the provider of each."""

_watched = 0  # the process whose end is


def watch() -> None:
    """Flush at the end of this process, whatever it is a worker of."""
    global _watched
    if _watched == os.getpid():
        return
    _watched = os.getpid()
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing import util

        util.Finalize(None, _flush_all, exitpriority=_PRIORITY)
    celery = sys.modules.get("celery.signals")
    if celery is not None:
        celery.worker_process_shutdown.connect(
            _worker_ends, weak=False, dispatch_uid="gostitch.flush"
        )
    uvicorn = sys.modules.get("uvicorn.server")
    if uvicorn is not None:
        _follow_shutdown(uvicorn.Server)


def _flush_all() -> None:
    until = time.monotonic() + _LAST_S
    for name, get in _PROVIDERS.items():
        if name in sys.modules:
            provider = _proxies.behind(getattr(sys.modules[name], get)())
            if hasattr(provider, "force_flush"):
                with guest(f"the last of {name} may be lost"):
                    _flush.flush_provider(provider, max(until - time.monotonic(), _LEAST_S))


def _worker_ends(**_: Any) -> None:
    _flush_all()


def _follow_shutdown(server: Any) -> None:
    """Have a class of servers flush after its graceful shutdown."""
    shutdown = server.shutdown
    if hasattr(shutdown, "_gostitch"):
        return

    @functools.wraps(shutdown)
    async def shutdown_and_flush(*args: Any, **kwargs: Any) -> None:
        try:
            await shutdown(*args, **kwargs)
        finally:
            await asyncio.to_thread(_flush_all)

    shutdown_and_flush._gostitch = True  # type: ignore[attr-defined]
    server.shutdown = shutdown_and_flush


def _before_fork() -> None:
    """Have Go send what it has: a program that becomes a daemon ends its first process at once."""
    global _in_vain
    if not _library.is_there() or _flush.is_through():
        return
    if time.monotonic() - _in_vain < _PATIENCE_S:
        return
    try:
        sent = _generated.flush(timeout=_FORK_S)
    except GoError:
        sent = False
    if not sent:
        _in_vain = time.monotonic()


os.register_at_fork(before=_before_fork)
