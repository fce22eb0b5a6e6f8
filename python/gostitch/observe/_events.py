"""Go errors in a Sentry event: their values, their grouping and their trace."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Any

from gostitch import _logs
from gostitch._version import VERSION
from gostitch.exceptions import GoError
from gostitch.observe import _build, _frames, _grouping

Value = dict[str, Any]

_NO_STACK = "Go recorded no stack: the frame is the function that has returned the error"


def add_errors(event: dict[str, Any], error: BaseException) -> None:
    """Put Go's part of an exception, and of what it came from, into its event."""
    values = (event.get("exception") or {}).get("values")
    if not values:
        return
    # By the identity of values: what each one is the cause of, as far as that is known.
    above = _numbered(values)
    below: dict[int, Value] = {}
    taken: set[int] = set()
    found = list(_go_errors(error, set()))
    for each, of in found:
        if each.go_type:
            at = _find(values, of, taken)
            values[at]["value"] = _said(of, without=each.go_note)  # Sentry gets the frames
            _insert(values, each, at, below)
        if each.trace.startswith(b"00-"):
            _, trace_id, span_id, _ = each.trace.decode().partition("\n")[0].split("-")
            _set_trace(event, trace_id, span_id)
    if below:
        _number(values, above, below)
    if any(each.go_type for each, _ in found):
        _build.add_go(event)
        tag(event, *(each for each, _ in found))
    of_go = _only_go(error)
    if of_go and not event.get("fingerprint"):
        event["fingerprint"] = _grouping.of_all(of_go)


def tag(event: dict[str, Any], *errors: GoError, function: str = "") -> None:
    """Say what gostitch knows of an event: its version, the function, the code of the error.

    Of several errors that which is the same for all. Tags of the user's own stay.
    """
    functions = {each.function for each in errors} or {function}
    codes = {each.code for each in errors} or {""}
    told = {
        "gostitch.version": VERSION,
        "gostitch.function": functions.pop() if len(functions) == 1 else "",
        "gostitch.error.code": codes.pop() if len(codes) == 1 else "",
    }
    own = event.get("tags") or {}
    if isinstance(own, dict):
        event["tags"] = {**{name: value for name, value in told.items() if value}, **own}


def _only_go(error: BaseException) -> list[GoError]:
    """Return the errors of Go that an exception, or a group of them, is; none if it is more."""
    if isinstance(error, GoError):
        return [error] if error.go_type else []
    found = [_only_go(each) for each in members(error)]
    return [each for errors in found for each in errors] if all(found) else []


def add_record(event: dict[str, Any], record: logging.LogRecord) -> None:
    """Put Go's part into an event made of a log record of Go: the trace in which Go wrote it."""
    log = _logs.frame_of(record)
    if log is None:
        return
    if log.trace.startswith("00-"):
        _set_trace(event, log.trace[3:35], log.trace[36:52])
    _build.add_go(event)
    tag(event, function=log.function)


def _set_trace(event: dict[str, Any], trace_id: str, span_id: str) -> None:
    event.setdefault("contexts", {})["trace"] = {"trace_id": trace_id, "span_id": span_id}


def members(error: BaseException | None) -> tuple[BaseException, ...]:
    """Give the exceptions of a group; Python 3.10 has none, but a package with them."""
    found = getattr(error, "exceptions", ())
    is_group = isinstance(found, tuple) and all(isinstance(one, BaseException) for one in found)
    return found if is_group else ()


def _go_errors(
    error: BaseException | None, seen: set[int]
) -> Iterator[tuple[GoError, BaseException]]:
    """Give the Go errors that an exception is, came from, or made fail on its way through Go.

    Each with the exception of Python that has it; those of groups too.
    """
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        passed = getattr(error, "go_error", None)
        if isinstance(error, GoError):
            yield error, error
            return  # its causes are its own: they were never raised in Python
        if isinstance(passed, GoError):
            yield passed, error
        for each in members(error):
            yield from _go_errors(each, seen)
        error = error.__cause__ or error.__context__


def _insert(values: list[Value], error: GoError, at: int, below: dict[int, Value]) -> None:
    """Insert Go's values before (Sentry lists causes first) that of Python's exception."""
    for cause in _causes(error):  # as Python chains them: without a stack, and no word more
        found = _last(values[:at], cause)
        if found is not None:
            del values[found]
            at -= 1
    handled = (values[at].get("mechanism") or {}).get("handled", True)
    made: list[Value] = []
    _append(made, error, "go", values[at], below, handled)
    values[at:at] = reversed(made)


def _find(values: list[Value], error: BaseException, taken: set[int]) -> int:
    """Find the value of an exception that no equal one has taken; else the last one."""
    at = _last(values, error, taken)
    if at is None:
        at = len(values) - 1
    taken.add(id(values[at]))
    return at


def _last(values: list[Value], error: BaseException, taken: Collection[int] = ()) -> int | None:
    python = (type(error).__name__, _said(error))
    for i in reversed(range(len(values))):
        value = values[i]
        if (value.get("type"), value.get("value")) == python and id(value) not in taken:
            return i
    return None


def _said(error: BaseException, without: str | None = None) -> str:
    """Give the text that Sentry shows of an exception: its message and its notes."""
    text = error.message if isinstance(error, GoError) else str(error)
    notes = getattr(error, "__notes__", None)
    if not isinstance(notes, list):
        return text
    return "\n".join([text, *(note for note in notes if isinstance(note, str) and note != without)])


def _causes(error: GoError) -> Iterator[GoError]:
    for cause in error.causes:
        yield cause
        yield from _causes(cause)


def _append(
    made: list[Value],
    error: GoError,
    source: str,
    of: Value,
    below: dict[int, Value],
    handled: bool,
) -> None:
    """Add the value of a Go error, then those of what it wraps."""
    value: Value = {
        "type": error.go_type,
        "value": error.message,
        "mechanism": {"type": "chained", "source": source, "handled": handled},
    }
    if len(error.causes) > 1:
        value["mechanism"]["is_exception_group"] = True
    if error.go_declared:
        line = error.go_frames[0]
        value["stacktrace"] = {"frames": [_frames.of_declared(line)]}
        value["mechanism"]["description"] = _NO_STACK
        value["mechanism"]["data"] = {"declared_at": f"{line.file}:{line.line}"}
    elif error.go_frames:
        value["stacktrace"] = {"frames": _frames.of_stack(error.go_frames)}
    made.append(value)
    below[id(value)] = of
    for i, cause in enumerate(error.causes):
        source = f"errors[{i}]" if len(error.causes) > 1 else "unwrap"  # as sentry-go says it
        _append(made, cause, source, value, below, handled)


def _numbered(values: list[Value]) -> dict[int, Value]:
    """Give what each value is the cause of, by its identity, where Sentry says it: in groups."""
    said = {id(value): value.get("mechanism") or {} for value in values}
    by_number = {said[id(value)].get("exception_id"): value for value in values}
    return {
        each: by_number[mechanism["parent_id"]]
        for each, mechanism in said.items()
        if mechanism.get("parent_id", "none") in by_number
    }


def _number(values: list[Value], above: dict[int, Value], below: dict[int, Value]) -> None:
    """Say of each value which one it is the cause of; without another word, of the last one."""
    above = above | below
    python: Value | None = None
    for number, value in enumerate(reversed(values)):
        mechanism = value.get("mechanism") or {"type": "generic", "handled": True}
        value["mechanism"] = mechanism
        mechanism["exception_id"] = number
        of = above.get(id(value), python)
        if of is not None:
            mechanism["parent_id"] = of["mechanism"]["exception_id"]
        if id(value) not in below:
            python = value
