"""Tables: what a Go function gives as columns, for those who have no library that reads Arrow.

Twin of ``gocore/table``. The memory is Go's; reading it into Python objects is what
happens here, and pyarrow, polars or duckdb do without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gostitch import _times
from gostitch._process import bridge

Table = bridge.Table

Field = tuple[str, str, bool, "Field | None"]
"""Name, format (of the Arrow C data interface), whether values may be missing, and the
field of what the numbers of categories stand for."""

Column = tuple[int, int, list["memoryview | None"], "Column | None"]
"""Length, missing values, buffers (validity, then offsets if there are such, then values),
and the column of what the numbers of categories stand for."""

TIMES, DURATIONS = "tsu:UTC", "tDu"
_TYPES = {
    "b": "bool", "c": "int8", "C": "uint8", "s": "int16", "S": "uint16", "i": "int32",
    "I": "uint32", "l": "int64", "L": "uint64", "f": "float32", "g": "float64", "u": "str",
    "z": "bytes", TIMES: "datetime", DURATIONS: "timedelta",
}  # fmt: skip
_MICRO = 1_000_000


def _type_of(field: Field) -> str:
    name, values = _TYPES[field[1]], field[3]
    return name if values is None else f"categories of {_type_of(values)}"


def _repr(self: Table) -> str:
    columns = ", ".join(f"{field[0]}: {_type_of(field)}" for field in self._fields())
    rows = len(self)
    return f"<gostitch.Table of {rows} row{'' if rows == 1 else 's'} ({columns})>"


def _column_names(self: Table) -> list[str]:
    return [field[0] for field in self._fields()]


def _to_pydict(self: Table) -> dict[str, list[Any]]:
    """Give the columns as lists, by name; ``None`` where a value is missing."""
    fields = self._fields()
    found: dict[str, list[Any]] = {field[0]: [] for field in fields}
    for _, columns in self._batches():
        for field, column in zip(fields, columns, strict=True):
            found[field[0]].extend(_values(field, column))
    return found


def _to_pylist(self: Table) -> list[dict[str, Any]]:
    """Give the rows as dicts."""
    columns = self.to_pydict()
    if not columns:
        return [{} for _ in range(len(self))]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(field: Field, column: Column) -> list[Any]:
    """Give the values of a column in one batch."""
    length, nulls, (validity, *data), values = column
    if field[3] is not None and values is not None:
        known = _values(field[3], values)
        found = [known[code] for code in data[0] or ()]
    elif length == 0:
        found = []
    else:
        found = _READERS.get(field[1], memoryview.tolist)(*data)
    if nulls and validity is not None:
        found = [
            value if valid else None for value, valid in zip(found, _bits(validity), strict=False)
        ]
    return found[:length]


def _bits(data: memoryview) -> Iterator[bool]:
    for byte in data:
        for bit in range(8):
            yield bool(byte >> bit & 1)


def _pieces(offsets: memoryview, data: memoryview) -> Iterator[memoryview]:
    start = offsets[0]
    for end in offsets[1:]:
        yield data[start:end]
        start = end


_READERS: dict[str, Callable[..., list[Any]]] = {
    "b": lambda data: list(_bits(data)),
    "u": lambda *text: [str(piece, "utf-8") for piece in _pieces(*text)],
    "z": lambda *pieces: [bytes(piece) for piece in _pieces(*pieces)],
    TIMES: lambda data: [
        _times.lift_time((micro // _MICRO, micro % _MICRO * 1000)) for micro in data
    ],
    DURATIONS: lambda data: [timedelta(microseconds=micro) for micro in data],
}

if not TYPE_CHECKING:
    Table.__repr__ = _repr
    Table.num_rows = property(len, doc="How many rows there are.")
    Table.num_columns = property(
        lambda self: len(self._fields()), doc="How many columns there are."
    )
    Table.column_names = property(_column_names, doc="What the columns are called.")
    Table.to_pydict = _to_pydict
    Table.to_pylist = _to_pylist
