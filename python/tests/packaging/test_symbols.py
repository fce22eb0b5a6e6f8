"""Libraries and their symbols in two files, held against what Go's and others' tools read."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import elf_facts
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped import go_build, symbols, toolchain

from conftest import LIBRARY, LINKED
from gostitch.build import _symbols

Functions = set[tuple[int, str]]


def functions(data: bytes) -> Functions:
    """The functions in a symbol table, as pyelftools reads it."""
    table: Any = ELFFile(io.BytesIO(data)).get_section_by_name(".symtab")
    assert table["sh_info"] == sum(
        symbol["st_info"]["bind"] == "STB_LOCAL" for symbol in table.iter_symbols()
    )
    return {
        (symbol["st_value"], symbol.name)
        for symbol in table.iter_symbols()
        if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] != "SHN_UNDEF"
    }


def loaded(data: bytes) -> list[Any]:
    """What a loader reads, but for the build id: segments, sections and their numbers."""
    data = data.replace(bytes.fromhex(elf_facts.read("", data).build_id), bytes(20))
    elf = ELFFile(io.BytesIO(data))
    parts: list[Any] = [dict(segment.header) for segment in elf.iter_segments()]
    for number, section in enumerate(elf.iter_sections()):
        if section["sh_flags"] & 2:
            header = {name: value for name, value in section.header.items() if name != "sh_name"}
            parts.append((number, section.name, header, section.data()))
    return parts


def small(folder: Path, *options: str, text: str = "int one(void) { return 1; }") -> bytes:
    """A library of a few kilobytes."""
    compiler = toolchain.cc()
    assert compiler is not None
    command = [*shlex.split(compiler), "-shared", "-fPIC", "-Wl,--build-id=sha1", *options]
    subprocess.run(
        [*command, "-x", "c", "-o", "small.so", "-"],
        cwd=folder, input=text, text=True, check=True, timeout=50,
    )  # fmt: skip
    return (folder / "small.so").read_bytes()


def test_the_functions_are_those_that_go_knows() -> None:
    """``go tool nm`` of what was linked has the same names at the same addresses, those of C too."""
    go = toolchain.go()
    assert go is not None
    done = subprocess.run(
        [go, "tool", "nm", LINKED], capture_output=True, text=True, check=True, timeout=50
    )
    of_go = re.findall(r"^ *([0-9a-f]+) [Tt] (.*)$", done.stdout, re.MULTILINE)
    found = functions(symbols.beside(LIBRARY).read_bytes())

    all_code = {(int(address, 16), name) for address, name in of_go}
    assert found < all_code
    # A label in the assembly of runtime/cgo, of which nothing says that it is a function.
    assert {"crosscall1"} == {name for _, name in all_code - found}
    assert {"gostitch_call", "github.com/gostitch/gostitch/gocore.Execute"} <= {
        name for _, name in found
    }


def test_what_is_loaded_stays_as_it_was() -> None:
    """Segments and loaded sections are the same in what was linked, split and joined again."""
    linked, library = LINKED.read_bytes(), LIBRARY.read_bytes()
    joined = _symbols.join(library, symbols.beside(LIBRARY).read_bytes())

    assert loaded(linked) == loaded(library) == loaded(joined)
    assert functions(linked) == functions(joined)
    names = [section.name for section in ELFFile(io.BytesIO(library)).iter_sections()]
    assert [".comment", ".gnu_debuglink", ".shstrtab"] == names[-3:]


def test_the_two_name_each_other() -> None:
    """The library has name and CRC of the file, which has its build id and no byte of its code."""
    data = symbols.beside(LIBRARY).read_bytes()
    library = elf_facts.read("libfaults.so", LIBRARY.read_bytes())
    of = elf_facts.read_symbols("libfaults.so.debug", data)

    assert library.stripped
    assert ("libfaults.so.debug", zlib.crc32(data)) == library.link
    assert (library.machine, library.build_id) == (of.machine, of.build_id)
    assert len(data) * 8 < LIBRARY.stat().st_size
    assert (LIBRARY.read_bytes(), data) == symbols.split(LINKED.read_bytes(), "libfaults.so.debug")


def test_debug_symbols_of_c_go_too(tmp_path: Path) -> None:
    """What a compiler was told to leave for debuggers is in neither file."""
    library, of = symbols.split(small(tmp_path, "-g"), "small.so.debug")

    for data in (library, of):
        assert not [at for at in ELFFile(io.BytesIO(data)).iter_sections() if ".debug" in at.name]
    assert "one" in {name for _, name in functions(of)}


def test_the_build_id_says_what_is_inside(tmp_path: Path) -> None:
    """It changes with the code, and not with what compilers leave for debuggers."""
    text = "int one(void) { return 1; }"
    builds = [
        symbols.split(small(tmp_path, option, text=code), "small.so.debug")
        for option, code in (("-g0", text), ("-g3", text), ("-g0", text.replace("1", "2")))
    ]
    ids = [elf_facts.read("", library).build_id for library, _ in builds]

    assert builds[0] == builds[1]
    assert ids[0] == ids[1] != ids[2]


def test_what_cannot_be_split_or_joined(tmp_path: Path) -> None:
    """Each refusal says what the file lacks."""
    linked = small(tmp_path)
    library, of = symbols.split(linked, "small.so.debug")
    other = small(tmp_path, text="int two(void) { return 2; }")

    def said(way: Any, *of: Any) -> str:
        with pytest.raises(_symbols.SymbolsError) as raised:
            way(*of)
        return str(raised.value)

    def split(data: bytes) -> str:
        return said(_symbols.split, data, "x")

    assert "no ELF file of 64 bits" in split(b"")
    assert "no ELF file of 64 bits" in split(linked[:4] + b"\1" + linked[5:])
    assert "is damaged" in split(linked[:80])
    assert "too many sections" in split(linked[:60] + b"\0\0" + linked[62:])
    assert "no symbols" in split(small(tmp_path, "-s"))
    assert "no place for a build id of 20 bytes" in split(small(tmp_path, "-Wl,--build-id=none"))
    assert "built without symbols" in said(_symbols.join, small(tmp_path, "-s"), of)
    wrong = _symbols.split(other, "small.so.debug")[1]
    assert "belongs to another build" in said(_symbols.join, library, wrong)
    damaged = of[:-1] + bytes([of[-1] ^ 1])
    assert "is damaged" in said(_symbols.join, library, damaged)
    assert "the symbols file is" in said(_symbols.join, library, of[:200])


def test_what_cannot_be_split_stays_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is put into its place as it is, with a sentence, and no older symbols stay beside it."""
    linked = small(tmp_path, "-Wl,--build-id=none")
    target = tmp_path / "libsmall.so"
    symbols.beside(target).write_bytes(b"older")
    go_build._place(tmp_path / "small.so", target)

    assert [target] == list(tmp_path.iterdir())
    assert linked == target.read_bytes()
    said = capsys.readouterr().err
    assert said.startswith("gostitch: libsmall.so keeps its symbols inside: the library has no")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """What was linked, and the library without its symbols."""
    linked = small(tmp_path_factory.mktemp("small"))
    return linked, symbols.split(linked, "small.so.debug")[0]


