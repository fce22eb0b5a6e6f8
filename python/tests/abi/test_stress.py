"""Many threads and many calls of all kinds at once."""

from __future__ import annotations

import asyncio
import concurrent.futures
import random
import threading

import faults
from gostitch import GoError, GoPanic, runtime_info
from gostitch import _pending as pending


def _one(n: int, rng: random.Random) -> None:
    """Make one call of a kind that chance chooses, and check what it gives."""
    match rng.randrange(10):
        case 0 | 1:
            assert n + 1 == faults.add(n, 1)
        case 2:
            assert n + 1 == faults.add.submit(n, 1).result(50)
        case 3:
            size = rng.choice((0, 10, 4096, 70_000, 300_000))
            data = rng.randbytes(size)
            assert data == faults.echo_bytes(data)
        case 4:
            data = bytearray(rng.randbytes(5000))
            assert data == faults.echo_bytes.submit(data).result(50)
            data.append(1)
        case 5:
            text = chr(rng.randrange(32, 0xD800)) * rng.randrange(200)
            back = faults.echo(text=text, numbers=[n] * 10, data=text.encode())
            assert (text, [n] * 10, text.encode()) == (back.text, back.numbers, back.data)
        case 6:
            seen: list[int] = []
            faults.count_messages(5, progress=lambda tick: seen.append(tick.index))
            assert [0, 1, 2, 3, 4] == seen
        case 7:
            try:
                faults.panic("index")
            except GoPanic:
                pass
        case 8:
            faults.sleep.submit(60).cancel()
        case _:
            try:
                faults.fail("data")
            except GoError as error:
                assert error.code == "data"


def test_threads() -> None:
    """Eight threads make 2000 calls of all kinds each, and each gets its own results."""

    def hammer(seed: int) -> int:
        rng = random.Random(seed)
        for n in range(2000):
            _one(n, rng)
        return seed

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(range(8)) == list(pool.map(hammer, range(8)))


def test_draining_from_many_threads() -> None:
    """Any number of threads may drain one queue; each reply is handled once."""
    queue = pending.pump().queue
    stop = threading.Event()

    def drain() -> None:
        while not stop.is_set():
            queue.drain()

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    futures = [faults.add.submit(i, 1) for i in range(3000)]
    assert list(range(1, 3001)) == [future.result(50) for future in futures]
    stop.set()
    for thread in threads:
        thread.join()


def test_loops_and_threads_wait_for_each_other() -> None:
    """Futures handed between loops and threads all end."""

    async def main(outside: concurrent.futures.ThreadPoolExecutor) -> int:
        loop = asyncio.get_running_loop()
        total = 0
        for i in range(50):
            future = faults.add.submit(i, 1)
            there = loop.run_in_executor(outside, future.result, 50)
            total += await future + await there
        return total

    with concurrent.futures.ThreadPoolExecutor(4) as outside:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            outcomes = [pool.submit(asyncio.run, main(outside)) for _ in range(4)]

            assert [2550] * 4 == [outcome.result(50) for outcome in outcomes]


def test_runtime_info_meanwhile() -> None:
    """runtime_info can be asked at any time, from any thread."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            while not stop.is_set():
                runtime_info()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        faults.count_messages(1, progress=lambda _: None)
    stop.set()
    for thread in threads:
        thread.join()

    assert [] == failures


def test_ten_thousand_awaits() -> None:
    """Ten thousand calls can be awaited at once."""

    async def main() -> list[int]:
        return await asyncio.gather(*(faults.add.submit(i, 1) for i in range(10_000)))

    assert list(range(1, 10_001)) == asyncio.run(main())
