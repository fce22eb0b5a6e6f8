"""Which events are one issue: what went wrong, and in which function of Go.

Sentry's server groups by the frames of all stacks, so that one bug called from ten places would be
ten issues, and by no message, so that all errors of one Go function would be one: most have a
type that says nothing, and no stack but the function. So an error is known by the types of its
chain, and where a type says nothing by the text, without what changes from one time to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gostitch.exceptions import GoError, GoFrame
from gostitch.observe import _build

_LONGEST = 200
"""Characters of a text that tell one error from another."""

_MOST_READ = 2000

_SAY_NOTHING = frozenset(
    {
        "*errors.errorString",
        "*errors.joinError",
        "*fmt.wrapError",
        "*fmt.wrapErrors",
        "*gocore.Error",
        "panic",
        # github.com/pkg/errors, golang.org/x/xerrors
        "*errors.fundamental",
        "*errors.withMessage",
        "*errors.withStack",
        "*xerrors.errorString",
        "*xerrors.noWrapError",
        "*xerrors.wrapError",
    }
)
"""Types of errors that a function makes of a text."""

_OWN_WORDS = frozenset({"timeout", "cancelled"})
"""Codes of errors that gostitch makes of whatever a function returns when its context has ended."""

_CHANGING = re.compile(
    r"""
    (?P<quoted> "(?:[^"\\]|\\.)*" | `[^`]*` | (?<!\w)'[^']*'(?!\w) )
    | (?P<email> (?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.-]+ )
    | (?P<url> \b[a-z][a-z0-9+]*://[^\s"'<>]+ )
    | (?P<uuid> \b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b )
    | (?P<path> (?<![\w.])\.{0,2}/[^\s:,;"'()<>]+ | \b[A-Za-z]:\\[^\s:,;"'()<>]+ )
    | (?P<date> \b\d{4}-\d\d-\d\d(?:[T\ ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)? )
    | (?P<ip> \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b | \[[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\](?::\d+)? )
    | (?P<duration> \b(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|µs|ns))+\b )
    | (?P<hex> \b0[xX][0-9a-fA-F]+\b | \b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{7,}\b )
    | (?P<float> -?\b\d+\.\d+(?:[eE][+-]?\d+)?\b )
    | (?P<int> -?\b\d+\b | (?<=[A-Za-z_])\d+\b )
    """,
    re.VERBOSE,
)


def of_error(error: GoError) -> list[str]:
    """Return what an error is grouped by."""
    words = ", ".join(_unique(_words_of(error)))
    return ["gostitch", f"{error.code}: {words}", _function_of(error) or ""]


def of_all(errors: Iterable[GoError]) -> list[str]:
    """Return what a group of errors is grouped by: as one if all are alike."""
    alike = sorted({tuple(of_error(error)) for error in errors})
    return list(alike[0]) if len(alike) == 1 else ["gostitch", *(" ".join(each) for each in alike)]


def of_text(kind: str, type_: str, text: str, frames: tuple[GoFrame, ...]) -> list[str]:
    """Return what something is grouped by that has no error: a panic of the background, say."""
    frame = place(frames)
    words = [type_] if type_ not in _SAY_NOTHING else [type_, without_changes(text)]
    return ["gostitch", f"{kind}: {' '.join(words)}", "" if frame is None else frame.function]


def of_panic(event: dict[str, Any]) -> list[str] | None:
    """Return what an event of Go's is grouped by that is a panic; None for any other."""
    values = (event.get("exception") or {}).get("values") or [{}]
    if (values[-1].get("mechanism") or {}).get("type") != "gostitch":
        return None
    frames = (values[-1].get("stacktrace") or {}).get("frames") or ()
    lines = tuple(GoFrame(_name_of(each), "", 0) for each in reversed(frames))
    return of_text("panic", values[-1].get("type", ""), values[-1].get("value", ""), lines)


def _name_of(frame: dict[str, Any]) -> str:
    return ".".join(filter(None, (frame.get("module"), frame.get("function"))))


def place(frames: tuple[GoFrame, ...]) -> GoFrame | None:
    """Return the innermost line of a stack that is the user's; the innermost of all if none is."""
    return next((line for line in frames if in_app(line)), frames[0] if frames else None)


def in_app(frame: GoFrame) -> bool:
    """Tell a user's function from one of Go's standard library, as gocore.IsRuntimeFrame does."""
    first, slash, _ = frame.function.partition("/")
    if (slash and "." in first) or frame.function.startswith("main."):
        return True
    return frame.function.startswith(_build.short_modules())


def without_changes(text: str) -> str:
    """Return a text with numbers, names and the like as what they are."""
    return _CHANGING.sub(lambda found: f"<{found.lastgroup}>", text[:_MOST_READ])[:_LONGEST]


def _function_of(error: GoError) -> str | None:
    """Return the function of the first stack that an error or one of its causes has."""
    frame = place(error.go_frames)
    if frame is not None:
        return frame.function
    return next(filter(None, map(_function_of, error.causes)), None)


def _words_of(error: GoError) -> Iterator[str]:
    """Give a word for each error of a chain, the outermost first."""
    if error.go_type not in _SAY_NOTHING:
        yield error.go_type
    else:
        own = without_changes(_own_text(error))
        yield f"{error.go_type} {own}".strip()
    if error.go_type == "*gocore.Error" and error.code in _OWN_WORDS:
        return  # whatever a function returns then
    for cause in error.causes:
        yield from _words_of(cause)


def _own_text(error: GoError) -> str:
    """Return what an error says beside its causes."""
    text = error.message
    for cause in error.causes:
        text = text.replace(cause.message, "", 1)
    return text.strip(": \n")


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
