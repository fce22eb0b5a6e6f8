"""Writes durations, ratios, counts and sizes the way people read them. Knows no HTML."""

from __future__ import annotations

__all__ = ["count", "duration", "ratio", "size", "times"]

_THIN = "\u202f"  # a narrow space that does not break


def duration(seconds: float) -> str:
    """`0.25` -> `250 ms`, `12.3` -> `12.3 s`, `75` -> `1 min 15 s`, down to nanoseconds."""
    if seconds >= 60:
        whole = round(seconds)
        return f"{whole // 60}{_THIN}min {whole % 60}{_THIN}s"
    for limit, factor, unit in ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (1e-6, 1e6, "\u00b5s")):
        if seconds >= limit:
            return f"{_three_figures(seconds * factor)}{_THIN}{unit}"
    return "0" if seconds <= 0 else f"{_three_figures(seconds * 1e9)}{_THIN}ns"


def ratio(value: float) -> str:
    """Write a ratio with two honest figures, without its sign: `4.8`, `27`, `0.91`."""
    if value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.995 else f"{value:.2f}"


def times(value: float) -> str:
    """Write a ratio with its sign: `4.8x` with a real multiplication sign."""
    return ratio(value) + "\u00d7"


def count(number: int) -> str:
    """`12345` -> `12 345`; numbers below 10 000 stay closed."""
    return str(number) if abs(number) < 10_000 else f"{number:,}".replace(",", _THIN)


def size(number: int) -> str:
    """Bytes in decimal units: `1234567` -> `1.23 MB`."""
    for limit, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= limit:
            return f"{_three_figures(number / limit)}{_THIN}{unit}"
    return f"{number}{_THIN}B"


def _three_figures(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"
