"""async.* through pyo3-async-runtimes: a tokio task for each call."""

from __future__ import annotations

import asyncio

import rust_peer

from benchmarks.contenders.loop import work
from benchmarks.work import Work


def many(count: int) -> Work:
    """Await all calls together."""

    async def main() -> int:
        return sum(await asyncio.gather(*[rust_peer.add_async(i, 1) for i in range(count)]))

    return work(main)


def one(count: int) -> Work:
    """Await one call after the other."""

    async def main() -> int:
        total = 0
        for i in range(count):
            total += await rust_peer.add_async(i, 1)
        return total

    return work(main)
