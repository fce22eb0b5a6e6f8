"""Giving memory back."""

from __future__ import annotations

from gostitch import _late, _process


def free_memory() -> int:
    """Collect Go's garbage and give its free memory back to the system, in bytes.

    Go does so by itself, but takes its time. Return 0 if Go is not loaded.
    Takes some milliseconds for each GiB; the GIL is free meanwhile.
    """
    of = None if _process.loaded() is None else _late.module("gostitch.operate._generated")
    return 0 if of is None else int(of.free_memory())
