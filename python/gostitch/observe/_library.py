"""Whether there is a library that can be told something: loaded, and no fake one in its place."""

from __future__ import annotations

from gostitch import _calls, _process


def is_there() -> bool:
    """Tell whether calls of this process reach Go."""
    return _process.loaded() is not None and _calls.stand_in() is None
