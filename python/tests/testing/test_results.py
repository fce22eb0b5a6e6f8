"""The fake library: what a call returns or raises, and what a test may not say of it."""

from __future__ import annotations

import array
import enum
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import nanoarrow
import pytest

import faults
from gostitch import GoConnectionError, GoFileNotFoundError, GoTimeoutError, tasks
from gostitch.testing import FakeError, FakeLibrary

TREE = {"digest": "ab" * 32, "files": 2, "bytes": 10}


class TestReturns:
    def test_a_record(self, fake: FakeLibrary) -> None:
        """A dict of its fields, or an instance, becomes the record class."""
        expected = tasks.HashTreeResult("ab" * 32, 2, 10)
        fake.returns(tasks.hash_tree, TREE, expected)

        assert [expected, expected] == [tasks.hash_tree("src") for _ in range(2)]

    def test_everything_that_can_be_in_a_record(self, fake: FakeLibrary) -> None:
        """Enumerations, times, durations, nested records and large bytes come as from Go."""
        thing = faults.FaultsThing(
            faults.FaultsColour.RED,
            faults.FaultsWeight.HEAVY,
            datetime(2024, 5, 6, tzinfo=timezone.utc),
            timedelta(seconds=3),
            {"a": faults.FaultsPart("x")},
            ["/f"],
        )
        fake.returns(faults.echo_thing, thing)
        fake.returns(faults.echo_optional_bytes, None, b"x" * 100_000)

        assert thing == faults.echo_thing({"colour": "green"})
        assert [None, b"x" * 100_000] == [faults.echo_optional_bytes() for _ in range(2)]

    def test_buffers_of_numbers(self, fake: FakeLibrary) -> None:
        """Any buffer of the type will do, and arrives as the view that it is in real life."""
        fake.returns(faults.count_floats, array.array("d", [1, 2]), memoryview(array.array("d")))
        views = [faults.count_floats(2) for _ in range(2)]

        assert [("d", True, [1.0, 2.0]), ("d", True, [])] == [
            (view.format, view.readonly, view.tolist()) for view in views
        ]
        with pytest.raises(
            FakeError, match=r"does not fit: expected a buffer of float64.*got list"
        ):
            fake.returns(faults.count_floats, [1.0])

    def test_tables(self, fake: FakeLibrary) -> None:
        """A dict of columns, or another table, becomes the table that a call gives."""
        columns = {
            "text": ["a", None, "ü"],
            "blob": [b"", b"x", None],
            "flag": [True, None, False],
            "number": [1, 2, None],
            "real": [1, 2.5, None],
            "time": [datetime(2026, 1, 2, tzinfo=timezone.utc), None, None],
            "took": [timedelta(seconds=1), None, timedelta(0)],
            "array": array.array("i", [1, 2, 3]),
            "none": [None, None, None],
        }
        fake.returns(faults.every_column, columns, {}, {"a": []})
        table, nothing, empty = (faults.every_column(5) for _ in range(3))

        assert columns | {"array": [1, 2, 3]} == table.to_pydict()
        assert table.to_pylist() == nanoarrow.Array(table).to_pylist()
        assert [(0, []), (0, ["a"])] == [(len(of), of.column_names) for of in (nothing, empty)]
        fake.returns(faults.located_table, {"address": 5, "table": table})
        assert columns["text"] == faults.located_table(5).table.to_pydict()["text"]

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ([1], "expected a dict of columns"),
            ({"a": [1], "b": []}, "the columns of a table have the same length, not {'a': 1, 'b'"),
            ({"a": [1, "x"]}, "column 'a' has values of int, str; a column has values of one type"),
            ({"a": [object()]}, "column 'a' has values of object"),
            ({"a": [2**63]}, "9223372036854775808 is out of range for int64"),
            ({"a": memoryview(b"x").cast("c")}, "column 'a' has items that no column has: 'c'"),
        ],
    )
    def test_what_is_no_table(self, fake: FakeLibrary, value: Any, said: str) -> None:
        """The mistake of the test is named, with the column."""
        with pytest.raises(FakeError, match=re.escape(said)):
            fake.returns(faults.every_column, value)

    def test_memory_that_the_function_writes_to(self, fake: FakeLibrary) -> None:
        """An answer writes to the caller's own memory, until the call ends."""
        kept = []

        def scale(values: memoryview, by: float) -> None:
            for i, value in enumerate(values):
                values[i] = value * by
            kept.append(values)

        fake.answers(faults.scale, scale)
        values = array.array("d", [1, 2])
        faults.scale(values, 10.0)
        faults.scale.submit(values, by=2.0).result()
        values.append(0)

        assert [20.0, 40.0, 0.0] == list(values)
        with pytest.raises(ValueError, match="released"):
            kept[0][0]

    @pytest.mark.parametrize("size", [0, 3, 100_000])
    def test_bytes(self, fake: FakeLibrary, size: int) -> None:
        """A bytes result is a read-only memoryview, as in real life."""
        fake.returns(faults.make_bytes, bytearray(size))

        view = faults.make_bytes(size)

        assert (memoryview, True, bytes(size)) == (type(view), view.readonly, bytes(view))

    def test_nothing(self, fake: FakeLibrary) -> None:
        """A function without a result returns None."""
        fake.returns(faults.nothing, None)

        faults.nothing()

        assert None is fake.calls[0].result

    def test_each_call_has_its_own(self, fake: FakeLibrary) -> None:
        """A caller that changes a result changes nobody else's."""
        fake.returns(faults.echo_list, [1, 2])
        faults.echo_list([]).append(3)

        assert [1, 2] == faults.echo_list([])


