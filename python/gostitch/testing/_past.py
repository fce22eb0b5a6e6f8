"""Calling functions of gostitch's own where a fake library may stand in: it is not asked."""

from __future__ import annotations

from typing import Any

from gostitch import _calls, _waiting


def call(made: Any, **arguments: Any) -> Any:
    """Call a function of the library that is loaded."""
    if _calls.stand_in() is None:
        return made(**arguments)
    return _waiting._wait(made, *made.pack(**arguments))
