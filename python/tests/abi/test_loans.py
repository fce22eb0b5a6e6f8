"""The check of loans: Go code that keeps or changes what it was lent is found."""

from __future__ import annotations

from programs import Programs

CHECKED = {"GOSTITCH_CHECK_LOANS": "1"}

_KEEPS = """
import array, faults
from gostitch import GoPanic

faults.keep_floats(array.array("d", [1, 2]))
try:
    print(faults.sum_kept_floats())
except GoPanic as error:
    print(error)
    print(error.go_frames[0].function)
"""

_WRITES = """
import faults
from gostitch import GoPanic

for data in (bytearray(5), bytearray(5000)):
    for call in (faults.write_to_lent, lambda data: faults.write_to_lent.submit(data).result()):
        try:
            call(data)
        except GoPanic as error:
            print(error)
            print(error.go_frames[0].function)
        assert not any(data)
"""

_BEHAVES = """
import array, asyncio
import faults
from gostitch import runtime_info

values, room = array.array("d", [1, 2]), bytearray(6)
assert 3.0 == faults.sum_floats(values)
faults.scale(values, 10.0)
assert [10.0, 20.0] == list(values)
future = faults.fill_as_told.submit(room)
future.send(b"abcdef")
assert 6 == future.result() and b"abcdef" == room
for size in (10, 5000, 100_000):
    data = bytes(i % 251 for i in range(size))
    assert data == faults.echo_bytes(data) == faults.slice_bytes.submit(data, 0, size).result()
    assert data == faults.echo(data=data, more=data).more
numbers = array.array("d", range(10_000))
assert numbers.tolist() == faults.echo_floats(numbers).tolist()
assert numbers.tolist() == faults.table_of(numbers).to_pydict()["values"]
for _ in range(3000):
    assert 3.0 == faults.sum_floats(array.array("d", [1, 2]))
with open("/proc/self/maps") as maps:
    assert 2 * 1024 + 500 > len(list(maps))
assert 0 == runtime_info()["buffers"]
print("fine")
"""


def test_what_is_kept_beyond_the_call_panics(program: Programs) -> None:
    """The panic says whose memory it was, and its stack where it was used."""
    done = program(_KEEPS, env=CHECKED)

    assert [
        "memory was used that Python had lent to a call of faults.keep_floats(), which has ended; "
        "copy what is to be kept",
        "github.com/gostitch/gostitch/gocore/internal/faults.SumFloats",
    ] == done.stdout.splitlines()
    assert ("", 0) == (done.stderr, done.returncode)


def test_what_is_read_only_cannot_be_written_to(program: Programs) -> None:
    """Neither small bytes, which cross in the frame, nor large ones; Python's stay as they were."""
    done = program(_WRITES, env=CHECKED)

    assert [
        "faults.write_to_lent() wrote to memory that it may only read; take it as gocore.Mutable, "
        "or write to a copy",
        "github.com/gostitch/gostitch/gocore/internal/faults.WriteToLent",
    ] * 4 == done.stdout.splitlines()
    assert ("", 0) == (done.stderr, done.returncode)


def test_functions_that_behave_notice_nothing(program: Programs) -> None:
    """Results are those without the check, and addresses are used again in the end."""
    done = program(_BEHAVES, env=CHECKED)

    assert ("fine\n", "", 0) == (done.stdout, done.stderr, done.returncode)
