"""call.*: what crossing the boundary costs."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Iterator

import faults
from benchmarks.measure import Case
from gostitch import _process


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    count = 5_000 if quick else 50_000

    def gostitch_scalar() -> None:
        add = faults.add
        for i in range(count):
            add(i, 1)

    def ctypes_labs() -> None:
        labs = ctypes.CDLL(None).labs
        for i in range(count):
            labs(i)

    def prove() -> None:
        for a, b in ((1, 2), (-5, 3), (2**62, 1)):
            if faults.add(a, b) != a + b:
                raise AssertionError((a, b))

    yield Case(
        name="call.scalar",
        size=count,
        unit="us",
        per_item=True,
        contenders={"gostitch": gostitch_scalar, "python": ctypes_labs},
        prove=prove,
        note="add(int, int) through the public typed function; python: ctypes into libc, no Go",
    )

    data = bytes(64 << 20)
    _process.library()

    def prove_bytes() -> None:
        if faults.crc32(data) != zlib.crc32(data):
            raise AssertionError("crc32 differs")

    yield Case(
        name="call.bytes_in",
        size=len(data),
        unit="s",
        contenders={"gostitch": lambda: faults.crc32(data), "python": lambda: zlib.crc32(data)},
        prove=prove_bytes,
        note="crc32 of 64 MiB lent without a copy; python: zlib.crc32",
    )
