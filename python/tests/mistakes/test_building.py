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
    Mistake("a channel", "bad.channel: arguments: .*field C: type chan int", "use bool, integers"),
    Mistake("a required field after an optional one", "field B: .*follows A", "without first"),
    Mistake("a type that contains itself", "type .*Chain contains itself", "flatten it"),
    Mistake("arguments that are no struct", "bad.scalar: .*not int", "must be a struct"),
    Mistake("a function without a name", "function literal", "register a named function"),
    Mistake("path for a number", "field N: the option path", "is for string"),
    Mistake("an option that is unknown", 'unknown option "optional"', r"known: path, default="),
    Mistake("a map by number", "map key int cannot cross", "use string keys"),
    Mistake("an interface", "bad.anything: arguments: .*field V: type any", "use bool, integers"),
    Mistake("an array", r"type \[4\]int cannot cross", "slices"),
    Mistake("a stream of channels", "bad.stream: result: .*type chan int", "use bool"),
    Mistake("a question that cannot cross", "bad.callback: question: .*type any", "use bool"),
    Mistake("a number as error code", "codeNumber: an error code", "is a constant string"),
    Mistake("one of our codes", 'codeTimeout: the code "timeout" is one', "choose another word"),
    Mistake("a code with a space", 'the code "Two words"', "lower-case letters"),
    Mistake("a base that ends programs", "SystemExit is not a built-in exception", "can be a base"),
    Mistake("a class in lower case", '"lower" cannot be a class', "write it like"),
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

MISTAKES = [*IN_GO, *(of for of, _ in ON_THE_MACHINE), *(of for of, _ in COMPILERS)]


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the generator says of a package with one mistake of each kind, line by line."""
    go = toolchain.go()
    assert go is not None
    done = subprocess.run(
        [go, "run", GENERATOR, "-out", "/dev/null", f"{GENERATOR}/testdata/bad"],
        cwd=ROOT,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1
    return done.stderr.splitlines()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mistake", IN_GO, ids=[of.name for of in IN_GO])
def test_in_go_source(mistake: Mistake, said: list[str]) -> None:
    """Each is a line with file and line number, and all are told at once."""
    (line,) = [line for line in said if re.search(mistake.cause, line)]

    assert re.search(r"bad\.go:\d+:\d+: ", line)
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
