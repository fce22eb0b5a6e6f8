"""The fake library: functions that give a stream."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

import faults
from gostitch import GoDataError, GoTimeoutError, GoTypeError
from gostitch.testing import FakeError, FakeLibrary, fake_library

LINES = [{"number": n, "text": str(n)} for n in range(3)]


def numbers(stream: Any) -> list[int]:
    """Read a stream with ``for``."""
    return [line.number for line in stream]


def numbers_in_a_loop(stream: Any) -> list[int]:
    """Read a stream with ``async for``."""

    async def read() -> list[int]:
        return [line.number async for line in stream]

    return asyncio.run(read())


@pytest.fixture(params=[numbers, numbers_in_a_loop])
def read(request: pytest.FixtureRequest) -> Any:
    """Both ways to read."""
    return request.param


class TestResults:
    def test_of_a_list(self, fake: FakeLibrary, read: Any) -> None:
        """Each call gives them all; the record has what was taken."""
        fake.returns(faults.lines, LINES)

        assert [[0, 1, 2]] * 2 == [read(faults.lines(3)) for _ in range(2)]
        assert faults.FaultsLine(2, "2") == fake.calls[1].result[-1]
        assert {"count": 3, "fail_after": -1} == {
            name: fake.calls[1].arguments[name] for name in ("count", "fail_after")
        }

    def test_an_exception_in_the_middle(self, fake: FakeLibrary, read: Any) -> None:
        """It is raised in its place, and ends the stream."""
        fake.returns(faults.lines, [LINES[0], GoDataError("torn"), LINES[1]])
        stream = faults.lines(3)

        with pytest.raises(GoDataError, match="torn"):
            read(stream)
        assert [] == numbers(stream)
        assert ([faults.FaultsLine(0, "0")], "torn") == (
            fake.calls[0].result, str(fake.calls[0].exception),
        )  # fmt: skip

    def test_raises(self, fake: FakeLibrary, read: Any) -> None:
        """A stream may fail before its first result."""
        fake.raises(faults.lines, GoDataError("gone"))

        with pytest.raises(GoDataError, match="gone"):
            read(faults.lines(3))

    def test_of_a_generator_without_end(self, fake: FakeLibrary) -> None:
        """An iterable is drawn from as the stream is read, and closed with it."""
        closed = []

        def endless() -> Iterator[Any]:
            try:
                for n in itertools.count():
                    yield {"number": n, "text": ""}
            finally:
                closed.append(True)

        fake.returns(faults.lines, endless())
        with faults.lines(3) as stream:
            assert [0, 1] == [line.number for line in itertools.islice(stream, 2)]

        assert [True] == closed
        assert fake.calls[0].cancelled
        with pytest.raises(FakeError, match="was read by an earlier call; give a list"):
            next(faults.lines(3))

    def test_of_an_answer(self, fake: FakeLibrary, read: Any) -> None:
        """A generator function makes a stream of its arguments."""

        def answer(count: int) -> Iterator[Any]:
            for n in range(count):
                yield faults.FaultsLine(n, "")

        fake.answers(faults.lines, answer)

        assert list(range(5)) == read(faults.lines(5))


class TestEnds:
    def test_hangs_until_the_timeout(self, fake: FakeLibrary, read: Any) -> None:
        """A stream without results ends with the caller's timeout."""
        fake.hangs(faults.lines)

        with pytest.raises(GoTimeoutError):
            read(faults.lines(3, timeout=0.01))

    def test_hangs_until_it_is_cancelled(self, fake: FakeLibrary) -> None:
        """Cancelling the task that reads ends the call."""
        fake.hangs(faults.lines)

        async def main() -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(faults.lines(3).__anext__(), 0.01)

        asyncio.run(main())
        assert fake.calls[0].cancelled

    def test_close_while_it_hangs(self, fake: FakeLibrary) -> None:
        """Closing it wakes who reads, and is the end."""
        fake.hangs(faults.lines)

        async def main() -> list[Any]:
            stream = faults.lines(3)
            asyncio.get_running_loop().call_later(0.01, stream.close)
            return [line async for line in stream]

        assert [] == asyncio.run(main())

    def test_dropped(self, fake: FakeLibrary) -> None:
        """A stream that nobody holds any more is cancelled."""
        fake.returns(faults.lines, LINES)
        next(faults.lines(3))

        assert fake.calls[0].cancelled

    def test_never_begun(self, fake: FakeLibrary) -> None:
        """A stream nobody reads is no call, as in real life."""
        fake.returns(faults.lines, LINES)
        faults.lines(3).close()

        assert [] == fake.calls

    def test_after_the_block(self) -> None:
        """A stream of a fake that is gone is cancelled, or refused if it was not begun."""
        with fake_library() as fake:
            fake.returns(faults.lines, LINES)
            begun, other = faults.lines(3), faults.lines(3)
            next(begun)

        with pytest.raises(Exception, match="was cancelled"):
            next(begun)
        with pytest.raises(FakeError, match="after the fake library was left"):
            next(other)


class TestRefusals:
    def test_mixing_for_and_async_for(self, fake: FakeLibrary) -> None:
        """The same error as of a real stream."""
        fake.returns(faults.lines, LINES)
        stream = faults.lines(3)
        next(stream)

        async def read() -> None:
            await stream.__anext__()

        with pytest.raises(GoTypeError, match="begun with 'for'; go on with that"):
            asyncio.run(read())

    def test_wrong_arguments(self, fake: FakeLibrary) -> None:
        """Arguments are checked when the stream is made."""
        with pytest.raises(GoTypeError, match="argument count: expected int"):
            faults.lines("3")  # type: ignore[arg-type]

    @pytest.mark.parametrize("value", ["text", 3, None])
    def test_what_is_no_iterable(self, fake: FakeLibrary, value: Any) -> None:
        """A stream's value is a list of results."""
        with pytest.raises(FakeError, match="gives a stream: let it return a list"):
            fake.returns(faults.lines, value)

    def test_a_result_that_does_not_fit(self, fake: FakeLibrary) -> None:
        """In a list it is refused at once, from a generator where it stands."""
        with pytest.raises(FakeError, match="return does not fit: text"):
            fake.returns(faults.lines, [{"number": 1, "text": 2}])
        fake.returns(faults.lines, iter([LINES[0], 3]))
        stream = faults.lines(3)
        next(stream)
        with pytest.raises(FakeError, match="expected FaultsLine or a dict"):
            next(stream)

    def test_nothing_prepared(self, fake: FakeLibrary) -> None:
        """The first read says so."""
        with pytest.raises(FakeError, match=r"prepared nothing for faults\.lines\(\)"):
            next(faults.lines(3))
