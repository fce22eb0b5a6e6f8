"""Other Go libraries: in the process and among what is installed."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch.doctor._go_libraries import shared_libraries
from programs import Programs


def test_none(examined: Callable) -> None:
    """Our own library, loaded or not, is no other one."""
    found = examined("import faults; faults.add(1, 2)")["go.loaded"]

    assert ("ok", []) == (found["status"], found["facts"]["others"])
    assert 1 == len(found["facts"]["ours"])


def test_one_in_the_process(examined: Callable, stranger: Path) -> None:
    """Another Go library in the process is a problem that names its file, version and module."""
    text = f"import ctypes; assert ctypes.CDLL({str(stranger)!r}).Seven() == 7"
    found = examined(text)["go.loaded"]

    assert "problem" == found["status"]
    assert str(stranger) in found["words"]
    assert "already, and the first call would add gostitch's" in found["words"]
    assert "one Go runtime in a process" in found["words"]
    assert "process of its own" in found["fix"]
    (other,) = found["facts"]["others"]
    assert other["go_version"].startswith("go1.")
    assert "example.org/stranger" == other["package"]


def test_one_beside_ours(examined: Callable, stranger: Path) -> None:
    """With both loaded, both are named, and what they took from each other is seen."""
    text = f"import ctypes, faults; faults.add(1, 2); ctypes.CDLL({str(stranger)!r})"
    found = examined(text + "\nimport atexit, os; atexit.register(os._exit, 0)\n")

    assert "beside gostitch's" in found["go.loaded"]["words"]
    assert "problem" == found["process.signals"]["status"]
    assert str(stranger) == found["process.signals"]["facts"]["sigurg"]


def test_a_warning_at_the_first_call(program: Programs, stranger: Path) -> None:
    """Another Go library in the process is warned of once, by name, whenever it came."""
    text = f"""
import ctypes, os, sys, warnings
import faults
warnings.simplefilter("error")
def call():
    try:
        faults.add(1, 2)
    except RuntimeWarning as warning:
        print(warning)
    print(faults.add(1, 2), flush=True)
late = len(sys.argv) == 2
if late:
    call()
ctypes.CDLL({str(stranger)!r})
import this_comes_new
call()
if not os.fork():
    call()
os._exit(0)
"""
    Path(program.folder, "this_comes_new.py").touch()
    early = program(text)
    (said, *answers) = early.stdout.splitlines()
    assert f"another Go runtime in this process beside gostitch's: {stranger}; Go supports" in said
    assert "use one of them in a process of its own" in said
    assert "3" == answers[0]

    late = program(text.replace("len(sys.argv) == 2", "True"))
    assert ["3", said, "3"] == late.stdout.splitlines()[:3]


def _install(folder: Path, name: str, library: Path) -> None:
    """Make a distribution as pip leaves it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (folder / name).mkdir()
    (folder / name / "driver.so").write_bytes(library.read_bytes())
    (info / "RECORD").write_text(
        f"{name}/__init__.py,,\n{name}/driver.so,sha256=x,5\n{name}/missing.so,,\n"
        f'"{name}/with, comma.so.1",,\n{info.name}/RECORD,,\n'
    )


def test_one_installed(doctor: Callable, stranger: Path, tmp_path: Path) -> None:
    """An installed distribution with a Go library is a warning that names it."""
    _install(tmp_path, "strange_driver", stranger)
    found = doctor(PYTHONPATH=str(tmp_path))

    assert 0 == found.status
    installed = found.findings["go.installed"]
    assert "warning" == installed["status"]
    assert "Installed distributions with a Go library: strange_driver." in installed["words"]
    (library,) = installed["facts"]["libraries"]
    assert str(tmp_path / "strange_driver" / "driver.so") == library["path"]
    assert library["gostitch"] is False


@pytest.mark.parametrize("line", [".so" * 400_000 + "/", '"' + ".so." * 400_000, "x" * 2_000_000])
def test_a_record_of_hostile_lines(tmp_path: Path, line: str) -> None:
    """Its reading is in proportion to its length: in 60 s it ends, whatever the lines are."""
    info = tmp_path / "strange-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (info / "RECORD").write_text(f"strange/driver.so,,\n{line}\n")

    found = shared_libraries(importlib.metadata.Distribution.at(info))

    assert [str(tmp_path / "strange" / "driver.so")] == found


def test_another_of_gostitch_installed(doctor: Callable, library: Path, tmp_path: Path) -> None:
    """More libraries of gostitch are no strangers, but only one can be used in a process."""
    _install(tmp_path, "own_functions", library)
    found = doctor(PYTHONPATH=str(tmp_path)).findings["go.installed"]

    assert "More libraries made with gostitch are installed: own_functions." in found["words"]
    assert "GOSTITCH_LIBRARY" in found["fix"]


def test_c_libraries_are_none(doctor: Callable) -> None:
    """C and Rust libraries, of which the tests' environment has many, are none."""
    found = doctor().findings["go.installed"]

    assert ("ok", []) == (found["status"], found["facts"]["libraries"])
    assert 10 < found["facts"]["files"]
