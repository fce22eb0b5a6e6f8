"""call.*: what crossing the boundary costs."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import faults
from benchmarks.measure import Case


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
