"""The checks of release wheels find what they are for."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import elf_facts
import pytest
import wheel_checks
from elf_facts import ElfFacts, SymbolFacts
from shipped import targets, toolchain

pytestmark = pytest.mark.timeout(300)

HERE = targets.TARGETS[platform.machine()]
(OTHER,) = (target for target in targets.TARGETS.values() if target != HERE)


def compiled(folder: Path, *options: str) -> ElfFacts:
    """Compile a small library and read its facts."""
    compiler = toolchain.cc()
    assert compiler is not None
    subprocess.run(
        [*shlex.split(compiler), "-shared", "-fPIC", *options, "-x", "c", "-o", "small.so", "-"],
        cwd=folder,
        input="#include <stdlib.h>\nint small(void) { return abs(rand()); }\n",
        text=True,
        check=True,
        timeout=120,
    )
    return elf_facts.read("small.so", (folder / "small.so").read_bytes())


def test_a_stripped_library_of_the_machine_is_well(tmp_path: Path) -> None:
    """Nothing is said about a library that is as it should be."""
    library = compiled(tmp_path, "-s")

    assert ("small.so", HERE.machine) == (library.name, library.machine)
    assert (tmp_path / "small.so").stat().st_size == library.size
    assert "libc.so.6" in library.libraries
    assert [] == list(wheel_checks.complaints(library._replace(glibc=(2, 17)), HERE))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("-g",), "is not stripped"),
        (
            ("-s", "-Wl,-rpath,/home/builder/lib"),
            "searches for libraries in ('/home/builder/lib',)",
        ),
    ],
)
def test_what_a_builder_leaves_in_a_library(
    tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    """Debug symbols, and folders of the builder, do not belong in a release."""
    library = compiled(tmp_path, *options)._replace(glibc=(2, 17))

    (said,) = wheel_checks.complaints(library, HERE)
    assert complaint in said


def test_a_library_for_another_machine_or_a_newer_glibc(tmp_path: Path) -> None:
    """Both are named with what was wanted."""
    library = compiled(tmp_path, "-s")._replace(glibc=(2, 34))

    assert [
        f"is for {HERE.machine}, not for {OTHER.machine}",
        "needs glibc 2.34, newer than manylinux2014 has",
    ] == list(wheel_checks.complaints(library, OTHER))


def test_a_name_that_not_every_cpython_looks_for(tmp_path: Path) -> None:
    """CPython 3.15 knows a second suffix of the stable ABI, which 3.10 to 3.14 do not."""
    library = compiled(tmp_path, "-s")._replace(glibc=(2, 17))
    older = library._replace(name="gostitch/_bridge.abi3.so")
    newer = library._replace(name=f"gostitch/_bridge.abi3-{HERE.machine}-linux-gnu.so")

    assert [] == list(wheel_checks.complaints(older, HERE))
    assert ["has a name that only CPython 3.15 and newer ones look for"] == list(
        wheel_checks.complaints(newer, HERE)
    )


def test_symbols_of_another_build() -> None:
    """A symbols file must be there, of the same build, the one that is named, and with functions."""
    functions = {"github.com/gostitch/gostitch/gocore.Execute": 1}
    symbols = SymbolFacts("gostitch/libgostitch.so.debug", HERE.machine, "abc", 7, functions)
    link = ("libgostitch.so.debug", 7)
    library = ElfFacts("x", 1, HERE.machine, (2, 17), (), (), True, "abc", link)

    def said(library: ElfFacts, symbols: SymbolFacts | None) -> list[str]:
        return list(wheel_checks.without_symbols(library, symbols))

    assert [] == said(library, symbols)
    assert ["has no symbols file beside it"] == said(library, None)
    for other in (symbols._replace(build_id="abd"), symbols._replace(machine=OTHER.machine)):
        assert ["is of another build than gostitch/libgostitch.so.debug"] == said(library, other)
    (other_crc,) = said(library, symbols._replace(crc=8))
    (no_link,) = said(library._replace(link=None), symbols)
    (empty,) = said(library, symbols._replace(functions={"main": 1}))
    assert "not gostitch/libgostitch.so.debug" in other_crc
    assert "names None" in no_link
    assert "no functions of the core" in empty


def test_the_wheel_of_this_machine_is_no_release_wheel(
    wheel: Path, tmp_path: Path, must_run: Callable[..., str]
) -> None:
    """Built for the glibc that is here, with a file that does not belong in it, it fails each check."""
    must_run(sys.executable, "-m", "wheel", "unpack", wheel, cwd=tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "gostitch" / "left_behind.pyc").touch()
    (folder / "gostitch" / "libgostitch.so.debug").unlink()
    must_run(sys.executable, "-m", "wheel", "pack", folder, cwd=tmp_path)
    spoilt = tmp_path / wheel.name

    said = "\n".join(wheel_checks.problems(spoilt, OTHER))

    assert f"libgostitch.so is for {HERE.machine}, not for {OTHER.machine}" in said
    assert "libgostitch.so has no symbols file beside it" in said
    assert "auditwheel says manylinux_2_" in said
    assert "check-wheel-contents complains" in said
    assert "left_behind.pyc" in said


def test_symbols_that_the_stable_abi_does_not_promise() -> None:
    """Those that 3.10 has although they were promised later are known; others are named."""

    def report(**result: object) -> dict[str, object]:
        return {"specs": {"a.whl": {"wheel": [{"name": "_bridge.abi3.so", "result": result}]}}}

    known = dict.fromkeys(wheel_checks.BEFORE_THEIR_TIME, "3.11")
    assert [] == list(
        wheel_checks.stable_abi(report(non_abi3_symbols=[], future_abi3_objects=known))
    )
    bad = report(non_abi3_symbols=["_Py_Secret"], future_abi3_objects={"PyTime_Time": "3.14"})
    assert [
        "_bridge.abi3.so uses PyTime_Time, _Py_Secret, which CPython 3.10 does not promise"
    ] == list(wheel_checks.stable_abi(bad))