class TestInTurn:
    def test_outcomes_come_in_the_order_of_preparation(self, fake: FakeLibrary) -> None:
        """A failure first, then results; the last one stays."""
        fake.raises(faults.add, GoTimeoutError("too slow"))
        fake.returns(faults.add, 1, 2)

        with pytest.raises(GoTimeoutError, match="too slow"):
            faults.add(0, 0)
        assert [1, 2, 2, 2] == [faults.add(0, 0) for _ in range(4)]

    def test_forget(self, fake: FakeLibrary) -> None:
        """A test may prepare anew what a fixture has prepared."""
        fake.returns(faults.add, 1)
        fake.forget(faults.add)
        fake.returns(faults.add, 2)

        assert 2 == faults.add(0, 0)


class TestRaises:
    def test_the_very_exception(self, fake: FakeLibrary) -> None:
        """What the test gives is what the caller catches, details and all."""
        error = GoFileNotFoundError("no such file", details={"path": "/x", "errno": 2})
        fake.raises(tasks.hash_tree, error)

        with pytest.raises(FileNotFoundError) as caught:
            tasks.hash_tree("/x")

        assert caught.value is error
        assert "/x" == caught.value.filename

    def test_ones_own_error_class(self, fake: FakeLibrary) -> None:
        """The generated class of a Go error is an instance of GoError too."""
        fake.raises(faults.buy, faults.OutOfStockError("none left"))

        with pytest.raises(LookupError, match="none left"):
            faults.buy()

    def test_an_interrupt(self, fake: FakeLibrary) -> None:
        """Ctrl-C ends a call as well."""
        fake.raises(faults.nothing, KeyboardInterrupt())

        with pytest.raises(KeyboardInterrupt):
            faults.nothing()

    @pytest.mark.parametrize("error", [ValueError("no"), GoTimeoutError, "text"])
    def test_what_no_call_raises(self, fake: FakeLibrary, error: Any) -> None:
        """An exception that Go would not raise proves nothing, so it is refused."""
        with pytest.raises(
            FakeError, match=r"faults\.add\(\) cannot raise .* instances of GoError"
        ):
            fake.raises(faults.add, error)


class TestAnswers:
    def test_gets_the_arguments_as_the_caller_gave_them(self, fake: FakeLibrary) -> None:
        """What was given by name comes by name, checked; defaults do not come."""
        seen = []

        def answer(*args: Any, **kwargs: Any) -> Any:
            seen.append((args, kwargs))
            return TREE

        fake.answers(tasks.hash_tree, answer)
        tasks.hash_tree(Path("/src"))
        tasks.hash_tree(root="/src", ignore=iter(["a", "b"]), timeout=3)

        assert [
            (("/src",), {}),
            ((), {"root": "/src", "ignore": ["a", "b"], "timeout": 3}),
        ] == seen

    def test_records_are_records(self, fake: FakeLibrary) -> None:
        """A dict that the caller gives is the record class for the answer."""

        def answer(items: list[tasks.FetchItem], **_: Any) -> Any:
            return [
                tasks.FetchResult(each.url, str(each.path), True, "", 200, 1, "", 1)
                for each in items
            ]

        fake.answers(tasks.fetch, answer)
        (result,) = tasks.fetch([{"url": "http://h/f", "path": Path("/f")}], timeout=1)

        assert ("http://h/f", "/f", True) == (result.url, result.path, result.ok)

    def test_takes_the_timeout_if_it_wants_it(self, fake: FakeLibrary) -> None:
        """A callable without that parameter is not bothered with it."""
        fake.answers(faults.add, lambda a, b: a + b)
        fake.answers(faults.add, lambda a, b, timeout: timeout)

        assert [3, 7] == [faults.add(1, 2, timeout=7) for _ in range(2)]

    def test_raises(self, fake: FakeLibrary) -> None:
        """What it raises is what the call raises."""

        def answer(a: int, b: int) -> int:
            raise GoConnectionError("down")

        fake.answers(faults.add, answer)

        with pytest.raises(ConnectionError, match="down"):
            faults.add(1, 2)

    def test_gives_what_does_not_fit(self, fake: FakeLibrary) -> None:
        """The error blames the test's value."""
        fake.answers(faults.add, lambda a, b: "three")

        with pytest.raises(
            FakeError, match=r"what the test lets faults\.add\(\) return .*: expected int, got str"
        ):
            faults.add(1, 2)

    def test_does_not_take_the_arguments(self, fake: FakeLibrary) -> None:
        """The error shows both sides."""
        fake.answers(faults.add, lambda a: a)

        with pytest.raises(
            FakeError, match=re.escape("its parameters are (a), and the caller gave (1, 2)")
        ):
            faults.add(1, 2)

    def test_a_builtin_will_do(self, fake: FakeLibrary) -> None:
        """A callable whose signature cannot be read gets the arguments."""
        fake.answers(faults.add, max)

        assert 5 == faults.add(5, 2)

    def test_must_be_a_plain_callable(self, fake: FakeLibrary) -> None:
        """A coroutine function would never run, and a value is none."""

        async def answer(a: int, b: int) -> int:
            return 1

        with pytest.raises(FakeError, match="must be a plain function"):
            fake.answers(faults.add, answer)
        with pytest.raises(FakeError, match=r"3 cannot be called; .* fake\.returns"):
            fake.answers(faults.add, 3)  # type: ignore[arg-type]


