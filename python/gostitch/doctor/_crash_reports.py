"""Crash reports: where they would go, and those that nobody has seen."""

from __future__ import annotations

from typing import Any

from gostitch import _crashes
from gostitch.doctor._finding import Verdict, note, ok, warning


def crash_reports() -> Verdict:
    """Check that Go can leave a report when it ends a process, and show what waits."""
    path = _crashes.folder()
    if path is None:
        words = f"No crash report is kept: {_crashes.why_none()}."
        fix = f"Name a folder that only this user may enter: {_crashes.FOLDER_VARIABLE}."
        return note(words, fix, folder=None, waiting=[])
    waiting = [str(each) for each in _crashes.waiting()]
    facts: dict[str, Any] = {"folder": str(path), "waiting": waiting}
    if waiting:
        words = f"Go ended processes of this user: {', '.join(waiting)}."
        fix = "Read them; the next program that calls Go logs them and removes them."
        return warning(words, fix, **facts)
    return ok(f"Crash reports go to {path}; none waits.", **facts)
