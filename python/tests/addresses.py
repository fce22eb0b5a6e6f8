"""Where memory is, to show that nothing was copied."""

from __future__ import annotations

import ctypes
from typing import Any


class _Buffer(ctypes.Structure):
    """The beginning of CPython's Py_buffer."""

    _fields_ = (("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("rest", ctypes.c_char * 64))


def address_of(memory: Any) -> int:
    """Give the address of the first byte of anything with contiguous memory."""
    buffer = _Buffer()
    api = ctypes.pythonapi
    if api.PyObject_GetBuffer(ctypes.py_object(memory), ctypes.byref(buffer), 0):
        raise BufferError("no contiguous memory")
    address = int(buffer.buf or 0)
    api.PyBuffer_Release(ctypes.byref(buffer))
    return address
