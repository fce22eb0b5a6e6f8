"""Bytes cross without a copy, both ways, and whoever lends memory gets it back."""

from __future__ import annotations

import array
import asyncio
import ctypes
import mmap
from typing import Any

import pytest

import faults
from gostitch import GoError, GoTypeError, GoValueError, free_memory, runtime_info
from invariants import settled
from programs import Programs

_MIB = 1 << 20


def _address(data: Any) -> int:
    if isinstance(data, bytes):
        return int(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0)
    return ctypes.addressof(ctypes.c_char.from_buffer(data))


def _buffers() -> int:
    return int(runtime_info()["buffers"])


class TestBytesIn:
    def test_are_not_copied(self) -> None:
        """Go sees the memory of the Python object itself."""
        for data in (bytes(range(256)) * 16, bytearray(bytes(range(256)) * 4096)):
            found = faults.address_of(data)

            assert (_address(data), len(data), sum(data)) == (
                found.address,
                found.length,
                found.sum,
            )

    def test_are_not_copied_by_submit(self) -> None:
        """A submitted call sees the memory of the Python object too."""
        data = bytearray(64 * 1024)
        address = _address(data)

        assert address == faults.address_of.submit(data).result().address

    @pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 1_000_003])
    def test_of_any_size(self, size: int) -> None:
        """Every size crosses, around each threshold too, in both kinds of call."""
        data = bytes(i * 7 % 256 for i in range(size))

        assert data == faults.echo_bytes(data)
        assert data == faults.echo_bytes.submit(data).result()
        assert data == faults.echo_bytes(bytearray(data))
        assert data == faults.echo(data=data).data

    @pytest.mark.parametrize(
        "data",
        [
            bytearray(b"abcd" * 2000),
            memoryview(b"abcd" * 2000),
            memoryview(bytearray(b"abcd" * 2000))[1:7001],
            array.array("d", [0.5] * 1000),
            array.array("b", b"ab"),
            (ctypes.c_int * 2000)(*range(2000)),
        ],
        ids=["bytearray", "memoryview", "slice", "doubles", "array", "ctypes"],
    )
    def test_of_any_kind(self, data: Any) -> None:
        """Everything with the buffer protocol is bytes."""
        assert bytes(data) == faults.echo_bytes(data)

    def test_of_a_mapped_file(self) -> None:
        """A memory-mapped file is bytes, and can be closed after the call."""
        with mmap.mmap(-1, 8192) as mapped:
            mapped[:4] = b"abcd"

            assert b"abcd" == bytes(faults.echo_bytes(mapped)[:4])

    @pytest.mark.parametrize("size", [10, 100_000])
    def test_that_are_not_contiguous(self, size: int) -> None:
        """Memory with gaps is refused with the remedy."""
        with pytest.raises(
            GoValueError, match=r"data: the memory is not contiguous; pass a contig"
        ):
            faults.echo_bytes(memoryview(bytes(size))[::2])

    def test_several_in_one_call(self) -> None:
        """A call may lend several buffers."""
        back = faults.echo(data=b"a" * 5000, more=bytearray(b"b" * 6000))

        assert (b"a" * 5000, b"b" * 6000) == (back.data, back.more)

    def test_that_may_be_missing(self) -> None:
        """An optional bytes parameter takes bytes of any size, and None."""
        assert faults.echo_optional_bytes() is None
        for data in (b"", b"short", b"long" * 5000):
            assert data == faults.echo_optional_bytes(data=data)

    def test_no_text(self) -> None:
        """Text is not bytes."""
        with pytest.raises(GoTypeError, match="data: expected bytes, bytearray or memoryview"):
            faults.echo_bytes("text")  # type: ignore[arg-type]


class TestLoan:
    def test_holds_while_the_call_runs(self) -> None:
        """A bytearray cannot be resized while Go has it, and can be at once after the reply."""
        data = bytearray(8192)
        future = faults.echo.submit(data=data, text="x")
        future.result()
        data.append(1)

        assert 8193 == len(data)

    def test_blocks_resizing(self) -> None:
        """Resizing a lent bytearray raises BufferError, until the call has ended."""
        data = bytearray(8192)
        future = faults.receive_with.submit(data, 1)
        with pytest.raises(BufferError):
            data.append(1)
        future.send(b"go on")

        assert 8192 == future.result()
        data.append(1)

    def test_outlives_a_cancelled_future(self) -> None:
        """Go may read what it was lent until it replies, so cancelling does not end the loan."""
        data = bytearray(8192)
        future = faults.receive_with.submit(data, 1)
        future.cancel()

        def resize() -> bool:
            try:
                data.append(1)
            except BufferError:
                return False
            return True

        assert settled(resize, True)

    def test_ends_when_the_call_fails(self) -> None:
        """A caller that handles an exception has its memory back, the traceback notwithstanding."""
        data = bytearray(8192)
        try:
            faults.slice_bytes(data, 5, 1_000_000)
        except GoError:
            data.append(1)

        assert 8193 == len(data)

    def test_is_over_with_the_reply(self) -> None:
        """The memory is the caller's again although the future lives: it may be resized."""
        data = bytearray(100_000)
        future = faults.bytes_in.submit(data)
        settled(future.done, True)
        data.append(1)

        assert 100_000 == future.result()


