"""Arguments as Python gives them, turned into what crosses.

Generated functions call these before encoding; each refuses what cannot work
with an error that names the function, the argument and what was expected.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import msgspec

from gostitch._codec import BESIDE_FROM, BUFFER_EXT, encode
from gostitch.exceptions import GoTypeError, GoValueError

S = TypeVar("S", bound=msgspec.Struct)

Bytes = bytes | bytearray | memoryview
"""What a Go ``[]byte`` parameter accepts; anything with the buffer protocol works."""


def _wrong(function: str, name: str, expected: str, value: Any) -> GoTypeError:
    return GoTypeError(
        f"{function}() argument {name}: expected {expected}, got {type(value).__name__}",
        details={"argument": name},
    )


def timeout_ns(timeout: float | None) -> int:
    """Check a ``timeout=`` in seconds and give it in nanoseconds; 0 means none."""
    if timeout is None:
        return 0
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise GoTypeError(
            f"timeout must be a number of seconds or None, not {type(timeout).__name__}",
            details={"argument": "timeout"},
        )
    if timeout != timeout:
        raise GoValueError("timeout must be a number, not NaN", details={"argument": "timeout"})
    if timeout <= 0:
        return -1  # has passed already; 0 would mean "none" to Go
    return max(int(min(timeout, 2**32) * 1e9), 1)  # 2**32 s are 136 years


def path_argument(value: Any, function: str, name: str) -> str | bytes:
    """Give a path as it crosses: text, or bytes for a name that is not UTF-8."""
    path: str | bytes
    try:
        path = os.fspath(value)
    except TypeError:
        raise _wrong(function, name, "str or os.PathLike", value) from None
    if isinstance(path, str):
        if path.isascii():
            return path
        try:
            path.encode()
        except UnicodeEncodeError:
            return _file_system_name(path, function, name)
    return path


def _file_system_name(path: str, function: str, name: str) -> bytes:
    try:
        return os.fsencode(path)
    except UnicodeEncodeError as error:
        raise GoValueError(
            f"{function}() argument {name}: no file can have this name ({error})",
            details={"argument": name},
        ) from None


def bytes_argument(value: Any, beside: list[Any], function: str, name: str) -> Any:
    """Give bytes as they cross: inside the frame, or a reference to a buffer beside it."""
    if type(value) is bytes and len(value) < BESIDE_FROM:
        return value
    try:
        view = memoryview(value)
    except TypeError:
        raise _wrong(function, name, "bytes, bytearray or memoryview", value) from None
    if not view.c_contiguous:
        raise GoValueError(
            f"{function}() argument {name}: the memory is not contiguous; pass a contiguous copy",
            details={"argument": name},
        )
    if view.nbytes < BESIDE_FROM:
        return view.tobytes()
    beside.append(view)
    return msgspec.msgpack.Ext(BUFFER_EXT, (len(beside) - 1).to_bytes(4, "big"))


def list_argument(
    value: Any,
    function: str,
    name: str,
    record: type[msgspec.Struct] | None = None,
    paths: Sequence[str] = (),
) -> Any:
    """Give a list as it crosses; any iterable but text and mappings will do."""
    if type(value) is not list and type(value) is not tuple:
        if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
            raise _wrong(function, name, "a list", value)
        value = list(value)
    if record is None:
        return value
    return [
        record_argument(item, function, f"{name}[{i}]", record, paths)
        for i, item in enumerate(value)
    ]


def map_argument(value: Any, function: str, name: str) -> Any:
    """Give a mapping as it crosses."""
    if type(value) is dict:
        return value
    if not isinstance(value, Mapping):
        raise _wrong(function, name, "a dict", value)
    return dict(value)


def record_argument(
    value: Any, function: str, name: str, record: type[S], paths: Sequence[str] = ()
) -> S:
    """Give a record as it crosses, from an instance of its class or a mapping of its fields."""
    if isinstance(value, Mapping):
        try:
            made = record(**value)
        except TypeError as error:
            raise GoTypeError(
                f"{function}() argument {name}: {error}", details={"argument": name}
            ) from None
    elif isinstance(value, record):
        made = value
    else:
        raise _wrong(function, name, f"{record.__name__} or a dict of its fields", value)
    for field in paths:
        path = getattr(made, field)
        if type(path) is not str or not path.isascii():
            plain = path_argument(path, function, f"{name}.{field}")
            made = msgspec.structs.replace(made, **{field: plain})
    return made


def refuse_arguments(
    function: str, names: Sequence[str], values: Sequence[Any], error: Exception
) -> NoReturn:
    """Say which argument msgspec could not encode."""
    for name, value in zip(names, values, strict=True):
        try:
            encode(value)
        except (TypeError, ValueError, OverflowError, UnicodeError, RecursionError) as reason:
            kind = GoTypeError if isinstance(reason, TypeError) else GoValueError
            raise kind(
                f"{function}() argument {name}: {reason}", details={"argument": name}
            ) from reason
    raise error
