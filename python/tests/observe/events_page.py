"""Writes the page of events side by side, ``docs/events.md``: ``make events``.

Beside the page there is a file for each kind of failure, with the three events as they are sent,
but for what is of one run alone. The page is made of these files, and ``test_events.py`` holds
both beside what the SDKs send now.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from gostitch.build import _toolchain
from observe.side_by_side import GO, KINDS, PYTHON, REASONS, ROOT, Event, Kind, collect, frames

PAGE = ROOT / "docs" / "events.md"
FOLDER = ROOT / "docs" / "events"

_OF_ONE_RUN = dict.fromkeys(
    [
        "event_id",
        "trace_id",
        "span_id",
        "timestamp",
        "started",
        "sid",
        "server_name",
        "build",
        "sys.argv",
        "thread_id",
        "pid",
    ],
    "…",
) | dict.fromkeys(("go_numroutines", "go_numcgocalls", "go_maxprocs", "num_cpu"), 0)
_MODULES = ("github.com/getsentry/sentry-go", "github.com/gostitch/gostitch", "sentry-sdk")
_CHANGING = re.compile(r"0x[0-9a-f]{6,}|\b\d{5,}\b")

_TITLES = {
    "plain": "`errors.New`, returned",
    "sentinel": "A sentinel, returned",
    "wrapped": "Wrapped twice by `fmt.Errorf`",
    "joined": "`errors.Join`",
    "typed": "A type of its own, with fields",
    "traced": "With a stack, as `github.com/pkg/errors` records it",
    "file": "`os.Open` of no file",
    "coded": "With a code",
    "argument": "An argument that is refused",
    "timeout": "The time of the call is over",
    "dereference": "Panic: nil dereference",
    "error panic": "Panic with an error",
    "string panic": "Panic with a text",
    "index": "Panic: index out of range",
    "map": "Panic: write to a nil map",
    "assertion": "Panic: type assertion",
    "division": "Panic: division by zero",
    "background": "Panic of a goroutine, in the background",
    "crash": "Panic that ends the process",
    "captured": "`CaptureException` of sentry-go in Go",
    "recovered": "`Recover` of sentry-go in Go",
    "message": "`CaptureMessage` of sentry-go in Go",
    "logged": "`slog.Error` in Go",
    "callback": "An exception of a callable that Go asks",
}

_BEGIN = """\
# Events beside those of sentry-go and sentry_sdk

