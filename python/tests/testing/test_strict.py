"""A fake library's block fails where what a test says and what happened differ.

The authority is ``unittest.mock`` and ``responses``: an assertion that is never looked at is the
test that cannot fail, which their ``assert_all_requests_are_fired`` and ``assert_called`` are for.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest

import faults
from gostitch.testing import FakeError, FakeLibrary, fake_library


def test_a_call_that_does_not_come() -> None:
    """What was prepared must happen."""
    with pytest.raises(FakeError, match=r"1 outcome that was prepared for faults.add\(\)"):
        with fake_library() as fake:
            fake.returns(faults.add, 3)


def test_fewer_calls_than_outcomes() -> None:
    """Each value, not the first one only."""
    with pytest.raises(FakeError, match=r"2 outcomes that were prepared for faults.add\(\)"):
        with fake_library() as fake:
            fake.returns(faults.add, 1, 2, 3)
            assert 1 == faults.add(0, 0)


def test_the_last_outcome_stays() -> None:
    """And has happened once it was used, whatever is prepared after it."""
    with fake_library() as fake:
        fake.returns(faults.add, 1)
        assert [1, 1] == [faults.add(0, 0), faults.add(0, 0)]
        fake.returns(faults.add, 2)
        assert [2, 2] == [faults.add(0, 0), faults.add(0, 0)]


def test_a_call_that_the_code_hides() -> None:
    """``except Exception`` of the code under test does not swallow what the test has forgotten."""
    with pytest.raises(FakeError, match=r"faults.add\(\) was called 2 times although nothing"):
        with fake_library():
            for _ in range(2):
                with contextlib.suppress(Exception):
                    faults.add(1, 2)


def test_an_argument_that_the_code_hides() -> None:
    """A call that is refused is none, so what was prepared for it did not happen."""
    with pytest.raises(FakeError, match="did not happen"):
        with fake_library() as fake:
            fake.returns(faults.add, 3)
            with contextlib.suppress(Exception):
                faults.add("one", 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("in_loop", [False, True])
def test_a_future_that_nobody_asks(in_loop: bool) -> None:
    """A submitted call whose end nobody wants to know, as a forgotten ``await`` leaves it."""

    async def submit() -> None:
        faults.add.submit(1, 2)

    with pytest.raises(FakeError, match=r"faults.add\(\) was submitted, and nobody took"):
        with fake_library() as fake:
            fake.returns(faults.add, 3)
            if in_loop:
                asyncio.run(submit())
            else:
                faults.add.submit(1, 2)


async def _await(fake: FakeLibrary) -> None:
    assert 3 == await faults.add.submit(1, 2)


async def _gather(fake: FakeLibrary) -> None:
    assert [3, 3] == await asyncio.gather(faults.add.submit(1, 2), faults.add.submit(1, 2))


async def _callback(fake: FakeLibrary) -> None:
    faults.add.submit(1, 2).add_done_callback(lambda _: None)
    await asyncio.sleep(0.01)


async def _cancel(fake: FakeLibrary) -> None:
    fake.hangs(faults.sleep)
    faults.sleep.submit(60).cancel()
    faults.add(1, 2)


async def _exception(fake: FakeLibrary) -> None:
    assert None is await asyncio.to_thread(faults.add.submit(1, 2).exception, 20)


@pytest.mark.parametrize("way", [_await, _gather, _callback, _cancel, _exception])
def test_a_future_that_somebody_asks(way: object) -> None:
    """Every way to learn of the end counts, and so does not to want it any more."""
    with fake_library() as fake:
        fake.returns(faults.add, 3)
        asyncio.run(way(fake))  # type: ignore[operator]


def test_the_tests_own_failure_is_told() -> None:
    """Not what followed from it."""
    with pytest.raises(ZeroDivisionError):
        with fake_library() as fake:
            fake.returns(faults.add, 3)
            raise ZeroDivisionError


def test_a_fixture_may_prepare_more() -> None:
    """If it says so."""
    with fake_library(strict=False) as fake:
        fake.returns(faults.add, 3)
        with contextlib.suppress(FakeError):
            faults.sleep(1)
