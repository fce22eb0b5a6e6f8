"""The end of a service: taking no more calls, and letting those that run end."""

from __future__ import annotations

from typing import Any

from gostitch import _process
from gostitch.exceptions import GoTypeError, GoValueError


def close(timeout: float = 10.0) -> list[str]:
    """Take no more calls, wait ``timeout`` seconds for those that run, and cancel what is left.

    Calls from now on raise ``GoClosedError``, until ``reopen``. Telemetry is flushed. Returns the
    names of the functions that still run, since they ignore their context; an empty list is a
    clean end. Does nothing where Go is not loaded. It blocks this thread: in an
    event loop ``await asyncio.to_thread(gostitch.close)``, so that calls that the loop
    awaits can end.
    """
    return [running.function for running in _process.close(_checked(timeout))]


def reopen() -> None:
    """Take calls again after ``close``."""
    _process.reopen()


def _checked(timeout: Any) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise GoTypeError(
            f"timeout must be a number of seconds, not {type(timeout).__name__}",
            details={"argument": "timeout"},
        )
    if not 0 <= timeout < 2**31:
        raise GoValueError(
            f"timeout must be between 0 and 2**31 seconds, not {timeout}",
            details={"argument": "timeout"},
        )
    return float(timeout)
