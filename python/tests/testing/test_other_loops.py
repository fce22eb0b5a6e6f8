"""The fake library where trio or Twisted drives the coroutines, as the real one in ``abi/test_other_loops.py``."""

from __future__ import annotations

import trio

import faults
from gostitch.testing import FakeLibrary
from programs import Programs


def test_trio(fake: FakeLibrary) -> None:
    """Prepared results are awaited, streams read, and a cancelled scope ends what hangs."""
    fake.returns(faults.add, 3)
    fake.returns(faults.lines, [{"number": 1, "text": "a"}, {"number": 2, "text": "b"}])
    fake.hangs(faults.await_end)

    async def main() -> tuple[int, list[int], bool]:
        added = await faults.add.submit(1, 2)
        numbers = [line.number async for line in faults.lines(2)]
        with trio.move_on_after(0.1) as scope:
            await faults.await_end.submit()
        return added, numbers, scope.cancelled_caught

    assert (3, [1, 2], True) == trio.run(main)
    assert [True, True, True] == [call.ended for call in fake.calls]


def test_twisted(program: Programs) -> None:
    """The same in a coroutine of Twisted's; a Deferred that is cancelled cancels the call."""
    done = program(
        """
import faults
from gostitch import testing
from gostitch.twisted import deferred
from twisted.internet import defer, task

async def main(reactor):
    print(await faults.add.submit(1, 2), [line.number async for line in faults.lines(1)])
    hanging = deferred(faults.await_end.submit())
    reactor.callLater(0.1, hanging.cancel)
    try:
        await hanging
    except defer.CancelledError:
        print("cancelled")

with testing.fake_library() as fake:
    fake.returns(faults.add, 3)
    fake.returns(faults.lines, [{"number": 1, "text": "a"}])
    fake.hangs(faults.await_end)
    try:
        task.react(lambda reactor: defer.ensureDeferred(main(reactor)))
    except SystemExit:
        pass
    print([call.ended for call in fake.calls])
"""
    )

    assert (0, "3 [1]\ncancelled\n[True, True, True]\n") == (done.returncode, done.stdout), (
        done.stderr
    )
