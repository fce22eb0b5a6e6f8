"""What Go wrote when it ended a process, read in time linear to its length, whatever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from gostitch import _printable
from gostitch.exceptions import GoFrame

# Compiled at the first use, which most processes never come to.
_GOROUTINE = r"goroutine [0-9]+ "
_CALL = r'"?gostitch\.call"?: "?(?P<call>[a-z0-9_.]+)'
_TRACE = r'"?gostitch\.trace"?: "?(?P<trace>[0-9a-f]{32})'
_REASON = r"(?:fatal error|panic|runtime|SIG[A-Z]+): "
# No part can end where another one could have: what does not fit costs its length, once.
_FUNCTION = r"(?P<name>[\w./]+(?:\(\*\w+\)[\w.]+)?)\("
_NO_THREAD = "no thread can be made (RLIMIT_NPROC, or the pids limit of the container)"
_NO_MEMORY = "out of memory (RLIMIT_DATA, RLIMIT_AS, or the limit of the container)"
# What Go was doing when it gave up: a frame near the top of the stack.
_FATAL = {
    "internal/runtime/maps.fatal": "concurrent use of a map",
    "runtime.newstack": "stack overflow",
    "runtime.(*mcache).allocLarge": _NO_MEMORY,
    "runtime.(*mheap).": _NO_MEMORY,
    "runtime.sysMap": _NO_MEMORY,
    "runtime.newosproc": _NO_THREAD,
}
_THROWERS = ("runtime.throw", "runtime.fatal", "runtime.fatalthrow")
_FRAMES_OF_REASON = 8
_LONGEST_NUMBER = 9  # digits of a line's number


class Crash(NamedTuple):
    """What a text says of a crash."""

    reason: str
    function: str | None
    trace_id: str | None
    go_frames: tuple[GoFrame, ...]


def read(text: str) -> Crash:
    """Return what a text says: the goroutine that crashed comes first."""
    lines = text.split("\n")
    first = next((at for at, each in enumerate(lines) if _state_of(each) is not None), None)
    state = "" if first is None else _state_of(lines[first]) or ""
    call, trace = re.search(_CALL, state), re.search(_TRACE, state)
    return Crash(
        reason=_printable.line(_reason_of(lines)),
        function=call["call"] if call else None,
        trace_id=trace["trace"] if trace else None,
        go_frames=tuple(_frames_of(lines, 0 if first is None else first + 1)),
    )


def _state_of(line: str) -> str | None:
    """Return what a goroutine's first line has in brackets; None of any other line."""
    if not line.endswith("]:") or not re.match(_GOROUTINE, line) or "[" not in line:
        return None
    return line[line.index("[") + 1 : -2]


def _frames_of(lines: list[str], at: int) -> Iterator[GoFrame]:
    """Give the stack that begins at a line, up to the next goroutine."""
    while at < len(lines) and not lines[at]:
        at += 1
    while at + 1 < len(lines) and lines[at]:
        function, place = _function_of(lines[at]), _place_of(lines[at + 1])
        if function and place:
            yield GoFrame(function, *place)
            at += 1
        at += 1


def _function_of(line: str) -> str | None:
    """Return the function that a line of a stack names, without its arguments."""
    name, _, _ = line.removeprefix("created by ").partition(" in goroutine ")
    if name.endswith(")") and name.rfind("(") > 0:
        name = name[: name.rfind("(")]
    return None if not name or any(map(str.isspace, name)) else name


def _place_of(line: str) -> tuple[str, int] | None:
    """Return file and line that the second line of a frame names."""
    if not line.startswith("\t") or not line[1:2].strip():
        return None
    file, _, number = line.split(None, 1)[0].rpartition(":")
    if not file or not (number.isascii() and number.isdigit()) or len(number) > _LONGEST_NUMBER:
        return None
    return file, int(number)


def _reason_of(lines: list[str]) -> str:
    """Say what happened, also where Go wrote its message to standard error alone."""
    said = next((each for each in lines if re.match(_REASON, each)), None)
    if said is not None:
        return said.strip()
    frames: list[str] = []
    for each in lines:
        found = re.match(_FUNCTION, each)
        if found and "." in found["name"]:
            frames.append(found["name"])
        if len(frames) == _FRAMES_OF_REASON:
            break
    for frame, meaning in _FATAL.items():
        if any(frame in each for each in frames):
            return f"fatal error: {meaning}"
    where = next((each for each in frames if each not in _THROWERS), None)
    if where:
        return f"fatal error in {where}"
    return next((each.strip() for each in lines if each.strip()), "unknown")
