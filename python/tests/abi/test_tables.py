"""Tables of Go are read where they are, by whoever reads Arrow, on whichever thread."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import threading
from collections.abc import Callable
from typing import Any

import nanoarrow as na
import numpy as np
import pytest

import faults
import gostitch
from gostitch import GoError, GoTypeError, runtime_info
from gostitch._shapes import schema
from gostitch.exceptions import LibraryError
from invariants import settled
from programs import Programs

_COLUMNS = [
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
    "bool", "text", "blob", "time", "duration", "category",
]  # fmt: skip


def _buffers() -> int:
    return int(runtime_info()["buffers"])


class TestTable:
    @pytest.mark.parametrize("nulls", [False, True])
    @pytest.mark.parametrize(("rows", "batches"), [(1, 1), (8, 1), (9, 3), (5000, 2), (10, 100)])
    def test_has_every_type(self, rows: int, batches: int, nulls: bool) -> None:
        """A library that reads Arrow finds the values that Python finds, in every batch."""
        table = faults.every_column(rows, batches=batches, nulls=nulls)
        by_row = na.Array(table).to_pylist()

        assert (rows * batches, rows * batches, 16) == (
            len(table),
            table.num_rows,
            table.num_columns,
        )
        assert table.to_pylist() == by_row
        assert (None in table.to_pydict()["time"]) is (nulls and rows > 2)
        assert _COLUMNS == list(by_row[0]) == table.column_names

    def test_tells_its_values(self) -> None:
        """Columns are lists by name, rows are dicts."""
        table = faults.every_column(3, nulls=True)
        columns = table.to_pydict()

        assert (["grüße 0", "grüße 1", None], ["red", "green", None]) == (
            columns["text"],
            columns["category"],
        )
        assert ([True, False, None], [b"\0\0\xff", b"\0\1\xff", None]) == (
            columns["bool"],
            columns["blob"],
        )
        assert [5, 1000005, None] == [
            time and round(time.timestamp() * 1e6) for time in columns["time"]
        ]

    def test_says_what_it_is(self) -> None:
        """Its representation has the number of rows, and the columns with their types."""
        assert "<gostitch.Table of 1 row (values: float64)>" == repr(faults.table_of(np.ones(1)))
        assert "<gostitch.Table of 0 rows ()>" == repr(faults.no_columns())
        assert "time: datetime, duration: timedelta, category: categories of str" in repr(
            faults.every_column(2)
        )
        assert isinstance(faults.no_columns(), gostitch.Table)

    def test_of_no_rows(self) -> None:
        """The columns are known although there is nothing in them."""
        table = faults.every_column(0)

        assert (0, _COLUMNS, False) == (len(table), table.column_names, bool(table))
        assert ({key: [] for key in _COLUMNS}, []) == (table.to_pydict(), table.to_pylist())
        assert (0, 16) == (len(na.Array(table)), na.Array(table).n_children)

    def test_of_no_columns(self) -> None:
        """Nothing is a table too."""
        table = faults.no_columns()

        assert (0, [], {}, []) == (
            len(table),
            table.column_names,
            table.to_pydict(),
            table.to_pylist(),
        )
        assert [] == na.Array(table).to_pylist()

    def test_is_not_copied(self) -> None:
        """The reader's numbers are at the address at which Go made them."""
        located = faults.located_table(100_000)
        column = na.c_array_stream(located.table).get_next().child(0)

        assert located.address == column.buffers[1]
        assert 1 == _buffers()

    def test_stays_as_long_as_anything_reads_it(self) -> None:
        """An array keeps the memory when the table and the stream are gone; the last releases it."""
        array = na.Array(faults.located_table(100_000).table).child(0)
        numbers = np.asarray(array.buffer(1))
        del array
        gc.collect()

        assert (1, 99_999, 4999950000) == (_buffers(), numbers[-1], numbers.sum())
        del numbers
        gc.collect()
        assert 0 == _buffers()

    def test_is_read_as_often_as_one_likes(self) -> None:
        """Each reader has a stream of its own, at its own pace."""
        table = faults.every_column(5, batches=3)
        first, second = na.c_array_stream(table), na.c_array_stream(table)
        first.get_next()

        assert ([5, 5], [5, 5, 5]) == (
            [batch.length for batch in first],
            [batch.length for batch in second],
        )
        with pytest.raises(StopIteration):
            first.get_next()

    def test_of_which_a_reader_has_enough(self) -> None:
        """A reader may stop early, and a capsule that nobody reads is no leak."""
        table = faults.every_column(1000, batches=10)
        stream = na.c_array_stream(table)
        batch = stream.get_next()
        capsules = [table.__arrow_c_stream__(), table.__arrow_c_schema__()]
        del stream, table
        assert 1000 == batch.length
        del capsules
        gc.collect()
        assert 1 == _buffers()
        del batch
        gc.collect()

        assert 0 == _buffers()

    def test_gives_children_away(self) -> None:
        """A column that was moved out of its batch lives on its own."""
        stream = na.c_array_stream(faults.every_column(1000, nulls=True))
        columns = list(stream.get_next().children)
        del stream
        gc.collect()

        assert (16, "red", 1) == (
            len(columns),
            na.Array(columns[15]).to_pylist()[0],
            _buffers(),
        )

    def test_of_what_was_lent_is_a_copy(self) -> None:
        """A column that lies in the caller's memory is copied, since that is the caller's."""
        values = np.arange(10_000.0)
        table = faults.table_of(values)
        values[:] = 0

        assert list(range(10_000)) == table.to_pydict()["values"]

    def test_submitted_awaited_and_in_records(self) -> None:
        """A table crosses wherever a result does."""

        async def main() -> gostitch.Table:
            return await faults.every_column.submit(2000)

        assert 2000 == len(asyncio.run(main()))
        assert 3 == len(faults.located_table.submit(3).result().table)
        assert faults.maybe_table(0) is None
        present = faults.maybe_table(2)
        assert present is not None
        assert {"text": ["", ""]} == present.to_pydict()
        with faults.stream_tables(1000) as tables:
            assert [[0], [1000]] == [next(tables).to_pydict()["number"][:1] for _ in range(2)]
        assert 0 == settled(_buffers, 0)

    def test_of_a_cancelled_call_is_released(self) -> None:
        """What arrives for a future that nobody wants any more is released."""
        futures = [faults.every_column.submit(5000) for _ in range(20)]
        for future in futures:
            future.cancel()
        del futures, future

        assert 0 == settled(_buffers, 0)

    def test_that_does_not_fit_together(self) -> None:
        """The mistake is the function's error, with the columns named."""
        with pytest.raises(GoError, match='column "short" has 1 rows, and "long" has 2'):
            faults.broken_table()

    def test_is_made_by_go_alone(self) -> None:
        """Nobody makes one in Python."""
        with pytest.raises(TypeError, match="is the result of a Go function"):
            gostitch.Table()


