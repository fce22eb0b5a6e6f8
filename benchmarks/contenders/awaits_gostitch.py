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


def callbacks(count: int) -> Work:
    """Answer the questions of 64 functions, each of which asks one after the other."""

    def answer(question: faults.FaultsQuestion) -> int:
        return question.number

    async def main() -> int:
        calls = [faults.ask.submit(count // 64, answer) for _ in range(64)]
        return sum(await asyncio.gather(*calls))

    return work(main)
