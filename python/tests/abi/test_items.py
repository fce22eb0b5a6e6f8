"""Buffers of numbers cross without a copy: Python's lent to Go, Go's handed to Python."""

from __future__ import annotations

import array
import asyncio
import ctypes
import gc
import mmap
import threading
from typing import Any

import numpy as np
import pytest

import faults
from addresses import address_of
from gostitch import GoError, GoTypeError, GoValueError, runtime_info
from invariants import settled
from programs import Programs

_ITEMS = {
    "bools": "?", "int8s": "b", "int16s": "h", "int32s": "i", "int64s": "q", "ints": "q",
    "uint8s": "B", "uint16s": "H", "uint32s": "I", "uint64s": "Q", "uints": "Q", "float32s": "f",
    "float64s": "d",
}  # fmt: skip


def _buffers() -> int:
    return int(runtime_info()["buffers"])


def _wrong(value: Any, kind: type[GoError] = GoTypeError) -> str:
    with pytest.raises(kind) as caught:
        faults.sum_floats(value)
    assert {"argument": "values"} == caught.value.details
    return str(caught.value).removeprefix("faults.sum_floats() argument values: ")


class TestNumbersIn:
    @pytest.mark.parametrize(
        "make",
        [
            np.array,
            lambda values: array.array("d", values),
            lambda values: memoryview(array.array("d", values)),
            lambda values: (ctypes.c_double * len(values))(*values),
            lambda values: memoryview(bytearray(array.array("d", values))).cast("d"),
            lambda values: memoryview(bytes(array.array("d", values))).cast("d"),
        ],
        ids=["numpy", "array", "view", "ctypes", "cast", "read-only"],
    )
    @pytest.mark.parametrize("size", [1, 5, 100_000])
    def test_are_not_copied(self, make: Any, size: int) -> None:
        """Go sees the memory of the Python object itself, whatever its kind and size."""
        values = make([float(i) for i in range(size)])
        found = faults.address_of_floats(values)

        assert (address_of(values), size, sum(range(size))) == (
            found.address,
            found.length,
            found.sum,
        )
        assert found == faults.address_of_floats.submit(values).result()

    def test_of_a_mapped_file(self) -> None:
        """Memory-mapped numbers are read where they are."""
        with mmap.mmap(-1, 8192) as mapped:
            with memoryview(mapped).cast("d") as values:
                assert (address_of(mapped), 1024) == (
                    (found := faults.address_of_floats(values)).address,
                    found.length,
                )

    def test_of_several_dimensions_are_seen_flat(self) -> None:
        """Rows follow each other; so does a part that is contiguous itself."""
        values = np.arange(12.0).reshape(3, 4)

        assert 66.0 == faults.sum_floats(values)
        assert 38.0 == faults.sum_floats(values[2])

    @pytest.mark.parametrize("empty", [np.array([]), array.array("d"), np.zeros((0, 3)), b""])
    def test_that_are_none(self, empty: Any) -> None:
        """No numbers are numbers too."""
        assert 0.0 == faults.sum_floats(empty)

    @pytest.mark.parametrize("name", _ITEMS)
    def test_of_every_type(self, name: str) -> None:
        """Each type of item arrives, and comes back, as the type that it is."""
        values = np.array([0, 1, 1, 0, 1] * 2000).astype(_ITEMS[name])
        for given in (values, values[:3]):
            back = getattr(faults.echo_items(**{name: given}), name)

            assert (_ITEMS[name], given.itemsize, True) == (
                back.format,
                back.itemsize,
                back.readonly,
            )
            assert given.tolist() == back.tolist()
            assert given.dtype == np.asarray(back).dtype

    def test_in_lists_and_maps(self) -> None:
        """Buffers may stand in lists and maps, and be missing."""
        many = [np.arange(3, dtype="i4"), array.array("i", range(5000))]
        back = faults.echo_items(many=many, named={"a": np.arange(7)}, maybe=None)

        assert [list(each) for each in many] == [each.tolist() for each in back.many]
        assert {"a": list(range(7))} == {name: each.tolist() for name, each in back.named.items()}
        assert back.maybe is None
        assert [1.0] == list(faults.echo_items(maybe=array.array("f", [1])).maybe or ())

    def test_long_is_a_number_of_its_size(self) -> None:
        """The type ``l`` of array and numpy is as long as the machine says: 8 bytes."""
        assert [5] == faults.echo_items(int64s=array.array("l", [5])).int64s.tolist()

    def test_of_a_wrong_type(self) -> None:
        """The refusal says what was expected, what came, and how to make it right."""
        for kind, name in {"i4": "int32", "f4": "float32", "u8": "uint64", "?": "bool"}.items():
            assert (
                f"expected a buffer of float64, got {name}; convert it, as numpy's "
                ".astype('float64') does"
            ) == _wrong(np.zeros(3, kind))
        assert "got uint8" in _wrong(bytes(16))
        assert "got items of the format 'Zd'" in _wrong(np.zeros(3, complex))
        assert "got items of the format 'O'" in _wrong(np.array([object()]))
        assert "got items of the format 'T{d:x:d:y:}'" in _wrong(
            np.zeros(3, [("x", "f8"), ("y", "f8")])
        )
        with pytest.raises(GoTypeError, match=r"many\[1\]: expected a buffer of int32, got int64"):
            faults.echo_items(many=[b"", np.arange(3)])

    def test_of_another_byte_order(self) -> None:
        """Numbers written by a machine of the other kind are refused, not misread."""
        assert _wrong(np.zeros(3, ">f8")).startswith(
            "expected a buffer of float64, got float64 in the byte order of other machines"
        )
        assert 3.0 == faults.sum_floats(np.ones(3, "<f8"))
        assert [1] == faults.echo_items(uint8s=np.ones(1, ">u1")).uint8s.tolist()

    def test_that_are_no_buffer(self) -> None:
        """A list is no buffer; the refusal says what makes one."""
        assert (
            "expected a buffer of float64, as numpy.array(..., 'float64') or array.array('d', ...) "
            "makes one, got list"
        ) == _wrong([1.0])
        for value in ("text", None, 5, iter(())):
            assert f"makes one, got {type(value).__name__}" in _wrong(value)

    def test_that_are_not_contiguous(self) -> None:
        """Memory with gaps, or in columns, is refused with the remedy."""
        table = np.zeros((3, 2))
        for value in (np.zeros(10)[::2], table.T, table[:, 0], memoryview(np.zeros(10))[::-1]):
            assert "the memory is not contiguous" in _wrong(value, GoValueError)
            assert "numpy.ascontiguousarray" in _wrong(value, GoValueError)

    def test_that_are_not_aligned(self) -> None:
        """Go wants a number at a multiple of its size."""
        shifted = memoryview(bytearray(17))[1:].cast("d")

        assert "the memory is not aligned to 8 bytes, the size of a float64; pass a copy" in _wrong(
            shifted, GoValueError
        )
        assert 0.0 == faults.sum_floats(np.asarray(shifted).copy())

    def test_whose_items_python_cannot_describe(self) -> None:
        """numpy's own reason is there, and the remedy."""
        said = _wrong(np.zeros(1, "M8[s]"), GoValueError)

        assert "cannot include dtype 'M' in a buffer; pass it as float64" in said

    def test_that_were_released(self) -> None:
        """A view that was released has no memory any more."""
        view = memoryview(array.array("d", [1]))
        view.release()

        assert "released memoryview" in _wrong(view, GoValueError)

    def test_bools_are_zero_or_one(self) -> None:
        """Go takes that for granted, so another byte is refused."""
        for size in (1, 7, 8, 9, 5000):
            values = bytearray(size)
            values[-1] = 2
            with pytest.raises(GoValueError, match="bools: a bool of the buffer is neither 0 nor"):
                faults.echo_items(bools=memoryview(values).cast("?"))

    def test_numpy_arrays_are_bytes_too(self) -> None:
        """Where Go takes bytes, the memory of any contiguous array will do, read-only or not."""
        values = np.arange(5000.0)
        for writeable in (True, False):
            values.flags.writeable = writeable
            found = faults.address_of(values)
            assert (values.ctypes.data, values.nbytes) == (found.address, found.length)
        with pytest.raises(GoValueError, match=r"data: the memory is not contiguous.*ascontiguous"):
            faults.address_of(values[::2])