@settings(max_examples=300, deadline=1000)
@given(
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=8),
    near_the_end=st.booleans(),
    cut=st.integers(0, 1 << 16),
)
def test_any_bytes(
    pair: tuple[bytes, bytes], changes: list[tuple[int, int]], near_the_end: bool, cut: int
) -> None:
    """Damaged files are split or refused, and never make large ones."""
    for data in pair:
        spoilt = bytearray(data)
        # The table of sections is at the end, the header at the beginning.
        for at, byte in changes:
            spoilt[-(at % 4096) - 1 if near_the_end else at % 64] = byte
        whole = bytes(spoilt[: cut or None] if cut < len(spoilt) else spoilt)
        parts: list[bytes] = []
        with contextlib.suppress(_symbols.SymbolsError):
            parts += _symbols.split(whole, "small.so.debug")
        for library, of in ((whole, data), (data, whole), (pair[1], whole)):
            with contextlib.suppress(_symbols.SymbolsError):
                parts.append(_symbols.join(library, of))
        assert all(len(part) < 3 * len(data) + 4096 for part in parts)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "gostitch", "symbols", *map(str, arguments)],
        env={name: value for name, value in os.environ.items() if name != "GOSTITCH_LIBRARY"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_the_command(tmp_path: Path) -> None:
    """It writes the shipped library with its symbols, as one that loads, and says how to use it."""
    out = tmp_path / "with a space.so"
    done = run(out)

    assert (0, "") == (done.returncode, done.stderr)
    assert f"GOSTITCH_LIBRARY='{out}' py-spy record --native" in done.stdout
    assert [out] == list(tmp_path.iterdir())
    program = "import gostitch; from gostitch import tasks; tasks.hash_tree('/etc/hostname')"
    program += "; print(gostitch.runtime_info()['library'])"
    called = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"GOSTITCH_LIBRARY": str(out)},
        capture_output=True, text=True, timeout=50, check=True,
    )  # fmt: skip
    assert f"{out}\n" == called.stdout
    assert "github.com/gostitch/gostitch/gocore.Execute" in {
        name for _, name in functions(out.read_bytes())
    }


def test_the_command_refuses(tmp_path: Path) -> None:
    """One sentence with the file and what to do; nothing is written."""
    library, lone = tmp_path / "libsmall.so", tmp_path / "liblone.so"
    stripped, of = symbols.split(small(tmp_path), "libsmall.so.debug")
    library.write_bytes(stripped)
    lone.write_bytes(stripped)
    symbols.beside(library).write_bytes(of[:-1] + b"?")
    out = tmp_path / "out.so"

    for arguments, words in (
        ((out, "--library", lone), "liblone.so.debug cannot be read (No such file or directory);"),
        ((out, "--library", library), "the symbols file is damaged"),
        ((out, "--library", tmp_path / "small.so"), "has its symbols inside already"),
        ((out, "--library", tmp_path / "none.so"), "name a library with --library"),
        ((out, "--library", __file__), "is no ELF file"),
        ((library, "--library", library), "the library is read from it"),
        ((tmp_path,), "it is a folder"),
        ((tmp_path / "none" / "out.so",), "No such file or directory"),
    ):
        done = run(*arguments)
        assert (1, "") == (done.returncode, done.stdout)
        assert words in done.stderr
        assert 1 == done.stderr.count("\n"), done.stderr
    assert not out.exists()
