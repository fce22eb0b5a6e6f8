"""Planted mistakes in Python code that calls Go functions."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

import faults
from gostitch import tasks
from mistakes.mistake import Mistake, judge

echo: Any = faults.echo
add: Any = faults.add
thing: Any = faults.echo_thing
ask: Any = faults.ask


async def _coroutine(question: Any) -> int:
    return 1


def _mixed_reading() -> None:
    stream = faults.lines(3)
    next(stream)
    try:
        for _ in range(3):
            asyncio.run(stream.__anext__())  # type: ignore[arg-type]
    finally:
        stream.close()


MISTAKES: list[tuple[Mistake, Callable[[], object]]] = [
    (Mistake("text for a number", "argument a: .*got str", "expected int"), lambda: add("1", 2)),
    (Mistake("a float for an int", "argument b: .*got float", "expected int"), lambda: add(1, 2.0)),
    (Mistake("a bool for an int", "argument a: .*got bool", "expected int"), lambda: add(True, 2)),
    (Mistake("None for a number", "argument a: .*NoneType", "expected int"), lambda: add(None, 2)),
    (
        Mistake("too large", "argument int8: 128 is out of range", "8-bit int"),
        lambda: echo(int8=128),
    ),
    (
        Mistake("negative", "argument uint8: -1 is out of range", "8-bit uint"),
        lambda: echo(uint8=-1),
    ),
    (
        Mistake("a number beyond 64 bits", "argument int64: 1180591620717411303424", "64-bit int"),
        lambda: echo(int64=2**70),
    ),
    (
        Mistake(
            "an int too large for a float", "argument float64: the int", "too large for a float"
        ),
        lambda: echo(float64=10**400),
    ),
    (
        Mistake("bytes for text", "argument text: .*got bytes", "expected str"),
        lambda: echo(text=b"x"),
    ),
    (
        Mistake("text that is no text", "argument text: .*surrogates", "not allowed"),
        lambda: echo(text="\ud800"),
    ),
    (
        Mistake(
            "text for bytes", "argument data: .*got str", "expected bytes, bytearray or memoryview"
        ),
        lambda: echo(data="text"),
    ),
    (
        Mistake(
            "memory with gaps", "argument data: the memory is not contiguous", "contiguous copy"
        ),
        lambda: echo(data=memoryview(bytes(10_000))[::2]),
    ),
    (
        Mistake("text for a list", "argument numbers: .*got str", "a list"),
        lambda: echo(numbers="12"),
    ),
    (
        Mistake("a wrong item", r"argument numbers\[1\]: .*got str", "expected int"),
        lambda: echo(numbers=[1, "2"]),
    ),
    (
        Mistake("pairs for a dict", "argument table: .*got list", "a dict"),
        lambda: echo(table=[(1, 2)]),
    ),
    (
        Mistake("a key that is no text", "argument table: .*got int", "str keys"),
        lambda: echo(table={1: 1}),
    ),
    (
        Mistake("a wrong value in a dict", r"argument table\[a\]: .*got str", "expected int"),
        lambda: echo(table={"a": "b"}),
    ),
    (
        Mistake(
            "no record", r"argument points\[0\]: .*got int", "FaultsPoint or a dict of its fields"
        ),
        lambda: echo(points=[3]),
    ),
    (
        Mistake(
            "a field that is missing", r"argument points\[0\]: the field 'label'", "is missing"
        ),
        lambda: echo(points=[{"x": 1.0}]),
    ),
    (
        Mistake(
            "a field that is not there",
            r"argument points\[0\]: FaultsPoint has no field 'lable'",
            "x, label, data",
        ),
        lambda: echo(points=[{"x": 1.0, "lable": "a"}]),
    ),
    (
        Mistake("deep inside", r"argument thing\.parts\[a\]\.seen\[0\]: .*got str", "datetime"),
        lambda: thing({"colour": "red", "parts": {"a": {"str": "", "seen": ["now"]}}}),
    ),
    (
        Mistake("a wrong word", "argument paint: .*got 'blue'", "one of 'red', 'green'"),
        lambda: thing({"colour": "red"}, paint="blue"),
    ),
    (
        Mistake(
            "a time without a zone", "argument thing.made: the datetime has no time zone", "give it"
        ),
        lambda: thing({"colour": "red", "made": datetime(2020, 1, 1)}),
    ),
    (
        Mistake("seconds for a duration", "argument pause: .*got float", r"datetime\.timedelta"),
        lambda: faults.lines(1, pause=0.5),  # type: ignore[arg-type]
    ),
    (
        Mistake("three centuries", "argument pause: .*out of range", "64-bit int"),
        lambda: faults.lines(1, pause=timedelta(days=150_000)),
    ),
    (
        Mistake("no path", "argument root: .*got int", r"str or os\.PathLike"),
        lambda: tasks.hash_tree(3),  # type: ignore[arg-type]
    ),
    (
        Mistake("no such directory", "/nowhere", "no such file or directory"),
        lambda: tasks.hash_tree("/nowhere"),
    ),
    (
        Mistake("an unknown algorithm", "argument algorithm: .*md5", "blake3"),
        lambda: tasks.hash_tree("/etc/hostname", algorithm="md5"),
    ),
    (Mistake("an argument too few", "missing the argument", "'b'"), lambda: add(1)),
    (Mistake("an argument too many", "takes 2 positional", "3 were given"), lambda: add(1, 2, 3)),
    (
        Mistake("a typing error", "unexpected keyword argument 'c'", r"\('a', 'b'\)"),
        lambda: add(1, c=2),
    ),
    (Mistake("an argument twice", "multiple values", "'a'"), lambda: add(1, 2, a=1)),
    (
        Mistake("a timeout in words", "timeout must be .* not str", "a number of seconds or None"),
        lambda: add(1, 2, timeout="5s"),
    ),
    (
        Mistake("a timeout that is none", "NaN", "must be a number"),
        lambda: add(1, 2, timeout=math.nan),
    ),
    (
        Mistake("no call ahead", "in_flight .*not 0", "at least 1"),
        lambda: add.map([1], [2], in_flight=0),
    ),
    (
        Mistake("map of nothing", "map", "an iterable for each positional argument"),
        lambda: add.map(),
    ),
    (
        Mistake("progress that cannot be called", "argument progress: .*got str", "a callable"),
        lambda: faults.count_messages(1, progress="print"),  # type: ignore[arg-type]
    ),
    (Mistake("nobody to ask", "missing the argument", "'answer'"), lambda: ask(1)),
    (
        Mistake("an answer of a wrong type", "got str", "expected int"),
        lambda: ask(1, lambda question: "one"),
    ),
    (
        Mistake(
            "a coroutine function without a loop", "no event loop runs here", "submit the call"
        ),
        lambda: ask(1, _coroutine),
    ),
    (Mistake("a stream read in two ways", "begun with 'for'", "go on with that"), _mixed_reading),
]


@pytest.mark.parametrize(("mistake", "make"), MISTAKES, ids=[of.name for of, _ in MISTAKES])
def test_says_what_is_wrong(mistake: Mistake, make: Callable[[], object]) -> None:
    """One sentence names the function, the place, what came and what was expected."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what others test
        make()

    judge(mistake, str(caught.value))


def test_there_are_many() -> None:
    """The mistakes of this folder are at least sixty."""
    from mistakes import test_building, test_loading

    assert len(MISTAKES) + len(test_building.MISTAKES) + len(test_loading.MISTAKES) >= 60
