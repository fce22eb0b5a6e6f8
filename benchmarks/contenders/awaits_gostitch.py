"""async.* through gostitch: futures that the event loop awaits."""

from __future__ import annotations

import asyncio

import faults
from benchmarks.contenders.loop import work
from benchmarks.work import Work


def many(count: int) -> Work:
    """Await all calls together."""

    async def main() -> int:
        return sum(await asyncio.gather(*[faults.add.submit(i, 1) for i in range(count)]))

    return work(main)


def one(count: int) -> Work:
    """Await one call after the other."""

    async def main() -> int:
        total = 0
        for i in range(count):
            total += await faults.add.submit(i, 1)
        return total

    return work(main)
