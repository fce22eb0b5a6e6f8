"""Crash reports: where they would go, and those that nobody has seen."""

from __future__ import annotations

from typing import Any

from gostitch import _crash_files, _crashes
from gostitch.doctor._finding import Verdict, note, ok, warning


def crash_reports() -> Verdict:
    """Check that Go can leave a report when it ends a process, and show what waits."""
    path = _crashes.folder()
    if path is None:
        words = f"No crash report is kept: {_crashes.why_none()}."
        fix = f"Name a folder that only this user may enter: {_crashes.FOLDER_VARIABLE}."
        return note(words, fix, folder=None, waiting=[], unsent=[])
    waiting = [str(each) for each in _crashes.waiting()]
    unsent = _crash_files.told(path)
    facts: dict[str, Any] = {"folder": str(path), "waiting": waiting, "unsent": unsent}
    if waiting:
        words = f"Go ended processes of this user: {', '.join(waiting)}."
        fix = "Read them; the next program that calls Go logs them and removes them."
        return warning(words, fix, **facts)
    if unsent:
        words = f"Reports wait for Sentry: {', '.join(unsent)}."
        fix = "They are sent by the next process whose client has the DSN of the one that crashed."
        return note(words, fix, **facts)
    return ok(f"Crash reports go to {path}; none waits.", **facts)
