"""Memory at the boundary: scratch to receive into, Go memory that Python holds.

Twin of ``gocore/cabi/buffer.go``. A leaf but for the types it is handed; who
allocates is written where it is allocated.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

SCRATCH_SIZE = 64 * 1024
"""Bytes of one scratch; replies up to this size are written there by Go."""


class Scratch:
    """Memory into which Go writes one reply, or one batch of records.

    Allocated by cffi and freed with this object. Not safe for concurrent use:
    take one from the pool for each crossing.
    """

    __slots__ = ("drained", "out", "pointer", "view")

    def __init__(self, ffi: Any) -> None:
        self.pointer = ffi.new("uint8_t[]", SCRATCH_SIZE)
        self.view = memoryview(ffi.buffer(self.pointer))
        self.out = ffi.new("gostitch_out *")
        self.drained = ffi.new("int32_t[2]")


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
    ffi: Any, address: Any, length: int, handle: int, release: Callable[[int, Any], None]
) -> memoryview:
    """Give Go memory as a read-only view; it is released when the last view of it is gone."""
    # SAFETY: the buffer keeps the cdata alive, and the view keeps the buffer, so
    # Go's memory stays pinned as long as any slice of the view exists.
    owner = ffi.gc(address, functools.partial(release, handle), length)
    return memoryview(ffi.buffer(owner, length)).toreadonly()


def drop(out: Any, release: Callable[[int], None]) -> None:
    """Release a reply that nobody has taken; whoever takes one sets its handle to 0."""
    handle, out.handle = out.handle, 0
    if handle:
        release(handle)


class Loan:
    """Buffers lent to Go without a copy, and their description for it.

    Keeps a ``bytearray`` from being resized until it is taken back, which must
    not happen before the reply.
    """

    __slots__ = ("_exports", "_ffi", "_views", "array")

    def __init__(self, ffi: Any, views: list[Any]) -> None:
        self._ffi = ffi
        self._views = views
        self._exports = [ffi.from_buffer("uint8_t[]", view) for view in views]
        self.array = ffi.new("gostitch_view[]", len(views))
        for slot, export in zip(self.array, self._exports, strict=True):
            slot.data = export
            slot.length = len(export)

    def end(self) -> None:
        """Take the buffers back at once: a traceback may keep the views for long."""
        for export in self._exports:
            self._ffi.release(export)
        for view in self._views:
            view.release()