class TestBytesOut:
    def test_small_ones_are_copied(self) -> None:
        """A small result holds nothing of Go."""
        data = faults.make_bytes(100)

        assert (bytes(range(100)), 0) == (bytes(data), _buffers())

    def test_large_ones_are_held(self) -> None:
        """A large result is memory of Go, until the last view of it is gone."""
        data = faults.make_bytes(_MIB)
        assert 1 == _buffers()
        part = data[256:512]
        del data
        assert 1 == _buffers()
        assert bytes(range(256)) == part
        part.release()
        del part

        assert 0 == _buffers()

    def test_views_of_any_kind_keep_it(self) -> None:
        """Whatever looks at the memory keeps it, such as an array made of it."""
        view = memoryview(faults.make_bytes(_MIB)).cast("Q")

        assert 1 == _buffers()
        assert int.from_bytes(bytes(range(8)), "little") == view[0]
        del view
        assert 0 == _buffers()

    def test_are_read_only(self) -> None:
        """Results cannot be changed."""
        for size in (10, 100_000):
            with pytest.raises(TypeError):
                faults.make_bytes(size)[0] = 1

    def test_large_frames_are_released(self) -> None:
        """A large result that is no plain bytes is decoded and released at once."""
        numbers = faults.make_list(100_000)

        assert (list(range(100_000)), 0) == (numbers, _buffers())
        assert numbers == faults.make_list.submit(100_000).result()

    def test_a_gibibyte(self, program: Programs) -> None:
        """Out it exists once; back in, or one of Python's own, it adds less than 16 MiB."""
        done = program(
            r"""
import re
import faults
faults.make_bytes(1 << 20)

def peak():  # in MiB; getrusage has that of the process before exec
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read())[1]) >> 10

start = peak()
made = faults.make_bytes(1 << 30)
out = peak() - start
found = faults.address_of(made)
back = peak() - start - out
own = bytes(1 << 30)
before = peak()
faults.address_of(own)
print(out, back, peak() - before, found.length)
""",
            timeout=60,
        )
        assert "" == done.stderr
        out, back, lent, length = map(int, done.stdout.split())

        assert 1 << 30 == length
        assert lent < 16
        assert 1000 < out < 1024 + 16
        assert back < 16

    def test_have_one_address(self) -> None:
        """What Go made is where it was when it comes back."""
        made = faults.make_bytes(_MIB)

        assert _address_of_view(made) == faults.address_of(made).address

    def test_of_the_input_are_a_copy(self) -> None:
        """A function may return a part of what it was lent; the caller's memory is still its own."""
        data = bytearray(b"a" * 100_000)
        back = faults.slice_bytes(data, 10, 90_000)
        data[:] = b"b" * len(data)

        assert b"a" * 89_990 == back

    def test_of_the_input_when_submitted(self) -> None:
        """The same holds for a submitted call, whose input is gone when its result is read."""
        back = faults.slice_bytes.submit(bytearray(b"a" * 100_000), 10, 90_000).result()
        for _ in range(10):
            faults.echo_bytes(bytearray(b"z" * 100_000))

        assert b"a" * 89_990 == back

    def test_awaited(self) -> None:
        """An awaited result is held like any other."""

        async def main() -> None:
            data = await faults.make_bytes.submit(_MIB)
            assert 1 == _buffers()
            assert bytes(range(256)) == data[:256]

        asyncio.run(main())
        assert 0 == _buffers()

    def test_stays_where_go_collects(self) -> None:
        """Memory that only Python refers to is neither freed nor given back to the system."""
        given = [bytes([number]) * _MIB for number in range(1, 9)]
        kept = [faults.echo_bytes(bytearray(each)) for each in given]
        kept += [faults.echo_bytes.submit(bytearray(each)).result() for each in given]
        for _ in range(3):
            free_memory()
            faults.echo_bytes(bytearray(4 * _MIB))

        assert given * 2 == [bytes(each) for each in kept]

    def test_of_a_call_that_fails(self) -> None:
        """An error is no bytes, although its record has the same shape."""

        async def main() -> None:
            await faults.read_file.submit("/no/such/file")

        with pytest.raises(FileNotFoundError):
            faults.read_file.submit("/no/such/file").result()
        with pytest.raises(FileNotFoundError):
            asyncio.run(main())

    def test_of_a_cancelled_call_are_released(self) -> None:
        """What arrives for a future that nobody wants any more is released."""
        futures = [faults.make_bytes.submit(_MIB) for _ in range(20)]
        for future in futures:
            future.cancel()
        del futures, future

        assert 0 == settled(_buffers, 0)


def _address_of_view(view: memoryview) -> int:
    # ctypes wants writable memory, so ask where the memory of a C pointer to it is.
    class Buffer(ctypes.Structure):
        _fields_ = (
            ("buf", ctypes.c_void_p),
            ("obj", ctypes.py_object),
            ("rest", ctypes.c_char * 64),
        )

    buffer = Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(buffer), 0)
    address = int(buffer.buf)
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
    return address
