"""What happens when this process forks."""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import Any

from gostitch.doctor import _runtime
from gostitch.doctor._finding import Verdict, note, ok, problem, warning

_AFTER = (
    "Unset GOSTITCH_FORK, make the first call in the child, or start children by 'spawn' or "
    "'forkserver'."
)


def fork() -> Verdict:
    """Tell the policy, and whether it is about to matter here."""
    method = multiprocessing.get_start_method(allow_none=True)
    facts: dict[str, Any] = {
        "policy": None,
        "start_method": method or _default_method(),
        "start_method_chosen": method is not None,
        "forked_from": None,
        "loaded": False,
        "mapped": None,
        "memory_files": None,
    }
    info = _runtime.info()
    if info is None:
        return note("Fork was not looked at: the package cannot be imported.", **facts)
    facts |= {name: info[name] for name in ("forked_from", "loaded", "mapped")}
    facts["memory_files"] = refused = _memory_files()
    try:
        facts["policy"] = _runtime.fork_policy()
    except ImportError as error:
        return problem(f"{error}.", "Correct or unset GOSTITCH_FORK.", **facts)
    if facts["policy"] == "error":
        return _refusing(facts)
    if info["forked_from"] is not None:
        words = f"This process was forked from process {info['forked_from']}, which had loaded the "
        if info["loaded"]:
            return ok(
                f"{words}Go library, and has loaded a copy of it ({info['mapped']}).", **facts
            )
        words += "Go library; the first call here loads a copy of it."
    else:
        words = (
            "A child forked after the first call loads a copy of the library at its own first call."
        )
    if refused:
        words += (
            f" Files in memory cannot be made here ({refused}), so each such child writes a copy "
            "to a folder for temporary files, and has it for itself."
        )
        fix = "Allow memfd_create, or let TMPDIR name a folder where code may be executed."
        return note(words, fix, **facts)
    words += f" multiprocessing starts children by '{facts['start_method']}'."
    return ok(words, **facts)


def _refusing(facts: dict[str, Any]) -> Verdict:
    """Judge the policy that children get errors."""
    if facts["forked_from"] is not None:
        words = (
            f"This process was forked from process {facts['forked_from']}, which had loaded the Go "
            "library, and GOSTITCH_FORK=error, so every call here raises ForkedHandleError."
        )
        return problem(words, _AFTER, **facts)
    by_fork = facts["start_method"] == "fork"
    if facts["loaded"] and by_fork and "multiprocessing.process" in sys.modules and _uses_pools():
        words = (
            "The library is loaded, multiprocessing forks and GOSTITCH_FORK=error: calls in its "
            "children raise ForkedHandleError."
        )
        return warning(words, _AFTER, **facts)
    words = (
        "GOSTITCH_FORK=error: a child forked after the first call gets ForkedHandleError from "
        f"calls. multiprocessing starts children by '{facts['start_method']}'."
    )
    return (note if facts["loaded"] and by_fork else ok)(words, **facts)


def _memory_files() -> str | None:
    """Give the reason why files in memory cannot be made, None if they can."""
    from gostitch import _process  # the package can be imported

    try:
        os.close(_process.bridge.memory_file(b"gostitch-doctor"))
    except OSError as error:
        return error.strerror or str(error)
    return None


def _default_method() -> str:
    # Not get_start_method(), which would settle the method for the whole process.
    return multiprocessing.get_all_start_methods()[0]


def _uses_pools() -> bool:
    """Tell whether something that starts children by multiprocessing was imported."""
    return "multiprocessing.pool" in sys.modules or "concurrent.futures.process" in sys.modules
