"""The fake library: the record of the calls, and that arguments are checked as in real life."""

from __future__ import annotations

import array
import threading
from pathlib import Path
from typing import Any

import pytest

import faults
from gostitch import GoTypeError, GoValueError, tasks
from gostitch.testing import FakeError, FakeLibrary, fake_library
from programs import Programs


class TestRecords:
    def test_have_every_parameter(self, fake: FakeLibrary) -> None:
        """Arguments are there by name, defaults included, and what the call ended with."""
        fake.returns(tasks.fetch, [])
        tasks.fetch([{"url": "u", "path": Path("/p")}], retries=1, timeout=2.5)
        (call,) = fake.calls

        assert ("tasks.fetch", 2.5, [], None) == (
            call.function, call.timeout, call.result, call.exception,
        )  # fmt: skip
        assert call.ended
        assert {
            "items": [tasks.FetchItem("u", "/p")],
            "concurrency": 64,
            "per_host": 16,
            "retries": 1,
            "attempt_timeout_s": 60.0,
            "resume": False,
            "headers": {},
        } == call.arguments

    @pytest.mark.parametrize("data", [b"x" * 100_000, bytearray(b"ab"), memoryview(b"abc")])
    def test_buffers_are_bytes(self, fake: FakeLibrary, data: Any) -> None:
        """Also large ones, which cross without a copy in real life."""
        fake.returns(faults.bytes_in, 1)
        faults.bytes_in(data)

        assert {"data": bytes(data)} == fake.calls[0].arguments

    def test_buffers_of_numbers_are_views(self, fake: FakeLibrary) -> None:
        """Which keep what was given, whatever is done to it later."""
        fake.returns(faults.sum_floats, 1.0)
        values = array.array("d", [1, 2])
        faults.sum_floats(values)
        values[0] = 5

        (given,) = fake.calls[0].arguments.values()
        assert ("d", [1.0, 2.0], True) == (given.format, given.tolist(), given.readonly)
        with pytest.raises(GoTypeError, match="values: expected a buffer of float64, got int32"):
            faults.sum_floats(array.array("i", [1]))

    def test_what_is_written_to_is_kept_as_it_was(self, fake: FakeLibrary) -> None:
        """The record has the values before the call, and the memory is free after it."""
        fake.returns(faults.scale, None)
        for values in (array.array("d", [1, 2]), array.array("d")):
            faults.scale(values, 2.0)
            before = list(values)
            values.append(3)

            assert before == list(fake.calls[-1].arguments["values"])
        with pytest.raises(GoValueError, match="it is read-only"):
            faults.scale(bytes(8), 2.0)

    def test_of_every_type(self, fake: FakeLibrary) -> None:
        """Whatever can cross can be recorded."""
        fake.returns(faults.echo, faults.FaultsEchoed(
            False, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, "", "", b"", b"", [], [], [], {}, [],
            None, None, None,
        ))  # fmt: skip
        point = faults.FaultsPoint(1.5, "a", b"z" * 5000)
        given = {
            "flag": True, "uint64": 2**64 - 1, "int8": -128, "float64": 2.5, "text": "ß",
            "data": b"a", "more": b"b" * 9000, "matrix": [[1.0], []], "chunks": [b"c" * 4096],
            "table": {"k": 1}, "points": [point], "origin": point, "maybe": 3,
        }  # fmt: skip
        faults.echo(**given)  # type: ignore[arg-type]

        (call,) = fake.calls
        assert given == {name: call.arguments[name] for name in given}
        assert None is call.arguments["maybe_text"]

    def test_by_function(self, fake: FakeLibrary) -> None:
        """``calls_of`` picks those of one function; ``calls`` has all in order."""
        fake.returns(faults.add, 1)
        fake.returns(faults.echo_list, [])
        faults.add(1, 2)
        faults.echo_list([3])
        faults.add(3, 4)

        assert ["faults.add", "faults.echo_list", "faults.add"] == [c.function for c in fake.calls]
        assert [1, 3] == [call.arguments["a"] for call in fake.calls_of(faults.add)]

    def test_of_threads(self, fake: FakeLibrary) -> None:
        """Calls of any thread are faked and recorded."""
        fake.answers(faults.add, lambda a, b: a + b)
        results = []
        threads = [
            threading.Thread(target=lambda n=n: results.append(faults.add(n, n))) for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert list(range(0, 40, 2)) == sorted(results)
        assert 20 == len(fake.calls)


class TestArguments:
    def test_a_wrong_type(self, fake: FakeLibrary) -> None:
        """The same error as from a real call, and no call is recorded."""
        fake.returns(tasks.fetch, [])

        with pytest.raises(
            GoTypeError, match=r"tasks\.fetch\(\) argument items\[0\]\.url: expected"
        ):
            tasks.fetch([{"url": 3, "path": "x"}])
        with pytest.raises(GoTypeError, match="expected a callable"):
            tasks.fetch([], progress=3)  # type: ignore[arg-type]
        assert [] == fake.calls

    def test_out_of_range(self, fake: FakeLibrary) -> None:
        """A number that Go cannot take is refused."""
        fake.returns(faults.add, 1)

        with pytest.raises(GoValueError, match="out of range"):
            faults.add.submit(2**70, 1)

    @pytest.mark.parametrize(
        ("args", "kwargs"), [((), {}), ((1, 2, 3), {}), ((1, 2), {"c": 3}), ((1, 2), {"a": 1})]
    )
    def test_that_are_no_parameters(
        self, fake: FakeLibrary, args: tuple[int, ...], kwargs: dict[str, int]
    ) -> None:
        """Missing, surplus and unknown arguments are the TypeErrors of a real call."""
        fake.returns(faults.add, 1)

        with pytest.raises(TypeError, match=r"faults\.add\(\)"):
            faults.add(*args, **kwargs)

    def test_a_wrong_timeout(self, fake: FakeLibrary) -> None:
        """The timeout is an argument like others."""
        fake.returns(faults.add, 1)

        with pytest.raises(GoTypeError, match="timeout must be a number of seconds"):
            faults.add(1, 2, timeout="3")  # type: ignore[arg-type]


class TestTheBlock:
    def test_is_not_nested(self, fake: FakeLibrary) -> None:
        """A second fake is refused, and the first stays."""
        fake.returns(faults.add, 1)

        with pytest.raises(FakeError, match="a fake library stands in already"):
            with fake_library():
                pass
        assert 1 == faults.add(0, 0)

    def test_restores_everything(self) -> None:
        """After it, functions are real again, also after an exception; another fake knows nothing."""
        with pytest.raises(ZeroDivisionError), fake_library() as fake:
            fake.returns(faults.add, 0)
            1 / 0  # noqa: B018

        assert (3, 7) == (faults.add(1, 2), faults.add.submit(3, 4).result(20))
        assert [0, 1] == [line.number for line in faults.lines(2)]
        with fake_library(strict=False) as other, pytest.raises(FakeError):
            faults.add(1, 2)
        assert 1 == len(other.calls)

    def test_intercepts_a_library_that_is_loaded(self) -> None:
        """A library that was used before is not used inside, and a call under way ends well."""
        running = faults.sleep.submit(0.05)
        with fake_library() as fake:
            fake.returns(faults.add, 0)
            assert 0 == faults.add(1, 2)
            assert 0.05 == running.result(20)

    def test_needs_no_library(self, program: Programs) -> None:
        """Without any library file everything works, and none is loaded."""
        done = program(
            """
import asyncio, faults, gostitch
from gostitch import tasks
from gostitch.testing import fake_library

with fake_library() as fake:
    fake.returns(faults.add, 5)
    fake.returns(faults.ask, 1, questions=[{"number": 0, "text": ""}])
    fake.returns(faults.lines, [{"number": 0, "text": ""}])
    assert 5 == faults.add(1, 2) == faults.add.submit(1, 2).result(10)
    assert [5, 5] == list(faults.add.map([1, 2], [3, 4]))
    assert 1 == faults.ask(1, lambda question: 1)
    assert 1 == len(list(faults.lines(1)))

    async def main():
        assert 5 == await faults.add.submit(1, 2)
        assert 1 == len([line async for line in faults.lines(1)])

    asyncio.run(main())
    assert gostitch.runtime_info()["loaded"] is False
try:
    faults.add(1, 2)
except gostitch.LibraryError as error:
    assert "there is no Go library" in str(error)
else:
    raise AssertionError
""",
            "-W", "error",
            env={"GOSTITCH_LIBRARY": "/nowhere/lib.so"},
        )  # fmt: skip

        assert (0, "") == (done.returncode, done.stderr)
