"""A fake library's block fails where what a test says and what happened differ.

The authority is ``unittest.mock`` and ``responses``: an assertion that is never looked at is the
test that cannot fail, which their ``assert_all_requests_are_fired`` and ``assert_called`` are for.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import faults
from gostitch import Future, GoConnectionError, GoTimeoutError
from gostitch.testing import FakeError, FakeLibrary, fake_library
from invariants import settled


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


def _later(a: int, b: int) -> int:
    _ended.wait(20)
    return a + b


_ended = threading.Event()

_SPEEDS: dict[str, Callable[[FakeLibrary], None]] = {
    "at once": lambda fake: fake.returns(faults.add, 3),
    "later": lambda fake: fake.answers(faults.add, _later),
    "never": lambda fake: fake.hangs(faults.add),
    "failing": lambda fake: fake.raises(faults.add, GoTimeoutError("slow")),
}


@pytest.mark.parametrize("in_loop", [False, True])
@pytest.mark.parametrize("speed", _SPEEDS)
def test_a_future_that_nobody_asks(speed: str, in_loop: bool) -> None:
    """A submitted call whose end nobody wants to know, as a forgotten ``await`` leaves it."""

    async def submit() -> None:
        repr(faults.add.submit(1, 2))  # which asks nothing

    _ended.clear()
    with pytest.raises(FakeError, match=r"faults.add\(\) was submitted, and nobody took"):
        with fake_library() as fake:
            _SPEEDS[speed](fake)
            if in_loop:
                asyncio.run(submit())
            else:
                repr(faults.add.submit(1, 2))
    _ended.set()


def _wait(future: Future[int]) -> None:
    assert {future} == concurrent.futures.wait([future], timeout=20).done


def _as_completed(future: Future[int]) -> None:
    assert [future] == list(concurrent.futures.as_completed([future], timeout=20))


def _poll(future: Future[int]) -> None:
    assert settled(future.done, True)


def _poll_while_it_runs(future: Future[int]) -> None:
    assert not settled(future.running, False)


def _give_up(future: Future[int]) -> None:
    future.cancel()


@pytest.mark.parametrize("way", [_wait, _as_completed, _poll, _poll_while_it_runs, _give_up])
@pytest.mark.parametrize("ended", [False, True])
def test_a_future_that_is_looked_at(way: Callable[[Future[int]], object], ended: bool) -> None:
    """Who waits for the end without the result, or has wanted it no more, knows of it."""
    _ended.set()
    with fake_library() as fake:
        fake.answers(faults.add, _later)
        future = faults.add.submit(1, 2)
        if ended:
            settled(lambda: fake.calls[0].ended, True)
        way(future)


def test_a_timeout_is_the_callers() -> None:
    """A call that its own timeout has ended was wanted no longer."""
    with fake_library() as fake:
        fake.hangs(faults.sleep)
        faults.sleep.submit(60, timeout=0.01)
        assert settled(lambda: fake.calls[0].ended, True)


def _raise(error: BaseException) -> Callable[..., Any]:
    def answer(*args: Any, **kwargs: Any) -> Any:
        raise error

    return answer


@dataclass
class _OddError(Exception):
    text: str


def _assert(a: int, b: int) -> int:
    assert a == 7, "the caller should give 7"
    return a


def _send_a_text(count: int, progress: Any = None) -> int:
    progress("no tick")
    return count


def _count(times: int = 1) -> None:
    faults.count_messages(times, progress=lambda _: None)


# What the test prepares, what the code under test does, and what is said in the end.
_FAULTS: dict[str, tuple[Callable[[FakeLibrary], None], Callable[[], object], str]] = {
    "does not fit": (
        lambda fake: fake.answers(faults.add, lambda a, b: "not an int"),
        lambda: faults.add(1, 2),
        r"what the test lets faults.add\(\) return does not fit: expected int, got str",
    ),
    "submitted": (
        lambda fake: fake.answers(faults.add, lambda a, b: "not an int"),
        lambda: faults.add.submit(1, 2).result(20),
        "does not fit",
    ),
    "takes something else": (
        lambda fake: fake.answers(faults.add, lambda a: a),
        lambda: faults.add(1, 2),
        "does not take what the caller gives",
    ),
    "asserts": (
        lambda fake: fake.answers(faults.add, _assert),
        lambda: faults.add(1, 2),
        r"faults.add\(\) raised AssertionError\('the caller should give 7.*was caught",
    ),
    "fails": (
        lambda fake: fake.answers(faults.add, lambda a, b: pytest.fail("not to be called")),
        lambda: faults.add.submit(1, 2).exception(20),
        r"faults.add\(\) raised .*not to be called.*which was caught",
    ),
    "is mistaken": (
        lambda fake: fake.answers(faults.add, _raise(NameError("x"))),
        lambda: faults.add(1, 2),
        r"raised NameError\('x'\), which no call raises; have it raise an instance of GoError",
    ),
    "is mistaken, and cannot be hashed": (
        lambda fake: fake.answers(faults.add, _raise(_OddError("x"))),
        lambda: faults.add(1, 2),
        "which no call raises",
    ),
    "in a stream": (
        lambda fake: fake.answers(faults.lines, lambda count: ["a", 3]),
        lambda: list(faults.lines(2)),
        r"what the test lets faults.lines\(\) return does not fit",
    ),
    "an iterator": (
        lambda fake: fake.returns(faults.lines, map(int, ["1"])),
        lambda: list(faults.lines(2)),
        r"what the test lets faults.lines\(\) return does not fit",
    ),
    "a message": (
        lambda fake: fake.answers(faults.count_messages, _send_a_text),
        _count,
        r"what the test lets faults.count_messages\(\) send does not fit",
    ),
}


@pytest.mark.parametrize("name", _FAULTS)
def test_an_answer_that_fails_as_no_call_does(name: str) -> None:
    """``except Exception`` of the code under test does not swallow it either."""
    prepare, work, said = _FAULTS[name]
    with pytest.raises(FakeError, match=said) as raised, fake_library() as fake:
        prepare(fake)
        with contextlib.suppress(Exception):
            work()
    assert raised.value.__cause__ is not None  # with the place in the answer


def test_an_answer_that_makes_a_call() -> None:
    """What is wrong with that call is told once, of that."""
    with pytest.raises(FakeError) as raised, fake_library() as fake:
        fake.answers(faults.add, lambda a, b: faults.lines(1) and faults.sleep(1))
        with contextlib.suppress(Exception):
            faults.add(1, 2)
    assert str(raised.value).startswith("faults.sleep() was called although nothing")
    assert "faults.add" not in str(raised.value).split(";")[0]


def _ask(count: int, answer: Any) -> int:
    return int(answer({"number": 0, "text": "?"}))


@pytest.mark.parametrize(
    ("prepare", "work"),
    [
        (
            lambda fake: fake.answers(faults.add, _raise(GoConnectionError("away"))),
            lambda: faults.add(1, 2),
        ),
        (
            lambda fake: fake.answers(
                faults.count_messages, lambda count, progress: progress(_TICK)
            ),
            lambda: faults.count_messages(1, progress=_raise(ValueError("of the caller"))),
        ),
        (
            lambda fake: fake.returns(faults.count_messages, 1, messages=[_TICK]),
            lambda: faults.count_messages(1, progress=_raise(ValueError("of the caller"))),
        ),
        (
            lambda fake: fake.answers(faults.ask, _ask),
            lambda: faults.ask(1, answer=_raise(ValueError("of the caller"))),
        ),
    ],
    ids=["of Go", "of a callback", "of a callback that is told", "of one that is asked"],
)
def test_an_answer_that_fails_as_calls_do(
    prepare: Callable[[FakeLibrary], None], work: Callable[[], object]
) -> None:
    """What Go raises, and what the caller's callback does, is the code's to handle."""
    with fake_library() as fake:
        prepare(fake)
        with contextlib.suppress(GoConnectionError, ValueError):
            work()


_TICK = {"index": 0, "text": "a"}


def test_the_remedy_is_told() -> None:
    """A test of what is refused catches the error too, and is told what to say instead."""
    with pytest.raises(
        FakeError, match=r"caught, .* or by the test .* fake_library\(strict=False\)"
    ):
        with fake_library():
            with pytest.raises(FakeError):
                faults.add(1, 2)


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


_TESTS = """
import unittest

