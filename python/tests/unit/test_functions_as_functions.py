"""Functions of Go's for tools that take functions: they see what the definition says, and call Go.

The authority is what each tool does with a function of Python's with the same definition. Only
tools that take nothing else, and touch no code, are told that it is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import pickle
import signal
import time
import types
import typing
from collections.abc import Callable
from typing import Any
from unittest import mock

import pydantic
import pytest

import faults
from gostitch.testing import FakeLibrary, fake_library


def python_add(a: int, b: int, *, timeout: float | None = None) -> int:
    """Adds."""
    return a + b


def _facts(function: Callable[..., Any]) -> dict[str, Any]:
    return {
        "isroutine": inspect.isroutine(function),
        "ismethod": inspect.ismethod(function),
        "isclass": inspect.isclass(function),
        "callable": callable(function),
        "iscoroutinefunction": inspect.iscoroutinefunction(function),
        "of asyncio": asyncio.iscoroutinefunction(function),
        "isgeneratorfunction": inspect.isgeneratorfunction(function),
        "isasyncgenfunction": inspect.isasyncgenfunction(function),
        "signature": str(inspect.signature(function)).replace("'", ""),
        "of a partial": str(inspect.signature(functools.partial(function, 1))).replace("'", ""),
        "hints": typing.get_type_hints(function),
        "unwrapped": inspect.unwrap(function) is function,
        "arguments": inspect.getfullargspec(function).args,
        "keywords": inspect.getfullargspec(function).kwonlydefaults,
        "pickled": pickle.loads(pickle.dumps(function)) is function,
    }


def test_what_inspect_says() -> None:
    assert _facts(python_add) == _facts(faults.add)


def test_of_a_stream() -> None:
    """A streaming function's differs by its result alone."""
    facts = _facts(faults.lines)

    assert all(facts[each] for each in ("isroutine", "unwrapped", "pickled"))
    assert ["count"] == facts["arguments"]


_ASK = """
import inspect, types
told = [isinstance(f, types.FunctionType), inspect.isfunction(f), hasattr(f, "__code__")]
"""


@pytest.mark.parametrize("function", [faults.add, faults.lines])
@pytest.mark.parametrize("asker", ["tool", "pydantic._internal", "ray.remote_function"])
def test_who_asks(function: Any, asker: str) -> None:
    """What would read or run its code learns that it has none; also where it asks through inspect."""
    asks: dict[str, Any] = {"__name__": asker, "f": function}
    exec(_ASK, asks)

    assert [asker != "tool"] * 3 == asks["told"]
    assert not isinstance(function, types.FunctionType)


@pytest.mark.parametrize("wrong", [{"c": 3}, {"a": 1, "b": 2, "times": 1}])
def test_autospec(wrong: dict[str, Any]) -> None:
    """A mock refuses arguments that the function does not have."""
    for function in (faults.add, python_add):
        double = mock.create_autospec(function, return_value=5)
        assert 5 == double(1, b=2)
        with pytest.raises(TypeError):
            double(**wrong)
    with mock.patch("faults.lines", autospec=True) as double, pytest.raises(TypeError):
        double(nowhere=1)


@pytest.mark.parametrize("how", ["autospec", "spec", "of the module"])
def test_doubles_are_submitted(how: str) -> None:
    """A mock of a function has what the function has besides being called."""
    if how == "of the module":
        double = mock.create_autospec(faults).add
    else:
        with mock.patch("faults.add", **{how: True}):
            double = faults.add
    double.submit.return_value = 5

    assert 5 == double.submit(1, 2)
    with pytest.raises(AttributeError):
        double.nothing_of_the_sort()


def test_validate_call() -> None:
    """pydantic checks and converts, and Go is called."""
    add = pydantic.validate_call(faults.add)

    assert 3 == add("1", 2)
    with pytest.raises(pydantic.ValidationError):
        add("one", 2)


def test_as_a_class_attribute() -> None:
    """It is no method, as a function of C's is none."""

    class Adds:
        add = faults.add
        lines = faults.lines

    assert 3 == Adds().add(1, 2)
    assert 2 == len(list(Adds().lines(2)))


def test_wrapped() -> None:
    """What ``functools.wraps`` gives calls through, and is unwrapped to the function."""

    @functools.wraps(faults.add)
    def counted(*args: Any, **kwargs: Any) -> int:
        return faults.add(*args, **kwargs)

    assert 3 == counted(1, 2)
    assert inspect.unwrap(counted) is faults.add
    assert inspect.signature(counted) == inspect.signature(faults.add)


def test_under_a_fake_library() -> None:
    fake: FakeLibrary
    with fake_library() as fake:
        fake.returns(faults.add, 8)
        assert 8 == pydantic.validate_call(faults.add)(1, 2)


def test_what_a_handler_raises_meanwhile() -> None:
    """It leaves the question for the class, which Python code answers."""

    class AlarmError(Exception):
        pass

    def handler(number: int, frame: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, handler)
    raised = 0
    try:
        for _ in range(50):
            with contextlib.suppress(AlarmError):
                signal.setitimer(signal.ITIMER_REAL, 0.001)
                until = time.monotonic() + 5
                while time.monotonic() < until:
                    isinstance(faults.add, types.FunctionType)
                pytest.fail("the handler's exception was lost")
            raised += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert 50 == raised
