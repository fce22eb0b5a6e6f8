"""Noticing that a provider is set, so that the next call of Go follows it."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from gostitch import _hooks
from gostitch._process import bridge


def setting(module: ModuleType, name: str) -> None:
    """Have the next call look once a module's function of that name has run."""
    set_provider = getattr(module, name, None)
    if set_provider is None or hasattr(set_provider, "_gostitch"):
        return

    @functools.wraps(set_provider)
    def set_and_look(*args: Any, **kwargs: Any) -> Any:
        try:
            return set_provider(*args, **kwargs)
        finally:
            look()

    set_and_look._gostitch = True  # type: ignore[attr-defined]
    setattr(module, name, set_and_look)


def look() -> None:
    """Have the next call look, also one outside of any span."""
    _hooks.forget()
    bridge.look_again()
