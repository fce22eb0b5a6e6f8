"""Shapes: what generated modules say of the values that cross, as schemas.

A shape is text such as ``list[FetchItem]`` or ``optional[int64]``; the generator
writes it (``shape`` in gocore/cmd/gostitch-gen). It is read at the first use of
a function, so that importing a module with many functions costs little.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from gostitch import _times
from gostitch._abi import bridge
from gostitch._record import BaseRecord, has_fields
from gostitch.exceptions import GoDataError

T = TypeVar("T")

Schema = bridge.Schema

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|[][(),:])")
_SCALAR = re.compile(r"(bool|int|uint|float|str|bytes|path|none)(\d*)$")

_fields: dict[type, str] = {}


def record(fields: str) -> Callable[[type[T]], type[T]]:
    """Say of a class which fields cross, and how."""

    def note(cls: type[T]) -> type[T]:
        _fields[cls] = fields
        if issubclass(cls, BaseRecord):
            has_fields(cls, dict(re.findall(r"(\w+): (\w+)", fields)))
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
    if word == "any":
        return PLAIN
    if word == "time":
        return _TIME
    if word == "duration":
        return _DURATION
    if word == "table":
        return _TABLE
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


PLAIN = Schema("any")
"""Values that say themselves what they are: None, bool, int, float, str, bytes, list and dict."""


def _frame_of_table(value: Any) -> bytes:
    from gostitch import _table_frame  # late: only tests encode tables

    return PLAIN.encode(_table_frame.content_of(value))


_TABLE = Schema("table", lower=_frame_of_table)
_INT64 = Schema("int", bits=64)
_TIME = Schema(
    "converted",
    element=Schema("list", element=_INT64),
    type=datetime,
    lower=_times.lower_time,
    lift=_times.lift_time,
)
_DURATION = Schema(
    "converted",
    element=_INT64,
    type=timedelta,
    lower=_times.lower_duration,
    lift=_times.lift_duration,
)
