"""call.* through PyO3 (benchmarks/peers/rust), each call without the GIL."""

from __future__ import annotations

from itertools import repeat

import numpy as np
import rust_peer

from benchmarks.work import Work


def crossing(count: int) -> Work:
    """Call a function that does nothing."""

    def run() -> None:
        nothing = rust_peer.nothing
        for _ in repeat(None, count):
            nothing()

    return Work(run, rust_peer.nothing)


def scalar(count: int) -> Work:
    """Add two numbers."""

    def run() -> None:
        add = rust_peer.add
        for i in range(count):
            add(i, 1)

    return Work(run, lambda: [rust_peer.add(a, b) for a, b in ((1, 2), (-5, 3), (2**62, 1))])


def structured(count: int) -> Work:
    """Give an object of a class, made anew with the one inside; read all that is returned."""

    def call(numbers: list[int]) -> tuple[int, list[str]]:
        inner = rust_peer.Inner(7, "linux")
        reply = rust_peer.structured(rust_peer.Request("release", numbers, inner))
        return reply.total, reply.words

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
            rust_peer.bytes_in(data)

    return Work(run, lambda: rust_peer.bytes_in(data))


def bytes_out(count: int, size: int) -> Work:
    """Take bytes, written where Python keeps them."""

    def run() -> None:
        for _ in repeat(None, count):
            rust_peer.bytes_out(size)

    return Work(run, lambda: rust_peer.bytes_out(size) == b"\x07" * size)


def floats_in(count: int, size: int) -> Work:
    """Lend the numbers of an array."""
    values = np.arange(size, dtype=np.float64)

    def run() -> None:
        for _ in repeat(None, count):
            rust_peer.floats_in(values)

    return Work(run, lambda: rust_peer.floats_in(values))