class TestNumbersOut:
    def test_are_where_go_made_them(self) -> None:
        """A large result is memory of Go, and numpy's array of it too."""
        made = faults.make_floats(100_000)
        values = np.asarray(made.values)

        assert (made.address, made.address) == (address_of(made.values), values.ctypes.data)
        assert (100_000, 99_999.0, np.float64) == (len(values), values[-1], values.dtype)
        assert 1 == _buffers()
        del made
        gc.collect()
        assert 1 == _buffers()
        assert 4999950000.0 == values.sum()
        del values
        assert 0 == _buffers()

    @pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 100_000])
    def test_of_any_size(self, size: int) -> None:
        """A result is the same kind of view at every size; small ones hold nothing of Go."""
        for make in (faults.count_floats, lambda size: faults.count_floats.submit(size).result()):
            values = make(size)
            assert (memoryview, "d", 8, (size,), True, True) == (
                type(values),
                values.format,
                values.itemsize,
                values.shape,
                values.readonly,
                values.c_contiguous,
            )
            assert list(range(size)) == values.tolist()
            assert (size >= 512) == _buffers()
            assert 0 == address_of(values) % 8
            assert size == np.asarray(values).size
            del values

    def test_are_read_only(self) -> None:
        """Neither the view nor an array of it can be written to."""
        for size in (10, 100_000):
            values = faults.count_floats(size)
            with pytest.raises(TypeError):
                values[0] = 1
            with pytest.raises(ValueError, match="read-only"):
                np.asarray(values)[0] = 1
            with pytest.raises(GoValueError, match="read-only"):
                faults.scale(values, 2.0)

    def test_after_their_release(self) -> None:
        """A view that was released raises; an array that was made of it before keeps the memory."""
        values = faults.count_floats(100_000)
        made_before = np.asarray(values)
        part = values[10:20]
        values.release()

        assert (1, 4999950000.0, 10.0) == (_buffers(), made_before.sum(), part[0])
        del made_before
        part.release()
        assert 0 == _buffers()
        with pytest.raises(ValueError, match="released"):
            values[0]
        with pytest.raises(ValueError, match="released"):
            faults.sum_floats(values)

    def test_that_lie_in_what_was_lent_are_copied(self) -> None:
        """A function may return what it was given; the caller's memory stays its own."""
        given = np.arange(100_000.0)
        for back in (faults.echo_floats(given), faults.echo_floats.submit(given).result()):
            assert address_of(back) != given.ctypes.data
            given[:] = -1

            assert list(range(100_000)) == back.tolist()
            given[:] = np.arange(100_000.0)

    def test_awaited(self) -> None:
        """An awaited result is held like any other."""

        async def main() -> float:
            values = await faults.count_floats.submit(100_000)
            assert 1 == _buffers()
            return float(values[99_999])

        assert 99_999.0 == asyncio.run(main())
        assert 0 == settled(_buffers, 0)

    def test_of_a_cancelled_call_are_released(self) -> None:
        """What arrives for a future that nobody wants any more is released."""
        futures = [faults.make_floats.submit(100_000) for _ in range(20)]
        for future in futures:
            future.cancel()
        del futures, future

        assert 0 == settled(_buffers, 0)

    def test_of_a_failed_call(self) -> None:
        """An error holds nothing."""
        with pytest.raises(GoError, match="no numbers"):
            faults.fail_with_floats(100_000)

        assert 0 == _buffers()

    def test_as_results_of_a_stream(self) -> None:
        """Each result is held on its own, and those that nobody takes are released."""
        with faults.stream_floats(10_000) as results:
            taken = [next(results) for _ in range(3)]
        assert [0.0, 1.0, 2.0] == [each[9999] for each in taken]
        del taken, results

        assert 0 == settled(_buffers, 0)

    @pytest.mark.parametrize("size", [1000, 10_000])
    def test_as_a_result_of_a_stream_that_is_kept(self, size: int) -> None:
        """Go holds its memory, also where the record itself is small enough to be copied."""
        with faults.stream_floats(size) as results:
            kept = next(results)
        assert 1 == settled(_buffers, 1)
        faults.collect(2)

        assert [0.0] * size == list(kept)

    def test_as_a_message(self) -> None:
        """A message is a view, as a result is."""
        told: list[memoryview] = []
        faults.send_floats(100_000, send=told.append)

        assert (100_000, "d", 1) == (len(told[0]), told[0].format, _buffers())

    def test_as_a_question_and_its_answer(self) -> None:
        """A question is a view; the answer may be any buffer of the type, and is checked."""
        assert 100_000.0 == faults.ask_floats(100_000, lambda view: np.asarray(view) + 1)
        with pytest.raises(GoTypeError, match="expected a buffer of float64, got int64"):
            faults.ask_floats(5, lambda view: np.arange(5))

    def test_are_released_by_whichever_thread(self) -> None:
        """The last owner may be any thread."""
        for _ in range(20):
            results = [faults.make_floats(10_000) for _ in range(4)]
            threads = [threading.Thread(target=each.clear) for each in ([r] for r in results)]
            del results
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            del threads, thread

        assert 0 == settled(_buffers, 0)


