"""async.* without futures of Go: the waiting call on the threads of a pool."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

import faults
from benchmarks.contenders.loop import work
from benchmarks.work import Work


def many(count: int) -> Work:
    """Await all calls together."""
    pool = ThreadPoolExecutor()

    async def main() -> int:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(pool, faults.add, i, 1) for i in range(count)]
        return sum(await asyncio.gather(*calls))

    return work(main)


def one(count: int) -> Work:
    """Await one call after the other."""
    pool = ThreadPoolExecutor()

    async def main() -> int:
        loop = asyncio.get_running_loop()
        total = 0
        for i in range(count):
            total += await loop.run_in_executor(pool, faults.add, i, 1)
        return total

    return work(main)


def callbacks(count: int) -> Work:
    """Answer the questions of 64 threads, each of which asks one after the other."""
    pool = ThreadPoolExecutor(64)

    def answer(number: int, reply: Future[int]) -> None:
        reply.set_result(number)

    def ask(loop: asyncio.AbstractEventLoop) -> int:
        total = 0
        for number in range(count // 64):
            reply: Future[int] = Future()
            loop.call_soon_threadsafe(answer, number, reply)
            total += reply.result()
        return total

    async def main() -> int:
        loop = asyncio.get_running_loop()
        return sum(
            await asyncio.gather(*[loop.run_in_executor(pool, ask, loop) for _ in range(64)])
        )

    return work(main)
