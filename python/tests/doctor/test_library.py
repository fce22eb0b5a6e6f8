"""The library's file and how loading it goes, under real misfortunes."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch import _process
from gostitch.doctor import _library


def test_the_variable_is_that_of_the_core() -> None:
    """The doctor looks at the variable that loading looks at."""
    assert _process.LIBRARY_VARIABLE == _library.VARIABLE


def test_the_library_that_is_shipped(doctor: Callable) -> None:
    """Without the variable the library in the package is looked at and tried."""
    found = doctor(GOSTITCH_LIBRARY=None).findings

    assert found["library.file"]["facts"]["path"].endswith("/gostitch/libgostitch.so")
    assert ["ok", "ok"] == [found[each]["status"] for each in ("library.file", "library.load")]


def test_a_missing_file(doctor: Callable) -> None:
    """A variable that names nothing is a problem, with its name in the fix."""
    found = doctor(GOSTITCH_LIBRARY="/nowhere/lib.so")

    assert 1 == found.status
    file, load = found.findings["library.file"], found.findings["library.load"]
    assert "There is no Go library at /nowhere/lib.so (GOSTITCH_LIBRARY names it)." == file["words"]
    assert "Correct or unset GOSTITCH_LIBRARY." == file["fix"]
    assert ("problem", "Correct or unset it.") == (load["status"], load["fix"])


def test_a_folder(doctor: Callable, tmp_path: Path) -> None:
    """A folder is no library."""
    found = doctor(GOSTITCH_LIBRARY=str(tmp_path)).findings["library.file"]

    assert f"{tmp_path} is not a file (GOSTITCH_LIBRARY names it)." == found["words"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"this is text", "it is not an ELF file"),
        (b"", "it is empty"),
        (b"\x7fELF", "it is a damaged ELF file"),
        (b"\x7fELF" + b"\xff" * 500, "it is a damaged ELF file"),
    ],
)
def test_a_text_file(doctor: Callable, tmp_path: Path, content: bytes, reason: str) -> None:
    """A file that is no library is a problem that says what it is."""
    path = tmp_path / "text.so"
    path.write_bytes(content)
    found = doctor(GOSTITCH_LIBRARY=str(path)).findings

    assert (
        f"{path} is no library (GOSTITCH_LIBRARY names it): {reason}."
        == (found["library.file"]["words"])
    )
    load = found["library.load"]
    assert ("problem", f"It was not loaded, since {reason}.") == (load["status"], load["words"])
    assert "ok" == found["python.compiled"]["status"]


@pytest.mark.parametrize("part", [0.001, 0.5, 0.9])
def test_a_library_that_was_cut_off(
    doctor: Callable, library: Path, tmp_path: Path, part: float
) -> None:
    """It is never loaded, since that would end the process by SIGBUS; nobody has to report it."""
    path = tmp_path / "cut.so"
    content = library.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    found = doctor(GOSTITCH_LIBRARY=str(path)).findings
    load = found["library.load"]

    assert "it is a damaged ELF file" in found["library.file"]["words"]
    assert "It was not loaded, since it is a damaged ELF file." == load["words"]
    assert "Do what the finding about the file says." == load["fix"]


def test_a_library_that_was_cut_off_is_not_loaded_here(
    examined: Callable, library: Path, tmp_path: Path
) -> None:
    """A service that has the doctor load it lives on."""
    path = tmp_path / "cut.so"
    path.write_bytes(library.read_bytes()[:100_000])
    text = """
import gostitch.doctor
found = {f.id: f for f in gostitch.doctor.examine(load="here")}
assert found["library.load"].status == "problem"
assert found["library.load"].words == "It was not loaded, since it is a damaged ELF file."
"""

    assert "note" == examined(text, GOSTITCH_LIBRARY=str(path))["library.load"]["status"]


def test_a_c_library(doctor: Callable) -> None:
    """A library of somebody else is recognised without loading it."""
    zlib = next(p for p in Path("/usr/lib").rglob("libz.so*") if p.is_file())
    found = doctor(GOSTITCH_LIBRARY=str(zlib)).findings

    assert "is not a Go library" in found["library.file"]["words"]
    assert "does not export gostitch_open" in found["library.file"]["words"]
    assert "Name a library built with" in found["library.load"]["fix"]


def test_a_go_library_of_somebody_else(doctor: Callable, stranger: Path) -> None:
    """A Go library that is not of gostitch is named as such."""
    found = doctor(GOSTITCH_LIBRARY=str(stranger)).findings["library.file"]

    assert "problem" == found["status"]
    assert "is a Go library, but not of gostitch" in found["words"]
    assert "example.org/stranger" == found["facts"]["package"]


def test_another_machine(doctor: Callable, library: Path, tmp_path: Path) -> None:
    """A library made for another machine is recognised without loading it."""
    path = tmp_path / "other.so"
    content = bytearray(library.read_bytes())
    content[18:20] = (243).to_bytes(2, "little")  # riscv64
    path.write_bytes(content)
    found = doctor(GOSTITCH_LIBRARY=str(path)).findings["library.file"]

    assert "problem" == found["status"]
    assert "is made for riscv64 (64 bit), not for" in found["words"]


def test_a_newer_glibc(doctor: Callable, library: Path, tmp_path: Path) -> None:
    """A library that needs a newer glibc than there is says both versions."""
    path = tmp_path / "newer.so"
    content = library.read_bytes()
    assert content.count(b"\0GLIBC_2.34\0") == 1
    path.write_bytes(content.replace(b"\0GLIBC_2.34\0", b"\0GLIBC_9.99\0"))
    found = doctor(GOSTITCH_LIBRARY=str(path)).findings

    assert "needs glibc 9.99, and here is 2." in found["library.file"]["words"]
    assert "release wheel" in found["library.file"]["fix"]


def test_a_file_that_was_replaced(examined: Callable, library: Path, tmp_path: Path) -> None:
    """A library replaced under a running process asks for a restart."""
    path = tmp_path / "mine.so"
    shutil.copy(library, path)
    text = f"""
