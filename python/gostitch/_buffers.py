"""Memory at the boundary: scratch to receive into, Go memory that Python holds.

Twin of ``gocore/cabi/buffer.go``. A leaf but for the types it is handed; who
allocates is written where it is allocated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SCRATCH_SIZE = 64 * 1024
"""Bytes of one scratch; replies up to this size are written there by Go."""


class Scratch:
    """Memory into which Go writes one reply, or one batch of records.

    Allocated by cffi and freed with this object. Not safe for concurrent use:
    take one from the pool for each crossing.
    """

    __slots__ = ("more", "out", "pointer", "view")

    def __init__(self, ffi: Any) -> None:
        self.pointer = ffi.new("uint8_t[]", SCRATCH_SIZE)
        self.view = memoryview(ffi.buffer(self.pointer))
        self.out = ffi.new("gostitch_out *")
        self.more = ffi.new("int32_t *")


pool: list[Scratch] = []
"""Scratches that nobody uses. ``list.pop`` and ``append`` are atomic under the GIL."""


def take(ffi: Any) -> Scratch:
    """Take a scratch from the pool, which grows with the number of threads in calls."""
    try:
        return pool.pop()
    except IndexError:
        return Scratch(ffi)


def copy(ffi: Any, out: Any) -> bytes:
    """Copy what a gostitch_out refers to."""
    return bytes(ffi.buffer(out.data, out.length)) if out.length else b""


def hold(
    ffi: Any, address: Any, length: int, handle: int, release: Callable[[int], None]
) -> memoryview:
    """Give Go memory as a read-only view; it is released when the last view of it is gone."""

    def released(_: Any) -> None:
        release(handle)

    # SAFETY: the buffer keeps the cdata alive, and the view keeps the buffer, so
    # Go's memory stays pinned as long as any slice of the view exists.
    owner = ffi.gc(address, released, length)
    return memoryview(ffi.buffer(owner, length)).toreadonly()


def lend(ffi: Any, views: list[Any]) -> tuple[Any, list[Any]]:
    """Describe buffers to Go without copying them.

    Gives the array of gostitch_view and what must stay referenced until the
    reply: the exports that keep a bytearray from being resized.
    """
    exports = [ffi.from_buffer("uint8_t[]", view) for view in views]
    array = ffi.new("gostitch_view[]", len(exports))
    for slot, export in zip(array, exports, strict=True):
        slot.data = export
        slot.length = len(export)
    return array, [exports, array]
