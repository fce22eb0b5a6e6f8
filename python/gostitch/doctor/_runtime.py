"""What the package knows of its Go runtime, if the package can be imported at all."""

from __future__ import annotations

import os
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


def environment() -> dict[str, str] | None:
    """Give the environment that Go was given, or None before the library is loaded."""
    if not is_loaded():
        return None
    from gostitch import _process

    library = _process.loaded()
    if library is None:
        return None
    return {os.fsdecode(name): os.fsdecode(value) for name, value in library.environment.items()}


def fork_policy() -> str:
    """Give what forked children get; raises ``LibraryError`` if that is not understood."""
    from gostitch import _process

    return _process.fork_policy()


def chosen() -> str | None:
    """Give the library that the modules imported here chose, if they chose one."""
    try:
        from gostitch import _process

        return _process.chosen()
    except ImportError:  # LibraryError too: modules that chose two are told so at the first call
        return None
