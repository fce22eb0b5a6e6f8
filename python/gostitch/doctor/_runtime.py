"""What the package knows of its Go runtime, if the package can be imported at all."""

from __future__ import annotations

from typing import Any


def info() -> dict[str, Any] | None:
    """Give ``runtime_info()``, or None where the package misses something it needs."""
    try:
        from gostitch import _info

        return _info.runtime_info()
    except ImportError:
        return None


def is_loaded() -> bool:
    """Tell whether the library is loaded and usable in this process."""
    known = info()
    return known is not None and bool(known["loaded"])


def chosen() -> str | None:
    """Give the library that the modules imported here chose, if they chose one."""
    try:
        from gostitch import _process

        return _process.chosen()
    except ImportError:  # LibraryError too: modules that chose two are told so at the first call
        return None