class TestNumbersWrittenTo:
    @pytest.mark.parametrize(
        "values",
        [
            np.array([1.0, 2.0]),
            array.array("d", [1, 2]),
            memoryview(bytearray(array.array("d", [1, 2]))).cast("d"),
            (ctypes.c_double * 2)(1, 2),
        ],
        ids=["numpy", "array", "view", "ctypes"],
    )
    def test_are_changed_in_place(self, values: Any) -> None:
        """Python sees what Go has written, in the same memory, however small it is."""
        faults.scale(values, 10.0)
        faults.scale.submit(values, 2.0).result()

        assert [20.0, 40.0] == list(values)

    def test_that_are_read_only_are_refused(self) -> None:
        """Bytes, views of them and frozen arrays, with the remedy."""
        frozen = np.zeros(3)
        frozen.flags.writeable = False
        for value in (bytes(8), frozen, memoryview(frozen), frozen[::2]):
            with pytest.raises(
                GoValueError,
                match=r"values: the function writes to this memory, and it is read-only; pass a b",
            ):
                faults.scale(value, 2.0)

    def test_that_are_not_contiguous_are_refused(self) -> None:
        """Also if they could be written to."""
        with pytest.raises(GoValueError, match="values: the memory is not contiguous"):
            faults.scale(np.zeros(10)[::2], 2.0)

    def test_of_a_wrong_type_are_refused(self) -> None:
        """As for any buffer, with all arguments unchanged."""
        with pytest.raises(GoTypeError, match="values: expected a buffer of float64, got int64"):
            faults.scale(np.arange(3), 2.0)
        with pytest.raises(GoTypeError, match="got list"):
            faults.scale([1.0], 2.0)  # type: ignore[arg-type]

    def test_while_the_call_runs(self) -> None:
        """What Go writes is seen at once; the memory cannot be resized until the reply."""
        room, also = bytearray(6), array.array("i", [0])
        future = faults.fill_as_told.submit(room, also=also)
        future.send(b"abc")

        assert 3 == settled(lambda: also[0], 3)
        assert b"abc" == room[:3]
        for resize in (lambda: room.append(1), lambda: also.append(1)):
            with pytest.raises(BufferError):
                resize()
        future.send(b"def")
        assert 6 == future.result()
        room.append(1)
        also.append(1)
        assert b"abcdef\1" == room

    def test_after_cancelling(self) -> None:
        """The future is cancelled at once; the loan lasts until the function has ended."""
        room = bytearray(8)
        future = faults.fill_as_told.submit(room)
        future.send(b"abc")
        assert settled(lambda: room[2], ord("c"))
        future.cancel()

        def resize() -> bool:
            try:
                room.append(1)
            except BufferError:
                return False
            return True

        assert settled(resize, True)
        assert b"abc" == room[:3]

    def test_whose_future_nobody_has_any_more(self) -> None:
        """At the end of the interpreter, say: what Go writes to must not become something else."""
        room = bytearray(8)
        future = faults.fill_as_told.submit(room)
        queue, token = future._queue, future._token
        queue.pending.pop(token)
        del future
        gc.collect()

        with pytest.raises(BufferError):
            room.append(1)
        queue.cancel(token)

    def test_awaited(self) -> None:
        """An awaited call writes in place as well."""
        values = np.ones(1000)

        async def main() -> None:
            await faults.scale.submit(values, 3.0)

        asyncio.run(main())

        assert 3000.0 == values.sum()

    def test_that_may_be_missing(self) -> None:
        """None is no memory, and nothing is written."""
        room = bytearray(3)
        future = faults.fill_as_told.submit(room, also=None)
        future.send(b"abc")

        assert 3 == future.result()


