"""A panic of the bridge itself: reported once, and no call is let into the library any more."""

from __future__ import annotations

import pytest

from programs import Programs

_HEAD = """
import asyncio, logging, sys, time
import faults, gostitch

class Keep(logging.Handler):
    records = []
    def emit(self, record):
        self.records.append(record)

logging.getLogger("gostitch").addHandler(Keep())

def told(call):
    try:
        call()
    except gostitch.GoInternalError as error:
        return error
    raise AssertionError("no error")

def logged():
    deadline = time.monotonic() + 10
    while not Keep.records and time.monotonic() < deadline:
        time.sleep(0.005)
    return [record.getMessage().split(",")[0] for record in Keep.records]
"""

_REASON = "gostitch itself panicked (the bridge is broken at the {})"


@pytest.mark.parametrize(
    "call",
    [
        "faults.add(1, 2)",
        "faults.add.submit(1, 2).result()",
        "list(faults.lines(3))",
        "faults.count_messages(1, progress=lambda _: None)",
        "asyncio.run(awaited())",
    ],
)
@pytest.mark.parametrize("where", ["start", "end"])
def test_a_call(program: Programs, call: str, where: str) -> None:
    """The call in which it happens ends with the reason and the stack, later ones with the reason."""
    done = program(
        _HEAD
        + f"""
async def awaited():
    return await faults.add.submit(1, 2)

faults.break_bridge({where!r})
error = told(lambda: {call})
assert "brokenObserver" in error.go_stack and "gocore.(*Call)" in error.go_stack, error.go_stack
for again in (lambda: faults.add(1, 2), lambda: faults.add.submit(1, 2).result(),
              lambda: list(faults.lines(3)), lambda: faults.ask(1, lambda i: i)):
    assert str(told(again)) == str(error), again
print(str(error).split(",")[0], logged())
print(gostitch.runtime_info()["pending"])
"""
    )

    reason = _REASON.format(where)
    # The call that sets the trap ends in it where that is the end.
    assert (0, "") == (done.returncode, done.stderr)
    assert [f"{reason} ['{reason}']", "0"] == done.stdout.splitlines()


def test_the_end_of_the_process(program: Programs) -> None:
    """A panic while everything is flushed does not change how the process ends."""
    done = program(_HEAD + "faults.break_bridge('flush'); print(faults.add(1, 2))")

    assert (0, "3\n", "") == (done.returncode, done.stdout, done.stderr)


def test_a_forked_child(program: Programs) -> None:
    """A child has a library of its own, which is whole."""
    done = program(
        _HEAD
        + """
import os
faults.break_bridge("start")
told(lambda: faults.add(1, 2))
pid = os.fork()
if pid == 0:
    os._exit(faults.add(1, 2))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    )

    assert (0, "3\n") == (done.returncode, done.stdout), done.stderr
