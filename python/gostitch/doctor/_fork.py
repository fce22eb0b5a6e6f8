"""What happens when this process forks."""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any

from gostitch.doctor import _runtime
from gostitch.doctor._finding import Verdict, note, ok, problem, warning

_AFTER = "Make the first call in the child, or start children by 'spawn' or 'forkserver'."


def fork() -> Verdict:
    """Tell the policy, and whether it is about to matter here."""
    method = multiprocessing.get_start_method(allow_none=True)
    facts: dict[str, Any] = {
        "policy": "error",
        "start_method": method or _default_method(),
        "start_method_chosen": method is not None,
        "forked_from": None,
        "loaded": False,
    }
    info = _runtime.info()
    if info is None:
        return note("Fork was not looked at: the package cannot be imported.", **facts)
    facts |= {"forked_from": info["forked_from"], "loaded": info["loaded"]}
    if info["forked_from"] is not None:
        words = (
            f"This process was forked from process {info['forked_from']}, which had loaded the Go "
            "library, so every call here raises ForkedHandleError."
        )
        return problem(words, _AFTER, **facts)
    by_fork = facts["start_method"] == "fork"
    if info["loaded"] and by_fork and "multiprocessing.process" in sys.modules and _uses_pools():
        words = (
            "The library is loaded and multiprocessing forks: calls in its children raise "
            "ForkedHandleError."
        )
        return warning(words, _AFTER, **facts)
    words = (
        "A child forked after the first call gets ForkedHandleError from calls, since a Go runtime "
        "does not survive fork; forked before it, both sides work."
    )
    words += f" multiprocessing starts children by '{facts['start_method']}'."
    return (note if info["loaded"] and by_fork else ok)(words, **facts)


def _default_method() -> str:
    # Not get_start_method(), which would settle the method for the whole process.
    return multiprocessing.get_all_start_methods()[0]


def _uses_pools() -> bool:
    """Tell whether something that starts children by multiprocessing was imported."""
    return "multiprocessing.pool" in sys.modules or "concurrent.futures.process" in sys.modules
