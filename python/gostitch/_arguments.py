"""Refusing arguments: errors that name the function, the argument and what was expected."""

from __future__ import annotations

from gostitch.exceptions import GoTypeError, GoValueError, LibraryError


def refusal(function: str | None, path: str, is_type: int, reason: str) -> Exception:
    """Make the exception for a value that does not fit."""
    kind = GoTypeError if is_type else GoValueError
    if function is None:
        return kind(f"{path}: {reason}" if path else reason)
    return kind(f"{function}() argument {path}: {reason}", details={"argument": path})


def damage(reason: str) -> Exception:
    """Make the exception for a frame of Go that is not what the contract promises."""
    return LibraryError(
        f"what the Go library sent does not fit the Python stubs ({reason}); generate the "
        "stubs again and rebuild the library"
    )


def timeout_ns(timeout: float | None) -> int:
    """Check a ``timeout=`` in seconds and give it in nanoseconds; 0 means none."""
    if timeout is None:
        return 0
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise GoTypeError(
            f"timeout must be a number of seconds or None, not {type(timeout).__name__}",
            details={"argument": "timeout"},
        )
    if timeout != timeout:
        raise GoValueError("timeout must be a number, not NaN", details={"argument": "timeout"})
    if timeout <= 0:
        return -1  # has passed already; 0 would mean "none" to Go
    return max(int(min(timeout, 2**32) * 1e9), 1)  # 2**32 s are 136 years
