"""What generated modules are made of; users meet ``Function``, ``Stream`` and ``Future``."""

from gostitch._calls import Function, function
from gostitch._future import Future
from gostitch._memory import Buffer, Bytes, View, WritableBuffer
from gostitch._process import choose as library
from gostitch._shapes import record
from gostitch._stream import Stream, StreamFunction, stream
from gostitch._table import Table
from gostitch.exceptions import GoError, error

__all__ = [
    "Buffer",
    "Bytes",
    "Function",
    "Future",
    "GoError",
    "Stream",
    "StreamFunction",
    "Table",
    "View",
    "WritableBuffer",
    "error",
    "function",
    "library",
    "record",
    "stream",
]