class TestHangs:
    def test_until_the_timeout(self, fake: FakeLibrary) -> None:
        """The caller's timeout ends it, with the error and the text of Go."""
        fake.hangs(tasks.hash_tree)

        with pytest.raises(GoTimeoutError, match=r"tasks\.hash_tree\(\) did not finish within its"):
            tasks.hash_tree("src", timeout=0.01)

    def test_a_timeout_that_has_passed(self, fake: FakeLibrary) -> None:
        """Nothing runs after its time, whatever was prepared."""
        fake.returns(faults.add, 3)

        with pytest.raises(GoTimeoutError):
            faults.add(1, 2, timeout=0)
        assert isinstance(fake.calls[0].exception, GoTimeoutError)


class TestWhatATestMayNotSay:
    def test_nothing_prepared(self, fake: FakeLibrary) -> None:
        """A call that nobody prepared says which, and what to write; no service takes it for Go's."""
        with pytest.raises(FakeError, match=r"prepared nothing for tasks\.fetch\(\)") as caught:
            tasks.fetch([])

        assert "fake.returns(tasks.fetch, ...)" in str(caught.value)
        assert caught.value is fake.calls[0].exception

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ({"digest": "x", "files": "2", "bytes": 1}, "files: expected int, got str"),
            ({"digest": "x"}, "files"),
            ("text", "expected HashTreeResult or a dict of its fields, got str"),
            (tasks.PackResult, "expected HashTreeResult"),
        ],
    )
    def test_a_result_that_does_not_fit(self, fake: FakeLibrary, value: Any, reason: str) -> None:
        """It is refused where the test says it, with the reason."""
        with pytest.raises(
            FakeError, match=rf"what the test lets tasks\.hash_tree\(\) return .*: .*{reason}"
        ):
            fake.returns(tasks.hash_tree, value)

    def test_a_result_of_a_function_without(self, fake: FakeLibrary) -> None:
        """A function that returns nothing cannot return something."""
        with pytest.raises(FakeError, match="it returns nothing, so say None instead of 3"):
            fake.returns(faults.nothing, 3)

    def test_no_outcome(self, fake: FakeLibrary) -> None:
        """An outcome that was forgotten is not None by chance."""
        with pytest.raises(FakeError, match=r"say what faults\.add\(\) returns"):
            fake.returns(faults.add)
        with pytest.raises(FakeError, match=r"say what faults\.add\(\) raises"):
            fake.raises(faults.add)

    def test_not_a_go_function(self, fake: FakeLibrary) -> None:
        """Only Go functions can be faked."""
        with pytest.raises(FakeError, match="is no Go function; name one of a generated module"):
            fake.returns(print, None)
        with pytest.raises(FakeError, match="is no Go function"):
            fake.calls_of(enum.auto)

    def test_messages_of_a_function_without(self, fake: FakeLibrary) -> None:
        """Messages and questions are things that a function says in real life."""
        with pytest.raises(FakeError, match=r"faults\.add\(\) sends no messages$"):
            fake.returns(faults.add, 1, messages=[1])
        with pytest.raises(
            FakeError, match=r"sends no messages; it asks questions: say questions="
        ):
            fake.returns(faults.ask, 1, messages=[1])
        with pytest.raises(FakeError, match=r"asks no questions; it sends messages: say messages="):
            fake.returns(tasks.fetch, [], questions=[1])

    def test_a_message_that_does_not_fit(self, fake: FakeLibrary) -> None:
        """It is refused where the test says it."""
        with pytest.raises(
            FakeError, match=r"lets faults\.count_messages\(\) send .* expected int"
        ):
            fake.returns(faults.count_messages, 1, messages=[{"index": "0", "text": ""}])