class TestRequestedSchema:
    def test_is_a_wish(self) -> None:
        """The types are those of the table; the reader converts."""
        table = faults.every_column(2)
        other = na.c_schema(na.struct({name: na.int8() for name in _COLUMNS}))
        stream = na.c_array_stream(table, other)

        assert "int64" in repr(na.Schema(stream.get_schema()))

    def test_must_have_the_columns(self) -> None:
        """It cannot choose columns, which is said."""
        requested = na.c_schema(na.struct({"a": na.int8()})).__arrow_c_schema__()
        with pytest.raises(ValueError, match="has not the 16 columns of the table"):
            faults.every_column(2).__arrow_c_stream__(requested_schema=requested)

    def test_must_be_a_schema(self) -> None:
        """Anything else is a mistake of the reader."""
        table = faults.every_column(2)
        for wrong in (5, table.__arrow_c_stream__()):
            with pytest.raises(TypeError, match="must be a capsule called arrow_schema"):
                table.__arrow_c_stream__(wrong)


class _Stream(ctypes.Structure):
    """ArrowArrayStream; the callbacks are called without the GIL, as ctypes does."""

    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("private_data", ctypes.c_void_p),
    )


class _Array(ctypes.Structure):
    """ArrowArray."""

    _fields_ = (
        ("numbers", ctypes.c_int64 * 5),
        ("pointers", ctypes.c_void_p * 3),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("private_data", ctypes.c_void_p),
    )


