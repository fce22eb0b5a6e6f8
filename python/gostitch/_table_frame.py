"""The frame of a table from values of Python, for tests that say what a function returns."""

from __future__ import annotations

import array
import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from gostitch import _times
from gostitch._table import DURATIONS, TIMES, Table

# By the format of a buffer's items.
_FORMATS = {
    "b": "c", "B": "C", "h": "s", "H": "S", "i": "i", "I": "I", "q": "l", "Q": "L", "l": "l",
    "L": "L", "f": "f", "d": "g",
}  # fmt: skip
_INT64 = range(-(2**63), 2**63)


def content_of(value: Any) -> list[Any]:
    """Give what the frame of a table has, or of a mapping of columns by name."""
    if isinstance(value, Table):
        fields, batches = value._fields(), value._batches()
        return [fields, [[rows, _as_bytes(of)] for rows, of in batches]]
    if not isinstance(value, Mapping):
        raise TypeError(
            "expected a dict of columns, as Table.to_pydict() and pyarrow's to_pydict() give it, "
            f"got {type(value).__name__}"
        )
    made = [_column(str(name), values) for name, values in value.items()]
    lengths = {field[0]: column[0] for field, column in made}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns of a table have the same length, not {lengths}")
    fields, columns = [field for field, _ in made], [column for _, column in made]
    rows = columns[0][0] if columns else 0
    return [fields, [[rows, columns]] if rows else []]


def _as_bytes(columns: Iterable[Any]) -> list[Any]:
    return [
        [
            length,
            nulls,
            [None if buffer is None else bytes(buffer) for buffer in buffers],
            None if values is None else _as_bytes([values])[0],
        ]
        for length, nulls, buffers, values in columns
    ]


def _column(name: str, values: Any) -> tuple[list[Any], list[Any]]:
    """Give the field of a column, and what it is in the one batch."""
    try:
        view = memoryview(values)
    except TypeError:
        return _column_of_values(name, list(values))
    if view.format not in _FORMATS or view.ndim != 1:
        raise TypeError(f"column {name!r} has items that no column has: {view.format!r}")
    column = [len(view), 0, [None, view.tobytes()], None]
    return [name, _FORMATS[view.format], False, None], column


def _column_of_values(name: str, values: list[Any]) -> tuple[list[Any], list[Any]]:
    there = [value for value in values if value is not None]
    form, lay_out = _layout(name, there)
    nulls = len(values) - len(there)
    validity = _bits([value is not None for value in values]) if nulls else None
    buffers = lay_out([_EMPTY[form] if value is None else value for value in values])
    return [name, form, nulls > 0, None], [len(values), nulls, [validity, *buffers], None]


def _layout(name: str, values: list[Any]) -> tuple[str, Callable[[list[Any]], list[bytes]]]:
    for kind, layout in _LAYOUTS.items():
        if all(isinstance(value, kind) for value in values):
            return layout
    found = ", ".join(sorted({type(value).__name__ for value in values}))
    raise TypeError(
        f"column {name!r} has values of {found}; a column has values of one type: str, bytes, "
        "bool, int, float, datetime or timedelta"
    )


def _bits(values: list[bool]) -> bytes:
    packed = bytearray((len(values) + 7) // 8)
    for i, value in enumerate(values):
        packed[i // 8] |= value << i % 8
    return bytes(packed)


def _pieces(pieces: list[bytes]) -> list[bytes]:
    offsets = [0]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    return [struct.pack(f"={len(offsets)}i", *offsets), b"".join(pieces)]


def _numbers(values: list[int]) -> list[bytes]:
    for value in values:
        if value not in _INT64:
            raise ValueError(f"{value} is out of range for int64; give the column as an array")
    return [array.array("q", values).tobytes()]


def _micro(value: datetime) -> int:
    seconds, nanoseconds = _times.lower_time(value)
    return seconds * 1_000_000 + nanoseconds // 1000


# In this order: a bool is an int, and an int will do for a float.
_LAYOUTS: dict[Any, tuple[str, Callable[[list[Any]], list[bytes]]]] = {
    str: ("u", lambda values: _pieces([value.encode() for value in values])),
    bytes: ("z", _pieces),
    bool: ("b", lambda values: [_bits(values)]),
    int: ("l", _numbers),
    (float, int): ("g", lambda values: [array.array("d", values).tobytes()]),
    datetime: (TIMES, lambda values: _numbers([_micro(value) for value in values])),
    timedelta: (
        DURATIONS,
        lambda values: _numbers([value // timedelta(microseconds=1) for value in values]),
    ),
}
_EMPTY: dict[str, Any] = {
    "u": "", "z": b"", "b": False, "l": 0, "g": 0.0, TIMES: _times.EPOCH, DURATIONS: timedelta(),
}  # fmt: skip
