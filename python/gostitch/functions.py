"""What generated modules are made of; users meet ``Function`` and ``Future``."""

from gostitch._arguments import (
    Bytes,
    bytes_argument,
    list_argument,
    map_argument,
    path_argument,
    record_argument,
)
from gostitch._calls import Function
from gostitch._future import Future

__all__ = [
    "Bytes",
    "Function",
    "Future",
    "bytes_argument",
    "list_argument",
    "map_argument",
    "path_argument",
    "record_argument",
]
