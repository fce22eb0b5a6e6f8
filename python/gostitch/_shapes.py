"""Shapes: what generated modules say of the values that cross, as schemas.

A shape is text such as ``list[FetchItem]`` or ``optional[int64]``; the generator
writes it (``shape`` in gocore/cmd/gostitch-gen). It is read at the first use of
a function, so that importing a module with many functions costs little.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from gostitch._process import bridge
from gostitch.exceptions import GoDataError

T = TypeVar("T")

Schema = bridge.Schema

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|[][(),:])")
_SCALAR = re.compile(r"(bool|int|uint|float|str|bytes|path|none)(\d*)$")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NANOSECONDS = 1_000

_fields: dict[type, str] = {}


def record(fields: str) -> Callable[[type[T]], type[T]]:
    """Say of a class which fields cross, and how."""

    def note(cls: type[T]) -> type[T]:
        _fields[cls] = fields
        return cls

    return note


def schema(shape: str, names: Mapping[str, Any]) -> Schema:
    """Read one shape; ``names`` are those of the module it is written in."""
    tokens = _tokens(shape)
    return _one(next(tokens), tokens, names)


def schemas(fields: str, names: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Schema, ...]]:
    """Read ``name: shape, ...``: the names and their schemas."""
    tokens = _tokens(fields)
    found: list[tuple[str, Schema]] = []
    for name in tokens:
        if not name:
            break
        _take(tokens, ":")
        found.append((name, _one(next(tokens), tokens, names)))
        if not next(tokens):  # a comma, or the end
            break
    return tuple(name for name, _ in found), tuple(shape for _, shape in found)


def _tokens(text: str) -> Iterator[str]:
    yield from _TOKEN.findall(text)
    yield ""


def _take(tokens: Iterator[str], wanted: str) -> None:
    found = next(tokens)
    if found != wanted:
        raise SyntaxError(f"expected {wanted!r} in a shape, found {found!r}")


def _one(word: str, tokens: Iterator[str], names: Mapping[str, Any]) -> Schema:
    if word in ("list", "map", "optional", "buffer", "mutable"):
        _take(tokens, "[")
        element = _one(next(tokens), tokens, names)
        _take(tokens, "]")
        return Schema(word, element=element)
    if word == "time":
        return _TIME
    if word == "duration":
        return _DURATION
    if word == "table":
        from gostitch import _table_frame  # it needs this module

        return Schema("table", lower=_table_frame.frame_of)
    scalar = _SCALAR.match(word)
    if scalar:
        return Schema(scalar[1], bits=int(scalar[2] or 0))
    cls = names[word]
    if isinstance(cls, enum.EnumMeta):
        _take(tokens, "(")
        element = _one(next(tokens), tokens, names)
        _take(tokens, ")")
        return _enumeration(cls, element)
    fields, shapes = schemas(_fields[cls], vars(sys.modules[cls.__module__]))
    return Schema("record", names=fields, fields=shapes, type=cls)


def _enumeration(cls: Any, element: Schema) -> Schema:
    known = {member.value: member for member in cls}

    def lower(value: Any) -> Any:
        if type(value) is not cls:
            try:
                value = known[value]
            except (KeyError, TypeError):
                wanted = ", ".join(repr(each) for each in known)
                kind = ValueError if isinstance(value, str | int) else TypeError
                raise kind(f"expected one of {wanted}, got {value!r}") from None
        return value.value

    def lift(value: Any) -> Any:
        try:
            return known[value]
        except KeyError:
            raise GoDataError(
                f"Go gave {value!r}, which is no constant of {cls.__name__}; add the constant in "
                "Go and generate the stubs again"
            ) from None

    return Schema("converted", element=element, type=cls, lower=lower, lift=lift)


def lower_time(value: Any) -> tuple[int, int]:
    """Give the seconds since 1970, and nanoseconds, of a point in time."""
    if not isinstance(value, datetime):
        raise TypeError(f"expected datetime.datetime, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise ValueError(
            "the datetime has no time zone, so it is no point in time; give it one "
            "(datetime.now(timezone.utc), or .astimezone() for local time)"
        )
    since = value - EPOCH
    return since.days * 86_400 + since.seconds, since.microseconds * _NANOSECONDS


def lift_time(value: Sequence[int]) -> datetime:
    """Give the point in time so many seconds, and nanoseconds, after 1970."""
    seconds, nanoseconds = value
    try:
        return EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // _NANOSECONDS)
    except OverflowError:
        raise GoDataError(
            f"Go gave a time {seconds} seconds from 1970, and Python's datetime knows the "
            "years 1 to 9999 only; check for a zero or wrong time in Go"
        ) from None


def _lower_duration(value: Any) -> int:
    if not isinstance(value, timedelta):
        raise TypeError(f"expected datetime.timedelta, got {type(value).__name__}")
    microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    return microseconds * _NANOSECONDS


def _lift_duration(nanoseconds: int) -> timedelta:
    # Towards zero, as Go's own Duration.Microseconds does.
    return timedelta(
        microseconds=int(abs(nanoseconds) // _NANOSECONDS) * (1 if nanoseconds > 0 else -1)
    )


_INT64 = Schema("int", bits=64)
_TIME = Schema(
    "converted",
    element=Schema("list", element=_INT64),
    type=datetime,
    lower=lower_time,
    lift=lift_time,
)
_DURATION = Schema(
    "converted", element=_INT64, type=timedelta, lower=_lower_duration, lift=_lift_duration
)
