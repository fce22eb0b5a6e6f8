"""Sending what Go has buffered, within a time.

Needs neither OpenTelemetry nor Sentry.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from gostitch import _pending
from gostitch.exceptions import GoError, GoTypeError, GoValueError
from gostitch.observe import _generated, _library
from gostitch.observe._guest import guest

LONGEST_S = 86_400.0

_through: Any = None
"""The tracer provider whose processors Go's spans go through; None: Go sends by itself."""


_taker: Any = None
"""What takes spans of Go for those processors; None: nothing."""


def has_more() -> bool:
    """Tell whether spans are left in Go for which Python's processors had no room."""
    return _taker is not None and _taker.waiting > 0


def _flush_no_events(until: float) -> None:
    pass


flush_events: Callable[[float], None] = _flush_no_events
"""Send what Python's client has of Go's events, until then at most."""


def goes_through(provider: Any, handover: Any) -> None:
    """Note the tracer provider whose processors Go's spans go through, or None."""
    global _through, _taker
    _through, _taker = provider, handover


def is_through() -> bool:
    """Tell whether Go's spans go through Python's processors."""
    return _through is not None


def flush_go(timeout: float) -> bool:
    """Have Go send what it has, or hand it to Python's processors; false if it could not."""
    if not _library.is_there():
        return True
    until = time.monotonic() + timeout
    try:
        sent = _generated.flush(timeout=timeout)
    except GoError:
        return False
    if _taker is not None:
        _taker.take(b"")
        sent = _taker.settle(until) and sent
    settled = _pending.settle_host(until)
    flush_events(until)
    return settled and sent


def flush_provider(provider: Any, timeout: float) -> bool:
    """Have a provider flush, and with it Go; false if it could not in time.

    Its processors need not keep to any time: it flushes on a thread that may be left behind.
    """
    done: list[bool] = []
    is_handling = _pending.is_handling()

    def flush() -> None:
        if is_handling:
            _pending.help_handling()
        with guest(f"{type(provider).__name__} could not flush"):
            done.append(bool(provider.force_flush(int(timeout * 1000))))

    thread = threading.Thread(target=flush, name="gostitch-flush", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter ends
        flush()
        return done == [True]
    thread.join(timeout)
    return done == [True]


def force_flush(timeout: float = 10.0) -> bool:
    """Send the spans and Sentry events that Go has buffered, and wait for it.

    Where spans go through the processors of the ``TracerProvider``, these flush too. The
    provider's own ``force_flush`` flushes Go as well.

    Args:
        timeout: Seconds to wait at most; what could not be sent by then is still sent later.

    Returns whether everything was sent.

    """
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise GoTypeError(
            f"timeout must be a number of seconds, not {type(timeout).__name__}",
            details={"argument": "timeout"},
        )
    if not timeout > 0:
        raise GoValueError(
            f"timeout must be above 0 seconds, not {timeout}", details={"argument": "timeout"}
        )
    timeout = min(timeout, LONGEST_S)
    if _through is None:
        return flush_go(timeout)
    if _pending.is_handling():
        flush_go(timeout)  # here, where the locks are that a handler has
    return flush_provider(_through, timeout)  # and with it Go
