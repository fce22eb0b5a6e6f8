"""Points in time and durations: as numbers, and as Python has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from gostitch.exceptions import GoDataError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NANOSECONDS = 1_000
"""In a microsecond, which is what Python knows."""


def lower_time(value: Any) -> tuple[int, int]:
    """Give the seconds since 1970, and nanoseconds, of a point in time."""
    if not isinstance(value, datetime):
        raise TypeError(f"expected datetime.datetime, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise ValueError(
            "the datetime has no time zone, so it is no point in time; give it one "
            "(datetime.now(timezone.utc), or .astimezone() for local time)"
        )
    since = value - EPOCH
    return since.days * 86_400 + since.seconds, since.microseconds * _NANOSECONDS


def lift_time(value: Sequence[int]) -> datetime:
    """Give the point in time so many seconds, and nanoseconds, after 1970."""
    seconds, nanoseconds = value
    try:
        return EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // _NANOSECONDS)
    except OverflowError:
        raise GoDataError(
            f"Go gave a time {seconds} seconds from 1970, and Python's datetime knows the "
            "years 1 to 9999 only; check for a zero or wrong time in Go"
        ) from None


def lower_duration(value: Any) -> int:
    """Give the nanoseconds of a duration."""
    if not isinstance(value, timedelta):
        raise TypeError(f"expected datetime.timedelta, got {type(value).__name__}")
    microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    return microseconds * _NANOSECONDS


def lift_duration(nanoseconds: int) -> timedelta:
    """Give the duration of so many nanoseconds."""
    # Towards zero, as Go's own Duration.Microseconds does.
    return timedelta(
        microseconds=int(abs(nanoseconds) // _NANOSECONDS) * (1 if nanoseconds > 0 else -1)
    )
