"""Planted mistakes in Go source, and in the machine that builds."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import support
from shipped import toolchain
from support import Facts

from mistakes.mistake import Mistake, judge

ROOT = Path(__file__).parents[3]
GENERATOR = "./gocore/cmd/gostitch-gen"

IN_GO = [
    Mistake("a name that is computed", r"bad\.go:\d+:\d+: the name", "must be a constant string"),
    Mistake("no comment", r"bad\.go:.*undocumented has no comment", "becomes the docstring"),
    Mistake("a channel", "bad.channel: arguments: .*field C: type chan int", "RegisterStream"),
    Mistake("a required field after an optional one", "field B: .*follows A", "without first"),
    Mistake("a type that contains itself", "type .*Chain contains itself", "flatten it"),
    Mistake("arguments that are no struct", "bad.scalar: .*not int", "must be a struct"),
    Mistake("a function without a name", "function literal", "register a named function"),
    Mistake("path for a number", "field N: the option path", "is for string"),
    Mistake("an option that is unknown", 'unknown option "optional"', r"known: path, default="),
    Mistake("a map by number", "map key int cannot cross", "use string keys"),
    Mistake("an interface", "bad.anything: arguments: .*field V: type any", "of JSON"),
    Mistake("an array", r"type \[4\]int cannot cross", r"the slice \[\]int"),
    Mistake("a stream of channels", "bad.stream: result: .*type chan int", r"as \[\]int"),
    Mistake("a question that cannot cross", "bad.callback: question: .*type any", "of JSON"),
    Mistake("a number as error code", "codeNumber: an error code", "is a constant string"),
    Mistake("one of our codes", 'codeTimeout: the code "timeout" is one', "choose another word"),
    Mistake("a code with a space", 'the code "Two words"', "lower-case letters"),
    Mistake("a base that ends programs", "SystemExit is not a built-in exception", "can be a base"),
    Mistake("a class in lower case", '"lower" cannot be a class', "write it like"),
    Mistake("a URL", r"bad.url: arguments: .*field V: type url.URL", r"string, as its String\(\)"),
    Mistake("a large number", "field V: type big.Int", "string, as its MarshalText gives"),
    Mistake(
        "a lock", "bad.lock: .*field V: type sync.Mutex", 'leave it out with the tag gostitch:"-"'
    ),
    Mistake("an open file", "bad.file: .*field V: type os.File", "use the path of a file"),
    Mistake("an atomic number", "bad.atomic: result: .*type atomic.Int64", "use the plain value"),
    Mistake("an error as a field", "field V: type error", "return it as the function's own error"),
    Mistake("a function as a field", r"field V: type func\(\)", "use gocore.RegisterMessages or"),
    Mistake("a complex number", "field V: type complex128", "use two float64"),
    Mistake("an address", "field V: type uintptr", "use uint64"),
    Mistake("a pointer to a pointer", r"type \*\*int is a pointer", "one pointer says optional"),
    Mistake("a pointer to arguments", r"bad.pointer: .*not \*bad.Args", "must be a struct"),
    Mistake("a struct that is closed", "type bad.Closed has no exported", "export those that"),
    Mistake("an embedded struct", "field inner: its type is embedded", "write the fields here"),
    Mistake(
        "a tag that Go does not read", "field A: its tag .* is not written", "write `gostitch:"
    ),
    Mistake(
        "a method of an interface", "method Price of an interface", "register a named function"
    ),
    Mistake("a variable", "instead of the variable local", "register a named function"),
    Mistake("the result of a call", r"instead of given\(\)", "register a named function"),
    Mistake(
        "memory to write to inside",
        r"field V: type gocore.Mutable\[float64\] is for a",
        "use gocore.Buffer here",
    ),
    Mistake("a result to write to", "bad.gives_mutable: result: ", "use gocore.Buffer here"),
    Mistake(
        "a table as an argument", "field T: type gocore.Table is for results", "for each column"
    ),
    Mistake("a name that Python lacks", r"bad\.go:\d+:2: Bad name: a name", "must look like"),
]

MISFITS = [
    Mistake("no context", "noContext has no context", "add one, ctx context.Context"),
    Mistake("no arguments", "noArguments has no parameter for its arguments", "add a struct"),
    Mistake("several arguments", "twoArguments has 2 parameters", "put them into one struct"),
    Mistake("any number of arguments", "variadic takes any number", "make them a list"),
    Mistake("a generic function", "generic is generic", r"choose its types, as in F\[int\]"),
    Mistake("no results", "noResult has no results", r"give \(struct\{\}, error\)"),
    Mistake("no error", "noError gives no error", r"give \(int, error\)"),
    Mistake("an error alone", "onlyError has no result but", r"give \(struct\{\}, error\)"),
    Mistake(
        "no error but a bool", "noErrorButBool has a second result", "put both into one struct"
    ),
    Mistake("three results", "threeResults has 3 results", "put all but the error into one"),
    Mistake("a sequence", "sequence gives a sequence", "with gocore.RegisterStream"),
    Mistake("a callable", "callable has 2 parameters", "gocore.RegisterMessages"),
    Mistake("a number as function", "5 is not a function", "register a named function"),
    Mistake("no function", "nil is not a function", "register a named function"),
    Mistake("name and function swapped", "and plain is none", r'write gocore.Register\("module'),
    Mistake("a name alone", "not 1 values", r'write gocore.Register\("module.function"'),
    Mistake("a stream without a sequence", "no_sequence: plain does not give", "give such a"),
    Mistake(
        "messages without a callable", "no_callable: plain has no parameter", "add one, or use"
    ),
]

ON_THE_MACHINE: list[tuple[Mistake, Facts]] = [
    (Mistake("PyPy", "this is pypy", "install it with CPython"), Facts(implementation="pypy")),
    (Mistake("an old Python", "this is 3.9", "with a newer one"), Facts(version=(3, 9))),
    (Mistake("macOS", "this is macOS", "use a Linux container"), Facts(system="darwin")),
    (Mistake("Windows", "this is Windows", "use a Linux container"), Facts(system="win32")),
    (Mistake("a 32-bit Python", "has 32 bits", "install a 64-bit CPython"), Facts(bits=32)),
    (Mistake("Alpine", "uses musl", "use an image with glibc"), Facts(libc="musl")),
    (
        Mistake("another processor", "this machine is riscv64", "GOSTITCH_TRY_UNSUPPORTED=1"),
        Facts(machine="riscv64"),
    ),
    (
        Mistake("a free-threaded Python", "free-threaded CPython", "GOSTITCH_TRY_UNSUPPORTED=1"),
        Facts(gil_disabled=True),
    ),
    (
        Mistake("no Python.h", "needs Python.h, and there is none at", r"install python3\.11-dev"),
        Facts(header_exists=False),
    ),
]

COMPILERS: list[tuple[Mistake, str]] = [
    (
        Mistake("a compiler that is not there", "CC names .*'no-such-cc'", "correct or unset it"),
        "no-such-cc",
    ),
    (
        Mistake("a compiler that compiles nothing", "CC names .*'false'", "correct or unset it"),
        "false",
    ),
]

MISTAKES = [*IN_GO, *MISFITS, *(of for of, _ in ON_THE_MACHINE), *(of for of, _ in COMPILERS)]


def said_of(package: str) -> list[str]:
    """Give what the generator says of a package that it refuses, line by line."""
    go = toolchain.go()
    assert go is not None
    done = subprocess.run(
        [go, "run", GENERATOR, "-out", "/dev/null", f"{GENERATOR}/testdata/{package}"],
        cwd=ROOT,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1
    return done.stderr.splitlines()


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """What is said of packages with one mistake of each kind."""
    return {package: said_of(package) for package in ("bad", "misfit")}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("package", "mistake"),
    [*(("bad", of) for of in IN_GO), *(("misfit", of) for of in MISFITS)],
    ids=[of.name for of in (*IN_GO, *MISFITS)],
)
def test_in_go_source(package: str, mistake: Mistake, said: dict[str, list[str]]) -> None:
    """Each is a line with file and line number, and all are told at once."""
    (line,) = [line for line in said[package] if re.search(mistake.cause, line)]

    assert re.search(rf"{package}\.go:\d+:\d+: ", line)
    judge(mistake, line)


@pytest.mark.parametrize(
    ("mistake", "facts"), ON_THE_MACHINE, ids=[of.name for of, _ in ON_THE_MACHINE]
)
def test_on_the_machine(mistake: Mistake, facts: Facts) -> None:
    """A build ends before any work."""
    judge(mistake, support.refusal(facts) or "")


@pytest.mark.parametrize(("mistake", "compiler"), COMPILERS, ids=[of.name for of, _ in COMPILERS])
def test_in_the_environment(
    mistake: Mistake, compiler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler that was chosen and does not work is not passed over silently."""
    monkeypatch.setenv("CC", compiler)
    find: Callable[[], object] = toolchain.cc
    with pytest.raises(SystemExit) as caught:
        find()

    judge(mistake, str(caught.value))
