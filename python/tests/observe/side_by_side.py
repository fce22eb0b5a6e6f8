"""Events of gostitch beside those that sentry-go and sentry_sdk make of the same failures.

``collect`` makes each kind of failure in three ways: in Go called from Python, in a program of Go's
own, and in Python alone. ``worse`` says which field of an event of ours is absent, empty or less
than the native one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from observe import kinds

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "build" / "tests" / "nativefaults"
GO, PYTHON = "go", "python"
KINDS = tuple(kinds.PYTHON)
NOT_IN_GO = ("crash", "logged", "callback")
"""Kinds of which sentry-go makes no event: no recover sees a crash, its events of log records are those of
another module, and a program of Go's own asks no callable."""

_LEVELS = ("debug", "info", "warning", "error", "fatal")
_TIMEOUT_S = 100

Event = dict[str, Any]


class Kind(NamedTuple):
    """One kind of failure: its event by gostitch, sentry-go and sentry_sdk, and how sessions ended."""

    ours: Event
    go: Event | None
    python: Event | None
    session: str | None
    session_of_python: str | None


class Reason(NamedTuple):
    """Why a field is other than in native events: of these kinds, beside this language."""

    kinds: tuple[str, ...]
    language: str
    field: str
    why: str


_WITHOUT_STACK = (
    ("plain", "sentinel", "wrapped", "joined", "typed", "file", "coded", "argument", "timeout")
)  # fmt: skip
_FRAME = "exception.values[].stacktrace.frames[]"
REASONS = (
    Reason(
        _WITHOUT_STACK,
        GO,
        f"{_FRAME}.lineno",
        "Go has recorded no stack. sentry-go shows where the program captures the error; that is "
        "Python code here, whose stack is in the event. The frame of Go is the function that has "
        "returned the error, without a line, as nothing is known to have happened where it is "
        "declared (`mechanism.data.declared_at`).",
    ),
    Reason(
        ("file",),
        GO,
        "exception.values",
        "An error number behind an error that has its text says nothing more; Python's value has "
        "it in `mechanism.meta.errno`.",
    ),
    Reason(
        ("argument", "timeout"),
        GO,
        "exception.values[].value",
        "The function and the argument are named, which a caller in another language needs.",
    ),
    Reason(
        ("timeout",),
        GO,
        "exception.values[].type",
        "The error that says which call it was wraps Go's own, which is the next value.",
    ),
    Reason(
        ("string panic",),
        GO,
        "message",
        "A panic with a text is an exception with its stack; sentry-go makes a message of it, "
        "without any stack.",
    ),
    Reason(
        ("captured",),
        PYTHON,
        "exception.values[].module",
        "The event is of Go, whose types have the name of their package in them.",
    ),
)