_GIB = """
import sys
import numpy as np
import faults

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) >> 10

faults.sum_floats(np.ones(10)), faults.count_floats(1000), faults.address_of(bytes(10))
"""


class TestAGibibyte:
    """In a process of its own, whose peak of resident memory says what was copied."""

    @pytest.mark.parametrize("name", ["address_of_floats", "address_of"])
    def test_in_adds_less_than_16_mib(self, program: Programs, name: str) -> None:
        """The memory is in the process once: Python's."""
        text = f"""
values = np.ones(1 << 27)
before = peak()
found = faults.{name}(values)
assert found.address == values.ctypes.data
submitted = faults.{name}.submit(values).result()
assert submitted == found
print(before, peak() - before)
"""
        done = program(_GIB + text)

        before, added = map(int, done.stdout.split())
        assert "" == done.stderr
        assert 1024 <= before
        assert added < 16

    def test_out_exists_once(self, program: Programs) -> None:
        """The memory is in the process once: Go's, also as an array of numpy."""
        text = """
before = peak()
made = faults.make_floats(1 << 27)
values = np.asarray(made.values)
assert values.ctypes.data == made.address
assert values[-1] == (1 << 27) - 1
print(before, peak() - before)
"""
        done = program(_GIB + text)

        _, added = map(int, done.stdout.split())
        assert "" == done.stderr
        assert 1024 <= added < 1024 + 64

    def test_written_to_exists_once(self, program: Programs) -> None:
        """What Go writes in place needs no memory."""
        text = """
values = np.ones(1 << 27)
before = peak()
faults.scale(values, 2.0)
assert values[0] == values[-1] == 2.0
print(before, peak() - before)
"""
        done = program(_GIB + text)

        _, added = map(int, done.stdout.split())
        assert "" == done.stderr
        assert added < 16
