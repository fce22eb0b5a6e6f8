"""call.* without gostitch: ctypes and a plain Go library (benchmarks/peers/golang)."""

from __future__ import annotations

import ctypes
import json
from ctypes import c_char_p, c_int64, c_void_p
from itertools import repeat
from typing import Any

import numpy as np

from benchmarks.contenders import spaced as spaced_calls
from benchmarks.machine import BUILT
from benchmarks.work import Work

library = ctypes.CDLL(str(BUILT / "libgolang.so"))
library.nothing.restype = None
library.nothing.argtypes = ()
library.add.restype = c_int64
library.add.argtypes = (c_int64, c_int64)
library.structured.restype = c_void_p
library.structured.argtypes = (c_char_p, c_int64)
library.bytes_in.restype = c_int64
library.bytes_in.argtypes = (c_char_p, c_int64)
library.bytes_out.restype = c_void_p
library.bytes_out.argtypes = (c_int64,)
library.floats_in.restype = ctypes.c_double
library.floats_in.argtypes = (c_void_p, c_int64)
library.release.restype = None
library.release.argtypes = (c_void_p,)


def crossing(count: int) -> Work:
    """Call a function that does nothing."""

    def run() -> None:
        nothing = library.nothing
        for _ in repeat(None, count):
            nothing()

    return Work(run, library.nothing)


def spaced(count: int, pause_us: float) -> Work:
    """Call a function that does nothing, with some of Python's own work between two."""
    return spaced_calls.work(library.nothing, count, pause_us, library.nothing())


def scalar(count: int) -> Work:
    """Add two numbers."""

    def run() -> None:
        add = library.add
        for i in range(count):
            add(i, 1)

    return Work(run, lambda: [library.add(a, b) for a, b in ((1, 2), (-5, 3), (2**62, 1))])


def structured(count: int) -> Work:
    """Give a dict and take one, as JSON."""

    def call(numbers: list[int]) -> tuple[int, list[str]]:
        inner = {"id": 7, "label": "linux"}
        request = json.dumps({"name": "release", "numbers": numbers, "inner": inner}).encode()
        address = library.structured(request, len(request))
        try:
            reply: dict[str, Any] = json.loads(ctypes.string_at(address))
        finally:
            library.release(address)
        if "error" in reply:
            raise ValueError(reply["error"])
        return reply["total"], reply["words"]

    def run() -> None:
        numbers = list(range(20))
        for _ in repeat(None, count):
            call(numbers)

    return Work(run, lambda: call(list(range(20))))


def bytes_in(count: int, size: int) -> Work:
    """Lend bytes."""
    data = bytes(size - 1) + b"\x07"

    def run() -> None:
        for _ in repeat(None, count):
            library.bytes_in(data, size)

    return Work(run, lambda: int(library.bytes_in(data, size)))


def bytes_out(count: int, size: int) -> Work:
    """Take bytes, by copying them out of memory that is then given back."""

    def call() -> bytes:
        address = library.bytes_out(size)
        try:
            return ctypes.string_at(address, size)
        finally:
            library.release(address)

    def run() -> None:
        for _ in repeat(None, count):
            call()

    return Work(run, lambda: call() == b"\x07" * size)


def floats_in(count: int, size: int) -> Work:
    """Lend the numbers of an array."""
    values = np.arange(size, dtype=np.float64)

    def run() -> None:
        for _ in repeat(None, count):
            float(library.floats_in(values.ctypes.data, size))

    return Work(run, lambda: float(library.floats_in(values.ctypes.data, size)))
