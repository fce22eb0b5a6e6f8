"""The end of the interpreter, with all kinds of work under way: prompt, clean and quiet."""

from __future__ import annotations

import pytest

from programs import Programs

_SHAPES = {
    "daemon thread in a call": """
threading.Thread(target=faults.sleep, args=(60,), daemon=True).start()
while not calls(): pass
""",
    "daemon threads hammering": """
def hammer():
    while True:
        faults.add(1, 2)
        faults.add.submit(1, 2).result()
        faults.make_bytes(100_000)
for _ in range(4):
    threading.Thread(target=hammer, daemon=True).start()
time.sleep(0.05)
""",
    "daemon thread in a call that does not listen": """
threading.Thread(target=faults.spin_ignoring_context, args=(60,), daemon=True).start()
while not calls(): pass
""",
    "a call that goes on writing to its memory": """
room = mmap.mmap(-1, 4096)
faults.scribble_ignoring_context.submit(room)
while not room[4095]: pass
del room
""",
    "pending futures": """
futures = [faults.sleep.submit(60) for _ in range(50)]
""",
    "pending futures nobody holds": """
for _ in range(50):
    faults.sleep.submit(60)
""",
    "a thread that waits": """
threading.Thread(target=faults.sleep.submit(60).result, daemon=True).start()
""",
    "a call with messages in a daemon thread": """
threading.Thread(
    target=lambda: faults.count_messages(1, wait=True, progress=lambda _: None), daemon=True
).start()
while not calls(): pass
""",
    "a loop in a daemon thread": """
async def main():
    await asyncio.gather(*(faults.sleep.submit(60) for _ in range(10)))
threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
while calls() < 10: pass
""",
    "a loop that was not closed": """
async def main():
    global kept
    kept = faults.sleep.submit(60)
kept_loop = asyncio.new_event_loop()
kept_loop.run_until_complete(main())
kept_loop.close()
""",
    "buffers": """
kept = [faults.make_bytes(1 << 20) for _ in range(10)]
""",
    "buffers in a cycle": """
class Cycle: pass
cycle = Cycle()
cycle.me, cycle.data = cycle, faults.make_bytes(1 << 20)
""",
    "a call in __del__": """
class Late:
    def __del__(self):
        faults.add(1, 2)
late = Late()
""",
    "a call at exit": """
import atexit
atexit.register(lambda: faults.add.submit(1, 2).result())
""",
    "callbacks": """
futures = [faults.sleep.submit(0.001 * i) for i in range(100)]
for future in futures:
    future.add_done_callback(lambda f: faults.add.submit(1, 2))
""",
    "log records": """
import logging
logging.basicConfig(level=logging.CRITICAL)
faults.log.submit(8, "text", count=5000)
""",
    "a failed future that nobody looked at": """
future = faults.fail.submit("data")
while not future.done(): pass
""",
}


@pytest.mark.parametrize("shape", _SHAPES)
def test_is_prompt_and_quiet(program: Programs, shape: str) -> None:
    """The interpreter ends within 10 s, with status 0 and nothing on stderr."""
    head = """
import asyncio, mmap, threading, time
import faults, gostitch
faults.add.submit(1, 2).result()

def calls():
    return gostitch.runtime_info()["calls"]
"""
    done = program(head + _SHAPES[shape] + "\nprint('end')", timeout=10)

    assert (0, "end\n", "") == (done.returncode, done.stdout, done.stderr)


def test_without_waiting_for_the_pump(program: Programs) -> None:
    """A program that submitted calls and got its results ends in the usual way."""
    done = program("import faults; print(list(faults.add.map(range(100), range(100)))[-1])")

    assert (0, "198\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("kept", ["", "builtins.keep = keep; keep.itself = keep"])
def test_calls_of_a_destructor_at_the_very_end(program: Programs, kept: str) -> None:
    """A destructor that runs when no other thread does any more gets its results too."""
    done = program(
        f"""
import builtins
import faults

class Keep:
    def __del__(self, faults=faults):
        print(faults.add(1, 2), faults.add.submit(3, 4).result(), flush=True)

keep = Keep()
{kept}
faults.collect(1)
""",
        timeout=10,
    )

    assert (0, "3 7\n", "") == (done.returncode, done.stdout, done.stderr)
