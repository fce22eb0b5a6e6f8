"""What generated modules are made of; users meet ``Function``, ``Stream`` and ``Future``."""

from gostitch._arguments import Bytes
from gostitch._calls import Function, function
from gostitch._future import Future
from gostitch._process import choose as library
from gostitch._shapes import record
from gostitch._stream import Stream, StreamFunction, stream
from gostitch.exceptions import GoError, error

__all__ = [
    "Bytes",
    "Function",
    "Future",
    "GoError",
    "Stream",
    "StreamFunction",
    "error",
    "function",
    "library",
    "record",
    "stream",
]
