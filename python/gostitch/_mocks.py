"""Libraries of tests that stand in for a part of Python which Go does not use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def _stands_in(module: str, path: str) -> Callable[[Any], object]:
    """Tell by what a library has put in the place of something."""

    def look(mock: ModuleType) -> bool:
        found: Any = sys.modules.get(module)
        for name in path.split("."):
            found = getattr(found, name, None)
        return str(getattr(found, "__module__", "")).startswith(mock.__name__)

    return look


_NETWORK, _FILES, _TIME = "the network", "files", "the time"

# Each with what it changes, the module that is imported where it is active, and what tells that.
_MOCKS: dict[str, tuple[str, str, Callable[[Any], object]]] = {
    "respx": (_NETWORK, "respx.mocks", lambda mocks: mocks.HTTPCoreMocker.routers),
    "responses": (_NETWORK, "responses", _stands_in("requests.adapters", "HTTPAdapter.send")),
    "vcrpy": (_NETWORK, "vcr", _stands_in("http.client", "HTTPConnection")),
    "pyfakefs": (
        _FILES,
        "pyfakefs.fake_filesystem_unittest",
        lambda unittest: unittest.Patcher.PATCHER,
    ),
    "freezegun": (_TIME, "freezegun.api", lambda api: api.freeze_factories),
}

_CODES = {
    "unavailable": _NETWORK,
    "offline": _NETWORK,
    "timeout": _TIME,
    "not_found": _FILES,
    "exists": _FILES,
    "permission": _FILES,
    "not_a_directory": _FILES,
    "is_a_directory": _FILES,
    "io": _FILES,
}


def hint(code: str) -> str:
    """Return what to think of with an error of Go, where a mock may be its cause; else nothing."""
    of = _CODES.get(code)
    names = " and ".join(active(of)) if of else ""
    if not names:
        return ""
    return (
        f"{names} changes {of} for Python only, and Go sees the real one: use "
        "gostitch.testing.fake_library() for the function, or gostitch.testing.offline()"
    )


def active(of: str) -> list[str]:
    """Return the names of those that are active, of a kind."""
    return [
        name for name, (kind, module, look) in _MOCKS.items() if kind == of and _sees(module, look)
    ]


def of_files() -> list[str]:
    """Return the names of those that are active, of files."""
    return active(_FILES)


def _sees(name: str, look: Callable[[Any], object]) -> bool:
    module = sys.modules.get(name)
    try:
        return module is not None and bool(look(module))
    except AttributeError:  # another version of it
        return False
