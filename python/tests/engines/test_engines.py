"""pyarrow, polars, duckdb, pandas and numpy read tables where Go made them."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import faults
from addresses import address_of
from gostitch import runtime_info
from invariants import settled
from programs import Programs


def _buffers() -> int:
    return int(runtime_info()["buffers"])


def _nothing_left() -> None:
    def read() -> int:
        gc.collect()
        pa.default_memory_pool().release_unused()
        return _buffers()

    assert 0 == settled(read, 0)


def _query(rows: Any, sql: str) -> list[tuple[Any, ...]]:
    # In a frame of its own: duckdb finds rows among its variables, which it keeps there.
    return duckdb.connect().sql(sql).fetchall()


def _rows_of_duckdb(found: Any) -> list[dict[str, Any]]:
    relation = duckdb.connect().sql("from found")
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


READERS: dict[str, Callable[[Any], list[dict[str, Any]]]] = {
    "pyarrow": lambda table: pa.table(table).to_pylist(),
    "pyarrow by batches": lambda table: [
        row for batch in pa.RecordBatchReader.from_stream(table) for row in batch.to_pylist()
    ],
    "polars": lambda table: pl.DataFrame(table).to_dicts(),
    "duckdb": _rows_of_duckdb,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize(("rows", "batches"), [(1, 1), (9, 3), (3000, 2), (10, 200), (0, 1)])
def test_every_reader_finds_what_python_finds(
    reader: str, rows: int, batches: int, nulls: bool
) -> None:
    """Each type arrives as the same Python value, in all batches, nulls included."""
    table = faults.every_column(rows, batches=batches, nulls=nulls)

    assert table.to_pylist() == READERS[reader](table)
    assert len(table) == rows * batches


def test_pyarrow_finds_nothing_wrong() -> None:
    """Its full validation reads offsets, codes and text."""
    for table in (faults.every_column(1000, batches=3, nulls=True), faults.every_column(0)):
        pa.table(table).validate(full=True)
    assert (0, 0) == (pa.table(faults.no_columns()).num_columns, len(pa.table(faults.no_columns())))


def test_pandas() -> None:
    """The types are the ones that pandas has for them."""
    frame = pd.DataFrame.from_arrow(faults.every_column(6, nulls=True))

    assert ((6, 16), "datetime64[us, UTC]", "category") == (
        frame.shape,
        str(frame["time"].dtype),
        str(frame["category"].dtype),
    )
    assert [0.0, 1.0, None, 3.0, 4.0, None] == [
        None if np.isnan(value) else value for value in frame["int8"]
    ]


class TestNothingIsCopied:
    def test_by_pyarrow(self) -> None:
        """Its buffers are at Go's addresses."""
        located = faults.located_table(100_000)
        column = pa.table(located.table)["numbers"].chunk(0)

        assert located.address == column.buffers()[1].address
        assert located.address + 800 == address_of(column[100:200].to_numpy())

    def test_by_polars(self) -> None:
        """Nor by what polars makes of it for numpy."""
        located = faults.located_table(100_000)
        column = pl.DataFrame(located.table)["numbers"]

        assert located.address == address_of(column.to_numpy(allow_copy=False))

    def test_by_pandas(self) -> None:
        """Nor by a data frame with Arrow's types; those of numpy it copies into blocks of its own."""
        located = faults.located_table(100_000)
        frame = pa.table(located.table).to_pandas(types_mapper=pd.ArrowDtype)

        assert located.address == address_of(frame["numbers"].to_numpy())

    def test_by_duckdb(self) -> None:
        """A query's scan of the table reads it where it is, and gives right sums."""
        rows = faults.located_table(1_000_000).table

        assert [(1_000_000, 499999500000)] == _query(
            rows, "select count(*), sum(numbers)::bigint from rows"
        )


class TestLife:
    def test_arrays_outlive_the_table(self) -> None:
        """A slice is enough to keep the memory, and the last slice gives it back."""
        column = pa.table(faults.every_column(5000, batches=2))["text"][10:20]
        frame = pl.DataFrame(faults.located_table(100_000).table)[5:10]
        gc.collect()

        assert (["grüße 10", 10], [5, 6, 7, 8, 9]) == (
            [column[0].as_py(), len(column)],
            frame["numbers"].to_list(),
        )
        assert 2 == _buffers()
        del column, frame
        _nothing_left()

    def test_a_consumer_that_stops_early(self) -> None:
        """A reader of batches may have enough, as may a query with a limit."""
        rows = faults.every_column(1000, batches=20)
        reader = pa.RecordBatchReader.from_stream(rows)
        batch = next(iter(reader))
        limited = _query(rows, "select int64 from rows limit 3")
        del reader, rows
        gc.collect()

        assert ([(0,), (1,), (2,)], 1000) == (limited, len(batch))
        del batch
        _nothing_left()

    def test_results_that_were_computed_hold_nothing(self) -> None:
        """What a library computes is its own."""
        rows = faults.every_column(5000, batches=3, nulls=True)
        total = pc.sum(pa.table(rows)["int64"]).as_py()
        frame = pl.LazyFrame(pl.DataFrame(rows)).group_by("category").agg(pl.col("int64").sum())
        found = frame.collect()
        grouped = _query(rows, "select category, sum(int64) from rows group by 1")
        del rows, frame
        _nothing_left()

        assert total == found["int64"].sum() == sum(row[1] or 0 for row in grouped)

    def test_many_threads_read_and_release(self) -> None:
        """The engines' own threads take part: nothing is released twice, nothing is left."""
        for _ in range(5):
            rows = faults.every_column(2000, batches=8, nulls=True)
            expected = sum(value or 0 for value in rows.to_pydict()["int64"])
            found: list[int] = []

            def query(rows: Any = rows, found: list[int] = found) -> None:
                with duckdb.connect(config={"threads": 4}) as connection:
                    connection.execute("select sum(int64)::bigint from rows")
                    found.append(connection.fetchall()[0][0])
                found.append(pl.DataFrame(rows).lazy().select("int64").sum().collect().item())

            threads = [threading.Thread(target=query) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            del rows, query, threads, thread
            assert [expected] * 8 == found
        _nothing_left()

    def test_many_queries(self) -> None:
        """A service reads tables all day; nothing is left of them."""
        for _ in range(200):
            rows = faults.every_column(300, batches=2)
            assert [(600,)] == _query(rows, "select count(text) from rows")
            assert 600 == pl.DataFrame(rows).height
            assert 600 == pa.table(rows).num_rows
        del rows
        _nothing_left()


def test_a_gibibyte_exists_once(program: Programs) -> None:
    """In a process of its own, whose peak of resident memory says what was copied."""
    done = program("""
import pyarrow as pa, polars as pl, pyarrow.compute as pc
import faults

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) >> 10

def read(table):
    return pc.sum(pa.table(table)["numbers"]).as_py(), pl.DataFrame(table)["numbers"].sum()

read(faults.located_table(1000).table)
before = peak()
table = faults.located_table(1 << 27).table
assert len(set(read(table))) == 1
print(peak() - before)
""")

    assert "" == done.stderr
    assert 1024 <= int(done.stdout) < 1024 + 64