import pytest

from gostitch import GoTimeoutError, tasks
from gostitch.testing import fake_library

@pytest.fixture{scope}
def fake():
    with fake_library() as fake:
        fake.returns(tasks.hash_tree, {{"digest": "ab" * 32, "files": 2, "bytes": 10}})
        yield fake

{tests}
"""

# Tests with a fake library of a fixture, and what pytest is to say of them in the end.
_OUTCOMES = {
    "skipped": (
        "def test_it(fake):\n    pytest.skip('not here')",
        "1 skipped in",
    ),
    "expected to fail": (
        "def test_it(fake):\n    pytest.xfail('some day')",
        "1 xfailed in",
    ),
    "marked so": (
        "@pytest.mark.xfail\ndef test_it(fake):\n    raise ZeroDivisionError",
        "1 xfailed in",
    ),
    "failing": (
        "def test_it(fake):\n    raise ZeroDivisionError",
        "1 failed in",
    ),
    "failing in another fixture": (
        "@pytest.fixture\ndef other(fake):\n    raise ZeroDivisionError\n\n"
        "def test_it(other):\n    pass",
        "1 error in",
    ),
    "passing": (
        "def test_it(fake):\n    pass",
        "1 passed, 1 error in",
    ),
    "one after another": (
        "def test_it(fake):\n    raise ZeroDivisionError\n\ndef test_that(fake):\n    pass",
        "1 failed, 1 passed, 1 error in",
    ),
    "of a case": (
        "class Test(unittest.TestCase):\n"
        "    def setUp(self):\n"
        "        block = fake_library()\n"
        "        block.__enter__().hangs(tasks.hash_tree)\n"
        "        self.addCleanup(block.__exit__, None, None, None)\n"
        "    def test_passing(self):\n        pass\n"
        "    def test_skipped(self):\n        self.skipTest('not here')\n"
        "    def test_failing(self):\n        raise ZeroDivisionError\n",
        "2 failed, 1 skipped in",
    ),
    "of a module, where one is skipped": (
        "def test_it(fake):\n    pytest.skip('not here')\n\ndef test_that(fake):\n    pass",
        "1 passed, 1 skipped in",
    ),
    "of a module, where another one hides something": (
        "def test_it(fake):\n    tasks.hash_tree.submit('a')\n\n"
        "def test_that(fake):\n    tasks.hash_tree.submit('a')\n    pytest.skip('not here')",
        "1 passed, 1 skipped, 1 error in",
    ),
}


# How many of the tests are told something by the fake library.
_TOLD = {
    "passing": 1,
    "one after another": 1,
    "of a case": 1,
    "of a module, where another one hides something": 1,
}


@pytest.mark.parametrize("name", _OUTCOMES)
def test_what_a_test_has_come_to(tmp_path: Path, name: str) -> None:
    """A test that was skipped, or has failed by itself, shows that and nothing else."""
    tests, expected = _OUTCOMES[name]
    scope = "(scope='module')" if name.startswith("of a module") else ""
    (tmp_path / "test_it.py").write_text(_TESTS.format(scope=scope, tests=tests))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", tmp_path],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=50,
        check=False,
    )

    assert f" {expected} " in done.stdout, done.stdout + done.stderr
    told = done.stdout.count(f"{os.sep}_library.py:")
    assert told == _TOLD.get(name, 0), done.stdout


_CASES = """
import unittest

from gostitch import tasks
from gostitch.testing import fake_library

class Test(unittest.TestCase):
    def setUp(self):
        block = fake_library()
        block.__enter__().hangs(tasks.hash_tree)
        self.addCleanup(block.__exit__, None, None, None)

    def test_failing(self):
        raise ZeroDivisionError

    def test_passing(self):
        pass

    def test_part_of_it_failing(self):
        with self.subTest("part"):
            raise ZeroDivisionError

    def test_skipped(self):
        self.skipTest("not here")

    @unittest.expectedFailure
    def test_expected_to_fail(self):
        self.fail()

class TestInALoop(Test, unittest.IsolatedAsyncioTestCase):
    pass
"""


def test_cases_of_unittest(tmp_path: Path) -> None:
    """Without pytest too, only what has passed is told something."""
    (tmp_path / "test_it.py").write_text(_CASES)
    done = subprocess.run(
        [sys.executable, "-m", "unittest"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=50,
        check=False,
    )

    ended = "FAILED (failures=2, errors=4, skipped=2, expected failures=2)"
    assert ended == done.stderr.splitlines()[-1], done.stderr
    assert 2 == done.stderr.count("FakeError: 1 outcome that was prepared")
