"""async.*: what an await of a trivial call costs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import faults
from benchmarks.measure import Case


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    many = 10_000

    async def gostitch_many() -> int:
        return sum(await asyncio.gather(*[faults.add.submit(i, 1) for i in range(many)]))

    async def executor_many() -> int:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor() as pool:
            calls = [loop.run_in_executor(pool, faults.add, i, 1) for i in range(many)]
            return sum(await asyncio.gather(*calls))

    def prove() -> None:
        expected = sum(range(1, many + 1))
        for contender in (gostitch_many, executor_many):
            if asyncio.run(contender()) != expected:
                raise AssertionError(f"{contender.__name__} lost a reply")

    yield Case(
        name="async.await_10k",
        size=many,
        unit="us",
        per_item=True,
        contenders={
            "gostitch": lambda: asyncio.run(gostitch_many()),
            "python": lambda: asyncio.run(executor_many()),
        },
        prove=prove,
        note="10 000 concurrent awaits of a trivial call; python: run_in_executor of the same call",
    )

    one = 200 if quick else 1000

    async def gostitch_one() -> None:
        for i in range(one):
            await faults.add.submit(i, 1)

    async def executor_one() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor() as pool:
            for i in range(one):
                await loop.run_in_executor(pool, faults.add, i, 1)

    yield Case(
        name="async.await_one",
        size=one,
        unit="us",
        per_item=True,
        contenders={
            "gostitch": lambda: asyncio.run(gostitch_one()),
            "python": lambda: asyncio.run(executor_one()),
        },
        prove=prove,
        note="one await at a time; python: run_in_executor of the same call",
    )
