"""Giving memory back."""

from __future__ import annotations

from gostitch import _process
from gostitch.operate import _generated


def free_memory() -> int:
    """Collect Go's garbage and give its free memory back to the system, in bytes.

    Go does so by itself, but takes its time. Return 0 if Go is not loaded.
    Takes some milliseconds for each GiB; the GIL is free meanwhile.
    """
    if _process.loaded() is None:
        return 0
    return _generated.free_memory()
