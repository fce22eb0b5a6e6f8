"""What generated modules are made of; users meet ``Function``, ``Stream`` and ``Future``."""

from gostitch._calls import Function, function
from gostitch._future import Future
from gostitch._memory import Buffer, Bytes, View, WritableBuffer
from gostitch._process import choose as library
from gostitch._record import FrozenRecord, Path, Record, set_field, typed_dict
from gostitch._shapes import record
from gostitch._stream import Stream, StreamFunction, stream
from gostitch._table import Table
from gostitch.exceptions import GoError, error

__all__ = [
    "Buffer",
    "Bytes",
    "FrozenRecord",
    "Function",
    "Future",
    "GoError",
    "Path",
    "Record",
    "Stream",
    "StreamFunction",
    "Table",
    "View",
    "WritableBuffer",
    "error",
    "function",
    "library",
    "record",
    "set_field",
    "stream",
    "typed_dict",
]