def _taken(capsule: object) -> _Stream:
    """Move the stream out of its capsule, as a reader does."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    address = pointer(capsule, b"arrow_array_stream")
    stream = _Stream.from_buffer_copy(ctypes.string_at(address, ctypes.sizeof(_Stream)))
    ctypes.memset(address + _Stream.release.offset, 0, 8)
    return stream


def _on_threads(works: list[Callable[[], Any]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class TestThreads:
    def test_release_in_any_order_without_the_gil(self) -> None:
        """The last of many owners, on many threads, releases the memory, once."""
        for _ in range(20):
            table = faults.every_column(2000, batches=4)
            streams = [_taken(table.__arrow_c_stream__()) for _ in range(8)]
            arrays = [_Array() for _ in streams]

            def read_and_release(stream: _Stream, array: _Array) -> None:
                assert 0 == stream.get_next(ctypes.addressof(stream), ctypes.addressof(array))
                stream.release(ctypes.addressof(stream))
                array.release(ctypes.addressof(array))

            works = [
                lambda stream=stream, array=array: read_and_release(stream, array)  # type: ignore[misc]
                for stream, array in zip(streams, arrays, strict=True)
            ]
            del table
            _on_threads(works)
            assert [False] * 16 == [bool(each.release) for each in (*streams, *arrays)]
            assert 0 == _buffers()

    def test_read_the_same_table(self) -> None:
        """Readers do not disturb each other."""
        table = faults.every_column(500, batches=3, nulls=True)
        expected, found = table.to_pylist(), []

        _on_threads([lambda: found.append(na.Array(table).to_pylist())] * 4)

        assert [expected] * 4 == found


class TestDamage:
    def test_is_refused_wherever_a_frame_is_cut(self) -> None:
        """Frames come from Go alone, and are still not trusted."""
        table = schema("table", {})
        frame = table.encode({"a": [1, None], "b": ["x", "y"]})
        for end in range(len(frame)):
            with pytest.raises(LibraryError):
                table.decode(frame[:end])
        with pytest.raises(LibraryError):
            table.decode(frame + b"\0")

    def test_of_a_column_of_another_length(self) -> None:
        """All columns of a batch have its rows."""
        frame = b"\x92\x91\x94\xa1a\xa1l\xc2\xc0\x91\x92\x02\x91\x94\x01\x00\x92\xc0\xc4\x00\xc0"
        with pytest.raises(LibraryError, match="expected a table"):
            schema("table", {}).decode(frame)

    def test_is_not_encoded_from_anything(self) -> None:
        """What is no table says what would be one."""
        with pytest.raises(GoTypeError, match="expected a dict of columns"):
            schema("table", {}).encode([1])


def test_a_gibibyte_exists_once(program: Programs) -> None:
    """The memory is in the process once: Go's, also when an Arrow library reads it."""
    done = program("""
import nanoarrow as na, numpy as np
import faults

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) >> 10

na.Array(faults.located_table(10).table)
before = peak()
located = faults.located_table(1 << 27)
batch = na.c_array_stream(located.table).get_next()
assert batch.child(0).buffers[1] == located.address
numbers = np.asarray(na.Array(batch).child(0).buffer(1))
assert numbers[-1] == (1 << 27) - 1 and numbers.ctypes.data == located.address
print(peak() - before)
""")

    assert "" == done.stderr
    assert 1024 <= int(done.stdout) < 1024 + 64


def test_a_forked_child_releases_nothing(program: Programs) -> None:
    """A child has a copy of the memory to read; what it drops is the parent's to release."""
    done = program("""
import gc, os
import nanoarrow as na
import faults
from gostitch import runtime_info

table, numbers = faults.every_column(2000), faults.count_floats(2000)
stream = na.c_array_stream(table)
batch = stream.get_next()
child = os.fork()
if child == 0:
    assert 1999.0 == numbers[1999] and "red" == na.Array(batch.child(15)).to_pylist()[0]
    del table, numbers, stream, batch
    gc.collect()
    os._exit(0)
assert (child, 0) == os.waitpid(child, 0)
assert 2 == runtime_info()["buffers"]
assert 1999.0 == numbers[1999] and 2000 == len(table.to_pylist())
del table, numbers, stream, batch
gc.collect()
assert 0 == runtime_info()["buffers"]
print("fine")
""")

    assert ("fine\n", "") == (done.stdout, done.stderr)
