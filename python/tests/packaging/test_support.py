"""Where gostitch builds, told from facts about machines that are not here."""

from __future__ import annotations

import pytest
import support
from support import Facts


@pytest.mark.parametrize(
    "facts",
    [
        Facts(),
        Facts(machine="aarch64"),
        Facts(libc="unknown", try_unsupported=True),
        Facts(machine="riscv64", try_unsupported=True),
        Facts(gil_disabled=True, try_unsupported=True),
    ],
)
def test_a_machine_that_can_build_is_not_refused(facts: Facts) -> None:
    """Linux with glibc on both architectures builds, and so does what the switch is set for."""
    assert support.refusal(facts) is None


@pytest.mark.parametrize(
    ("facts", "cause", "remedy"),
    [
        (Facts(implementation="pypy"), "this is pypy", "install it with CPython"),
        (Facts(version=(3, 9)), "CPython 3.10 or newer and this is 3.9", "a newer one"),
        (Facts(system="darwin"), "this is macOS: the boundary uses Linux's eventfd", "container"),
        (Facts(system="win32"), "this is Windows", "container"),
        (Facts(system="freebsd14"), "this is freebsd14", "container"),
        (Facts(bits=32), "this one has 32 bits", "64-bit CPython"),
        (Facts(libc="musl"), "initial-exec TLS", "image with glibc"),
    ],
)
@pytest.mark.parametrize("try_unsupported", [False, True])
def test_what_cannot_work_is_refused_whatever_the_switch(
    facts: Facts, cause: str, remedy: str, try_unsupported: bool
) -> None:
    """The sentence has the reason and what to use instead, and offers no switch."""
    said = support.refusal(facts._replace(try_unsupported=try_unsupported))

    assert said is not None
    assert cause in said
    assert remedy in said
    assert support.SWITCH not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        (Facts(libc="unknown"), "another C library"),
        (Facts(machine="riscv64"), "this machine is riscv64"),
        (Facts(gil_disabled=True), "free-threaded"),
    ],
)
def test_what_might_work_is_refused_with_the_switch(facts: Facts, cause: str) -> None:
    """The sentence has the reason and the switch to try it anyway."""
    said = support.refusal(facts)

    assert said is not None
    assert cause in said
    assert said.endswith("set GOSTITCH_TRY_UNSUPPORTED=1 to try it anyway")
    assert "\n" not in said


@pytest.mark.parametrize("try_unsupported", [False, True])
def test_missing_headers_are_refused_with_the_package(try_unsupported: bool) -> None:
    """The sentence names the file, and the packages of the interpreter's very version."""
    said = support.refusal(
        Facts(
            version=(3, 12),
            header="/usr/include/python3.12/Python.h",
            header_exists=False,
            try_unsupported=try_unsupported,
        )
    )

    assert said is not None
    for part in ("/usr/include/python3.12/Python.h", "python3.12-dev", "python3.12-devel", "uv"):
        assert part in said
    assert "\n" not in said


def test_a_free_threaded_build_promises_no_stable_abi() -> None:
    """Where the switch is set, such a build gets a wheel for its own version only."""
    assert Facts().limited_api
    assert not Facts(gil_disabled=True).limited_api


def test_this_machine_is_supported() -> None:
    """The facts of the machine that runs the tests are read, and are no reason to refuse."""
    facts = support.of_this_machine()

    assert ("linux", "cpython", 64, "glibc") == (
        facts.system,
        facts.implementation,
        facts.bits,
        facts.libc,
    )
    assert support.refusal(facts) is None