The same {count} failures, reported in three ways: in Go that Python calls through gostitch, in a program of Go's own
with sentry-go, and in Python alone, where something comparable fails. This page and the events are made by
`make events`; a test (`python/tests/observe/test_events.py`) makes them anew, and fails if a field of a native event is
absent, empty or less in ours, but for [these](#other-than-in-native-events).

All events of gostitch have both runtimes (`contexts.runtime`, and the other language's beside it), the modules of Go
and of Python, `device` and `os` as sentry-go has them, and the tags `gostitch.version`, `gostitch.function` and, of an
error, `gostitch.error.code`. Frames of Go have package and function apart, and source lines, where the sources that the
library was built from are at hand.

![A nil dereference of Go in Spotlight, with its source lines, above Python's stack](pictures/panic.png)
"""


def normal(value: Any) -> Any:
    """Return an event without what is of one run or one machine alone."""
    if isinstance(value, list):
        return [normal(each) for each in value]
    if isinstance(value, str):
        text = value.replace(f"{ROOT}/", "").replace(str(Path.home()), "~")
        return _CHANGING.sub("…", text)
    if not isinstance(value, dict):
        return value
    told = {
        name: _OF_ONE_RUN[name] if name in _OF_ONE_RUN else normal(each)
        for name, each in value.items()
        if name != "_meta"
    }
    if "vars" in told:
        told["vars"] = dict.fromkeys(told["vars"], "…")
    if "modules" in told:
        told["modules"] = {
            name: told["modules"][name] for name in _MODULES if name in told["modules"]
        }
    return dict(sorted(told.items()))


def texts(found: dict[str, Kind]) -> dict[str, str]:
    """Return the text of each file beside the page."""
    files = {}
    for kind, of in found.items():
        told = {
            "gostitch": normal(of.ours),
            "sentry-go": normal(of.go),
            "sentry_sdk": normal(of.python),
            "session": {"gostitch": of.session, "sentry_sdk": of.session_of_python},
        }
        files[name_of(kind)] = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    return files


def name_of(kind: str) -> str:
    """Return the name of a kind's file."""
    return f"{kind.replace(' ', '-')}.json"


def read() -> dict[str, Kind]:
    """Return what the files beside the page say."""
    found = {}
    for kind in KINDS:
        told = json.loads((FOLDER / name_of(kind)).read_text(encoding="utf-8"))
        sessions = told["session"]
        found[kind] = Kind(
            told["gostitch"],
            told["sentry-go"],
            told["sentry_sdk"],
            sessions["gostitch"],
            sessions["sentry_sdk"],
        )
    return found


def page(found: dict[str, Kind]) -> str:
    """Return the page of these events."""
    parts = [_BEGIN.format(count=len(found))]
    for kind, of in found.items():
        parts += [f"## {_TITLES[kind]}\n", _table(of), f"[The events](events/{name_of(kind)})\n"]
    parts += ["## Other than in native events\n", _reasons()]
    return "\n".join(parts)


def _table(of: Kind) -> str:
    events = (of.ours, of.go, of.python)
    rows = {
        "what failed": [_values(event) for event in events],
        "level, handled": [_level(event) for event in events],
        "place in Go": [_place(event, GO) for event in events],
        "place in Python": [_place(event, PYTHON) for event in events],
        "grouped by": [_grouped(event) for event in events],
        "tags": [_tags(event) for event in events],
        "session": [of.session, None, of.session_of_python],
    }
    lines = ["| | gostitch | sentry-go | sentry_sdk |", "|---|---|---|---|"]
    for name, cells in rows.items():
        if any(cells):
            lines.append(f"| {name} | {' | '.join(cell or '-' for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _values(event: Event | None) -> str | None:
    if event is None:
        return "no event"
    values = (event.get("exception") or {}).get("values") or []
    said = (event.get("logentry") or {}).get("message") or event.get("message")
    lines = [f"{each['type']}: {each['value']}" for each in reversed(values)]
    return "<br>".join(_code(line) for line in lines) or f"message {_code(said)}"


def _level(event: Event | None) -> str | None:
    if event is None:
        return None
    values = (event.get("exception") or {}).get("values") or [{}]
    handled = (values[-1].get("mechanism") or {}).get("handled")
    return event["level"] + {True: ", handled", False: ", not handled", None: ""}[handled]


def _place(event: Event | None, language: str) -> str | None:
    """Return the innermost frame of a language, and what is known of it."""
    if event is None:
        return None
    is_gos = event["platform"] == "go" and "gostitch.version" not in (event.get("tags") or {})
    if is_gos and language == PYTHON:
        return None
    found = frames(event, language)
    if not found:
        return None
    frame = found[-1]
    of = "/".join(str(frame["module"]).split("/")[-2:])
    line = f":{frame['lineno']}" if "lineno" in frame else ", no line"
    mine = "" if frame["in_app"] else ", not in app"
    source = f"<br>{_code(frame['context_line'].strip())}" if frame.get("context_line") else ""
    return f"{_code(f'{of}.' + frame['function'])}{line}{mine}{source}"


def _grouped(event: Event | None) -> str | None:
    if event is None or not event.get("fingerprint"):
        return None
    return "<br>".join(_code(each.split("/internal/")[-1]) for each in event["fingerprint"][1:])


def _tags(event: Event | None) -> str | None:
    tags = (event or {}).get("tags") or {}
    return "<br>".join(_code(f"{name}: {value}") for name, value in sorted(tags.items()))


def _code(text: Any) -> str:
    return "`" + str(text).replace("\n", " ").replace("|", "\\|").replace("`", "'") + "`"


def _reasons() -> str:
    lines = ["| Failure | Beside | Field | Why |", "|---|---|---|---|"]
    for reason in REASONS:
        kinds = ", ".join(reason.kinds)
        beside = {GO: "sentry-go", PYTHON: "sentry_sdk"}[reason.language]
        lines.append(f"| {kinds} | {beside} | `{reason.field}` | {reason.why} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the events, and write them and the page."""
    go = _toolchain.go()
    assert go is not None
    with tempfile.TemporaryDirectory() as folder:
        found = collect(Path(folder), go, _toolchain.environment())
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts(found).items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    PAGE.write_text(page(read()), encoding="utf-8")


if __name__ == "__main__":
    main()
