"""Go errors in a Sentry event: their values, their grouping and their trace."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Any

from gostitch import _logs
from gostitch.exceptions import GoError, GoFrame
from gostitch.observe import _grouping

Value = dict[str, Any]


def add_errors(event: dict[str, Any], error: BaseException) -> None:
    """Put Go's part of an exception, and of what it came from, into its event."""
    values = (event.get("exception") or {}).get("values")
    if not values:
        return
    # By the identity of values: what each one is the cause of, as far as that is known.
    above = _numbered(values)
    below: dict[int, Value] = {}
    taken: set[int] = set()
    for each, of in _go_errors(error, set()):
        if each.go_type:
            at = _find(values, of, taken)
            values[at]["value"] = _said(of, without=each.go_note)  # Sentry gets the frames
            _insert(values, each, at, below)
        if each.trace.startswith(b"00-"):
            _, trace_id, span_id, _ = each.trace.decode().partition("\n")[0].split("-")
            _set_trace(event, trace_id, span_id)
    if below:
        _number(values, above, below)
    of_go = _only_go(error)
    if of_go and not event.get("fingerprint"):
        event["fingerprint"] = _grouping.of_all(of_go)


def _only_go(error: BaseException) -> list[GoError]:
    """Return the errors of Go that an exception, or a group of them, is; none if it is more."""
    if isinstance(error, GoError):
        return [error] if error.go_type else []
    found = [_only_go(each) for each in members(error)]
    return [each for errors in found for each in errors] if all(found) else []


def add_span_of_record(event: dict[str, Any], record: logging.LogRecord) -> None:
    """Put an event made of a log record of Go on the trace in which Go wrote it."""
    log = _logs.frame_of(record)
    if log is not None and log.trace.startswith("00-"):
        _set_trace(event, log.trace[3:35], log.trace[36:52])


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
    if error.go_frames:
        value["stacktrace"] = {"frames": [frame(line) for line in reversed(error.go_frames)]}
    made.append(value)
    below[id(value)] = of
    for i, cause in enumerate(error.causes):
        _append(made, cause, f"causes[{i}]", value, below, handled)


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


def frame(line: GoFrame) -> Value:
    """Give a line of a Go stack as Sentry has frames."""
    return {
        "function": line.function,
        "filename": line.file,
        "abs_path": line.file,
        "lineno": line.line,
        "in_app": _grouping.in_app(line),
        "platform": "go",
    }
