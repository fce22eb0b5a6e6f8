"""Every row of docs/types.md: what goes in, what comes out, what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from own.projects import Project
from programs import Programs

HERE = Path(__file__).parent

# A Python expression, and what it gives.
ROWS = {
    "bool": ("k.bools(True)", "True"),
    "int8": ("k.small(-128)", "-128"),
    "int8 out of range": ("k.small(128)", "OverflowError or ValueError"),
    "uint64": ("k.unsigned(2**64 - 1)", "18446744073709551615"),
    "uint64 below zero": ("k.unsigned(-1)", "OverflowError or ValueError"),
    "float64": ("k.floats(1.5)", "1.5"),
    "float64 from int": ("k.floats(2)", "2.0"),
    "float from text": ("k.floats('2')", "TypeError"),
    "string": ("k.texts('ä')", "'ä'"),
    "path": ("k.paths(pathlib.Path('/tmp/x'))", "'/tmp/x'"),
    "path as text": ("k.paths('x')", "'x'"),
    "path that is not UTF-8": ("os.fsencode(k.find(os.fsdecode(b'x\\xff')).where)", "b'x\\xff'"),
    "text that is not UTF-8": ("k.find(os.fsdecode(b'x\\xff')).text", "'x\ufffd'"),
    "a path as a whole result": ("k.paths(os.fsdecode(b'x\\xff'))", "'x\ufffd'"),
    "bytes": ("bytes(k.binary(b'abc'))", "b'abc'"),
    "bytearray": ("bytes(k.binary(bytearray(b'abc')))", "b'abc'"),
    "memoryview": ("bytes(k.binary(memoryview(b'abc')))", "b'abc'"),
    "whole bytes": ("type(k.binary(b'abc')).__name__", "'memoryview'"),
    "bytes inside": ("k.inside(b'abc').data", "b'abc'"),
    "buffer": ("k.buffers(value=I).tolist()", "[1, -2]"),
    "buffer is a view": (
        "[of(k.buffers(value=I)) for of in (type, fmt)]",
        "[<class 'memoryview'>, 'i']",
    ),
    "buffer of another type": ("k.buffers(value=array.array('d', [1]))", "TypeError"),
    "buffer from a list": ("k.buffers(value=[1])", "TypeError"),
    "buffer by default": ("k.buffers().tolist()", "[]"),
    "buffers in a struct": ("[v.tolist() for v in (P.value, P.flags)]", "[[1, -2], [True, False]]"),
    "mutable": ("(k.write(B), bytes(B))", "(False, b'\\x02\\x03')"),
    "mutable and optional": ("k.write(bytearray(2), maybe=array.array('d', [1]))", "True"),
    "mutable of bytes": ("k.write(b'ab')", "ValueError"),
    "table": ("k.tables(value=[1, 2]).to_pydict()", "{'number': [1, 2], 'text': ['1', '2']}"),
    "table for Arrow": ("type(k.tables().__arrow_c_stream__()).__name__", "'PyCapsule'"),
    "table in a struct": ("k.scores(value=[7]).table.to_pylist()", "[{'number': 7, 'text': '7'}]"),
    "time": ("k.times(T)", "datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)"),
    "time without zone": ("k.times(T.replace(tzinfo=None))", "ValueError"),
    "duration": ("k.durations(value=D)", "datetime.timedelta(seconds=90)"),
    "duration by default": ("k.durations()", "datetime.timedelta(seconds=90)"),
    "list": ("k.lists(value=[1, 2])", "[1, 2]"),
    "list from any iterable": ("k.lists(value=iter((1, 2)))", "[1, 2]"),
    "list by default": ("k.lists()", "[]"),
    "map": ("k.maps({'a': 1})", "{'a': 1}"),
    "map with other keys": ("k.maps({1: 1})", "TypeError"),
    "set": ("sorted(k.sets(dict.fromkeys('ab')).items())", "[('a', None), ('b', None)]"),
    "set with values": ("k.sets({'a': 1})", "TypeError"),
    "optional": ("k.optionals(value=3)", "3"),
    "optional none": ("k.optionals(value=None)", "None"),
    "optional by default": ("k.optionals()", "None"),
    "struct": ("k.structs(k.Inner(deep=[k.KindsLeaf(1)]))", "Inner(deep=[KindsLeaf(number=1)])"),
    "struct from a mapping": (
        "k.structs({'deep': [{'number': 1}]})",
        "Inner(deep=[KindsLeaf(number=1)])",
    ),
    "struct with an unknown field": ("k.structs({'deep': [], 'x': 1})", "TypeError"),
    "frozen result": ("setattr(k.inside(b''), 'data', b'')", "AttributeError"),
    "no fields": ("k.nothing()", "None"),
    "enum of text": ("k.enums(value=k.KindsColour.RED)", "<KindsColour.RED: 'red'>"),
    "enum by value": ("k.enums(value='red')", "<KindsColour.RED: 'red'>"),
    "enum by default": ("k.enums()", "<KindsColour.BLUE: 'blue'>"),
    "enum of another value": ("k.enums(value='pink')", "ValueError"),
    "enum of numbers": ("k.levels(2)", "<KindsLevel.HIGH: 2>"),
    "snake case": ("k.named(http_server='x', other_name='y')", "'x y'"),
    "a default only by name": ("k.lists([1])", "TypeError"),
    "a hidden field": ("k.named(http_server='x', other_name='y', hidden='z')", "TypeError"),
    "timeout": ("k.named('x', 'y', timeout=5)", "'x y'"),
    "submit": ("k.small.submit(5).result()", "5"),
    "map over": ("list(k.small.map([1, 2]))", "[1, 2]"),
    "a method of a value": ("k.below(3)", "7"),
    "a generic function, without parameters": ("k.zero()", "''"),
    "messages": (
        "[m for m in [[]] if k.messages(3, told=m.append) == 3 for m in [m]]",
        "[[0, 1, 2]]",
    ),
    "messages unwanted": ("k.messages(3)", "3"),
    "stream": ("list(k.stream(3))", "[0, 1, 2]"),
    "async stream": ("asyncio.run(collect(k.stream(3)))", "[0, 1, 2]"),
    "callback": ("k.ask(20, lambda n: n + 1)", "21"),
    "callback that raises": ("k.ask(20, lambda n: 1 / 0)", "ZeroDivisionError"),
    "an error of the standard library": ("k.fail('missing')", "GoFileNotFoundError"),
    "an error of one's own": ("k.fail('own')", "OwnError"),
    "its built-in base": ("caught(lambda: k.fail('own'), LookupError).details", "{'left': 2}"),
    "its cause": ("str(caught(lambda: k.fail('own'), LookupError).__cause__)", "'deeper'"),
    "its code": ("caught(lambda: k.fail('own'), LookupError).code", "'own'"),
    "a panic": ("k.fail('panic')", "GoPanic"),
    "a docstring": ("k.small.__doc__.splitlines()[0]", "'Gives it back.'"),
    "a parameter's docstring": ("'value: To give back.' in k.small.__doc__", "True"),
}

PROGRAM = """
import array, asyncio, datetime, json, os, pathlib, sys
import kinds as k

T = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
D = datetime.timedelta(seconds=90)
I = array.array("i", [1, -2])
B = bytearray([1, 2])
P = k.pairs(value=I)

def fmt(view):
    return view.format

async def collect(stream):
    return [of async for of in stream]

def caught(f, kind):
    try:
        f()
    except kind as error:
        return error

def outcome(expression):
    try:
        return repr(eval(expression))
    except Exception as error:
        return [of.__name__ for of in type(error).__mro__]

print(json.dumps({name: outcome(text) for name, text in json.load(sys.stdin).items()}))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | list[str]]:
    """What each row gives, in a process that has the library."""
    project = Project(tmp_path_factory.mktemp("kinds"), "kinds")
    project.write("kinds.go", (HERE / "kinds.go.txt").read_text())
    project.develop()
    programs = Programs(project.root)
    rows = {name: expression for name, (expression, _) in ROWS.items()}
    rows_file = project.write("rows.json", json.dumps(rows))
    env = {"GOSTITCH_LIBRARY": None, "PYTHONPATH": os.fspath(project.source)}
    with rows_file.open() as rows_given:
        done = programs(PROGRAM, env=env, stdin=rows_given)
    programs.close()
    assert (0, "") == (done.returncode, done.stderr)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("row", ROWS)
def test_a_row(outcomes: dict[str, str | list[str]], row: str) -> None:
    """A value crosses as the table says, or is refused with the class a Python user would catch."""
    _, expected = ROWS[row]
    outcome = outcomes[row]

    if isinstance(outcome, list):
        assert set(expected.split(" or ")) & set(outcome)
    else:
        assert expected == outcome


@pytest.mark.parametrize(
    "go",
    [
        "chan int", "func()", "any", "error", "complex128", "[3]int", "map[int]string", "struct{ A int }",
    ],
)  # fmt: skip
def test_a_type_that_is_refused(project: Project, go: str) -> None:
    """File and line are named."""
    project.edit("sums.go", "A int64", f"A {go}")
    project.edit("sums.go", "a.A + a.B", "a.B")
    done = project.gostitch("develop", "--no-install")

    assert 1 == done.returncode
    assert done.stderr.startswith("sums.go:")
    assert "cannot cross" in done.stderr