import faults, os, shutil
faults.add(1, 2)
os.unlink({str(path)!r})
shutil.copy({str(library)!r}, {str(path)!r})
"""
    found = examined(text, GOSTITCH_LIBRARY=str(path))["library.file"]

    assert ("warning", "Restart the process to use the new file.") == (
        found["status"],
        found["fix"],
    )


def test_little_static_storage(doctor: Callable) -> None:
    """A tunable of glibc that leaves no static thread-local storage is a warning."""
    found = doctor(GLIBC_TUNABLES="glibc.rtld.optional_static_tls=0").findings["library.file"]

    assert "warning" == found["status"]
    assert "GLIBC_TUNABLES leaves 0 bytes" in found["words"]


def test_little_address_space(doctor: Callable) -> None:
    """With too little address space the library refuses to load, as Go would end the process."""
    limit = 700 << 20
    found = doctor(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))

    assert 1 == found.status
    load, space = found.findings["library.load"], found.findings["limits.address_space"]
    assert ("problem", "problem") == (load["status"], space["status"])
    assert "address space is limited to 700 MiB (RLIMIT_AS)" in load["words"]
    assert limit == space["facts"]["limit"]
    assert "Address space is limited to 700 MiB (RLIMIT_AS)" in space["words"]


def test_a_malformed_memory_limit(doctor: Callable) -> None:
    """With GOMEMLIMIT=1GB the Go runtime would kill the process at load: it is refused."""
    found = doctor(GOMEMLIMIT="1GB")

    assert 1 == found.status
    assert "GOMEMLIMIT is '1GB', which the Go" in found.findings["library.load"]["words"]
    assert (
        "Correct or unset GOMEMLIMIT; it reads like 512MiB."
        == (found.findings["library.load"]["fix"])
    )
    assert "problem" == found.findings["limits.memory"]["status"]


def test_a_crash_at_load(doctor: Callable, tmp_path: Path) -> None:
    """A crash while loading is a finding with the signal, and the doctor lives."""
    _in_trial_only(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    found = doctor(PYTHONPATH=str(tmp_path))

    assert 1 == found.status
    assert (
        "A process that was to load the library was killed by SIGSEGV."
        == (found.findings["library.load"]["words"])
    )
    assert "was killed by SIGSEGV" == found.findings["library.load"]["facts"]["ended"]
    assert "problem" == found.findings["python.compiled"]["status"]


def test_loading_that_does_not_end(doctor: Callable, tmp_path: Path) -> None:
    """A trial that hangs is ended, and says so."""
    _in_trial_only(tmp_path, "import threading; threading.Event().wait()")
    found = doctor("--timeout", "0.5", PYTHONPATH=str(tmp_path))

    assert (
        "A process that was to load the library did not end within 0.5 s."
        == (found.findings["library.load"]["words"])
    )


def test_in_a_program_that_embeds_python(examined: Callable) -> None:
    """Where sys.executable is no Python, it is not started; the doctor says so."""
    text = """
import gostitch.doctor, sys
sys.executable = "/usr/bin/uwsgi"
found = {f.id: f for f in gostitch.doctor.examine(load="trial")}
assert found["library.load"].status == "warning"
assert "uwsgi is no Python program" in found["library.load"].words
assert found["python.compiled"].status == "ok"
"""

    assert "note" == examined(text)["library.load"]["status"]


def test_the_library_that_is_loaded(examined: Callable, library: Path) -> None:
    """With a library loaded, it is the one looked at, whatever the variable says now."""
    text = "import faults, os; faults.add(1, 2); os.environ['GOSTITCH_LIBRARY'] = '/nowhere'"
    found = examined(text)

    assert str(library) == found["library.file"]["facts"]["path"]
    assert "ok" == found["library.file"]["status"]
    assert "It is loaded in this process" in found["library.load"]["words"]


def _in_trial_only(folder: Path, text: str) -> None:
    """Let the trial process, and no other, run a text when it starts."""
    (folder / "sitecustomize.py").write_text(
        f"import sys\nif '-c' in sys.orig_argv and '_attempt' in sys.orig_argv[-1]:\n    {text}\n"
    )