def collect(folder: Path, go: str, environment: dict[str, str]) -> dict[str, Kind]:
    """Fail in each way, and give what was reported."""
    subprocess.run(
        [go, "build", "-o", str(PROGRAM), "./gocore/cmd/nativefaults"],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=_TIMEOUT_S,
    )
    printed = subprocess.run(
        [PROGRAM, *(kind for kind in KINDS if kind not in NOT_IN_GO)],
        capture_output=True,
        text=True,
        check=True,
        timeout=_TIMEOUT_S,
    )
    native = dict(json.loads(line) for line in printed.stdout.splitlines())
    envelopes = folder / "envelopes"
    done = subprocess.run(
        [sys.executable, kinds.__file__, *KINDS],
        env={
            **os.environ,
            "ENVELOPES": str(envelopes),
            "GOSTITCH_CRASH_DIR": str(folder / "crashes"),
            "PYTHONPATH": str(ROOT / "python" / "tests"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    sent: dict[tuple[str, str, str], list[Any]] = {}
    for line in envelopes.read_text().splitlines():
        side, kind, sort, body = json.loads(line)
        sent.setdefault((side, kind, sort), []).append(body)
    return {kind: _kind(kind, native.get(kind), sent) for kind in KINDS}


def _kind(kind: str, native: Event | None, sent: dict[tuple[str, str, str], list[Any]]) -> Kind:
    (ours,) = sent["ours", kind, "event"]
    (python,) = sent.get(("python", kind, "event"), [None])
    (session,) = sent.get(("ours", kind, "session"), [None])
    (alone,) = sent.get(("python", kind, "session"), [None])
    return Kind(
        ours,
        native and _like_python(native),
        python,
        session and session["status"],
        alone and alone["status"],
    )


def _like_python(event: Event) -> Event:
    """Give an event as Python writes them: both forms are Sentry's."""
    lists = {name: {"values": event[name]} for name in ("exception", "threads") if name in event}
    return {**event, **lists}


def values(event: Event, language: str) -> list[Event]:
    """Give the exceptions of one language in an event, the outermost first."""
    found = (event.get("exception") or {}).get("values") or []
    return [value for value in reversed(found) if ("module" in value) == (language == PYTHON)]


def frames(event: Event, language: str) -> list[Event]:
    """Give the frames of one language."""
    return [
        frame
        for value in values(event, language)
        for frame in (value.get("stacktrace") or {}).get("frames") or ()
    ]


def of_language(event: Event, language: str) -> Event:
    """Give an event with what it says of one language alone."""
    contexts = dict(event.get("contexts") or {})
    beside = contexts.pop(language, None)
    if beside is not None:
        contexts["runtime"] = beside
    only = {**event, "contexts": contexts}
    if "exception" in event:
        only["exception"] = {"values": values(event, language)}
    return only


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Give the path of each field that says something; places in lists do not count."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from fields(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from fields(each, f"{path}[]")
    elif value not in (None, ""):
        yield path


def worse(kind: Kind, language: str) -> list[tuple[str, str]]:
    """Give the fields that are worse than in the native event of a language, and how."""
    native = kind.go if language == GO else kind.python
    if native is None:
        return []
    ours = of_language(kind.ours, language)
    if language == PYTHON:
        # What an exception may say Go's values may say as well: that it is a group, for instance.
        ours = {**ours, "exception": kind.ours.get("exception") or {}}
    found = [(path, "absent") for path in _absent(native, ours)]
    if _LEVELS.index(ours["level"]) < _LEVELS.index(native["level"]):
        found.append(("level", f"{ours['level']}, not {native['level']}"))
    if language == GO:
        found += _other_values(native, kind.ours)
    elif _handled(native) != _handled(kind.ours):
        found.append(("exception.values[].mechanism.handled", str(_handled(kind.ours))))
    if language == PYTHON and kind.session != kind.session_of_python:
        found.append(("session", f"{kind.session}, not {kind.session_of_python}"))
    found += _emptier_frames(frames(native, language), frames(kind.ours, language))
    return found


def _handled(event: Event) -> Any:
    """Tell whether the outermost exception was handled."""
    found = (event.get("exception") or {}).get("values") or [{}]
    return (found[-1].get("mechanism") or {}).get("handled")


def explained(kind: str, language: str, field: str) -> Reason | None:
    """Give why a field of a kind is other than in the native event; None if nobody says so."""
    for reason in REASONS:
        if (kind in reason.kinds, language, field) == (True, reason.language, reason.field):
            return reason
    return None


# What is of the program, and not of the failure: each has modules, variables and arguments of its own.
_OF_THE_PROGRAM = re.compile(r"(modules|.*\.vars|extra\.sys.argv)\b.*")


def _absent(native: Event, ours: Event) -> list[str]:
    has = set(fields(ours))
    wanted = dict.fromkeys(path for path in fields(native) if not _OF_THE_PROGRAM.match(path))
    lost = [path for path in wanted if path not in has]
    return lost + [name for name in ("modules",) if native.get(name) and not ours.get(name)]


def _other_values(native: Event, event: Event) -> Iterator[tuple[str, str]]:
    """Give what is said otherwise of the same errors, the outermost first."""
    ours = values(event, GO)
    for i, one in enumerate(values(native, GO)):
        path = "exception.values"
        if i == len(ours):
            yield path, "fewer"
            return
        for name in ("type", "value"):
            if one[name] != ours[i].get(name):
                yield f"{path}[].{name}", f"{ours[i].get(name)!r}, not {one[name]!r}"
        yield from _other_places(one, ours[i])


_PLACE = ("module", "function", "lineno", "in_app")


def _other_places(native: Event, ours: Event) -> Iterator[tuple[str, str]]:
    """Give what is said otherwise of the innermost frame, where the native error has the place."""
    stacks = [(each.get("stacktrace") or {}).get("frames") for each in (native, ours)]
    if not stacks[0] or stacks[0][-1]["module"] == "main":
        return  # it is where the program has captured the error
    for name in _PLACE:
        wanted, found = (frames[-1].get(name) for frames in stacks)
        if wanted != found:
            yield f"exception.values[].stacktrace.frames[].{name}", f"{found!r}, not {wanted!r}"


def _emptier_frames(native: list[Event], ours: list[Event]) -> Iterator[tuple[str, str]]:
    """Give the fields that all native frames have, and not all of ours that are the user's."""
    common = set.intersection(*(set(frame) for frame in native)) if native else set()
    for name in sorted(common):
        lack = [frame["function"] for frame in ours if frame["in_app"] and name not in frame]
        if lack:
            yield f"exception.values[].stacktrace.frames[].{name}", f"not in {lack}"
