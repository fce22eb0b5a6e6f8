"""What Go reads of the environment when it starts: as a plain Go program has it, or refused."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from shipped import toolchain

from gostitch import _go_environment
from gostitch.exceptions import LibraryError
from programs import Programs

_SOURCE = Path(__file__).with_name("plain.go.txt")
_SEED = 20260712
_RANDOM = 120  # values of each variable


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a plain Go program and of the same as a library."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "main.go").write_text(_SOURCE.read_text())
    (folder / "go.mod").write_text("module plain\n\ngo 1.22\n")
    go = toolchain.go()
    assert go is not None
    for name, mode in (("plain", "exe"), ("plain.so", "c-shared")):
        command = [go, "build", f"-buildmode={mode}", "-o", name, "."]
        subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True)
    return folder


def _go(plain: Path, name: str, value: bytes) -> tuple[int, int, int] | None:
    """Start Go with a variable; gives processors, limit and percentage, None where it ends or hangs."""
    env = {name.encode(): value}
    try:
        done = subprocess.run([plain / "plain"], env=env, capture_output=True, timeout=10)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        return None
    procs, limit, percent = map(int, done.stdout.split())
    return procs, limit, percent


def _is_refused(name: str, value: bytes) -> bool:
    try:
        _go_environment.refuse_unreadable([name.encode() + b"=" + value], {})
    except LibraryError as error:
        assert name in str(error)
        assert "; " in str(error)  # the remedy
        assert str(error).isprintable()
        return True
    return False


_NUMBERS = [
    *("0", "1", "+1", "-1", "-0", "+0", "007", "5 ", " 5", "5\n", "1_000", "0x10", "1e3", "1.5"),
    *("", "off", "OFF", "Off", "none", "\u0663", "1\u0663", "\uff11", "\u00b2", "\u06f5MiB"),
    *("2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551616", "9" * 5000, "0" * 5000 + "9", "+-5", "--5"),
    *("5B", "5KiB", "5MiB", "+5GiB", "-0MiB", "-5MiB", "8388607TiB", "8388608TiB", "5KB", "5K"),
    *("KiB", "B", "iB", "5iB", "5BB", "5BKiB", "1KiBKiB", "5kib", "5PiB", "5 MiB", "5MiB "),
    *("\x1b[2J", "\u202e5", "5\u0000".rstrip("\0"), "\x7f", "100%", "=5", "8192", "8193"),
]
_BYTES = [b"\xff", b"5\xff", b"\xd9", b"\xed\xa0\x80", b"5\xc0\x80MiB", b"\x80" * 3]
_PIECES = [
    *(b"0", b"1", b"9", b"12", b"2147483648", b"+", b"-", b" ", b"\t", b"_", b".", b"\xff", b"off"),
    *(b"B", b"KiB", b"MiB", b"GiB", b"TiB", b"i", "\u0663".encode(), "\uff15".encode(), b"0" * 20),
]


def _values() -> list[bytes]:
    chosen = random.Random(_SEED)
    made = [b"".join(chosen.choices(_PIECES, k=chosen.randint(1, 4))) for _ in range(_RANDOM)]
    return list(dict.fromkeys([*(each.encode() for each in _NUMBERS), *_BYTES, *made]))


_OFF = -1  # of a percentage
_OURS: dict[str, tuple[int, Callable[[str], int | None]]] = {
    "GOMAXPROCS": (0, _go_environment.processors),
    "GOMEMLIMIT": (1, _go_environment.size),
    "GOGC": (2, lambda text: max(_go_environment.percent(text) or 0, _OFF)),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", _OURS)
def test_numbers(plain: Path, name: str) -> None:
    """What is let through Go takes, as the value that we take it for; what is not, it does not.

    It ends over that or goes on as if it were not there. More than 8192 processors, which take
    much memory, are refused besides.
    """
    place, ours = _OURS[name]
    without = _go(plain, "X", b"")
    assert without is not None
    for value in _values():
        found, text = _go(plain, name, value), os.fsdecode(value)
        if not _is_refused(name, value):
            assert found is not None, value
            assert found[place] == (ours(text) if value else without[place]), value
        elif found is not None and found != without:
            assert name == "GOMAXPROCS", value
            assert found[place] > 8192, value


_SETTINGS = [
    *("asyncpreemptoff", "cgocheck", "sbrk", "profstackdepth", "fips140", "memprofilerate"),
    *("gccheckmark", "efence", "gcstoptheworld", "clobberfree", "adaptivestackstart", "unknown"),
    *("cpu.all", "netdns", "madvdontneed", "panicnil", "schedtrace", "tracebacklabels", " sbrk"),
]
_SET_TO = [
    *("0", "1", "2", "-1", "+2", "-2147483648", "2147483647", "2147483648", "", "on", "off"),
    *("only", "debug", "x", " 2", "\u0662", "on#1", "=2", "02"),
]


@pytest.mark.timeout(240)
def test_settings_of_godebug(plain: Path) -> None:
    """With what is let through Go starts, with what is not it ends, alone or among others.

    But for sbrk and a negative profstackdepth, with which it ends at some times, or hangs.
    """
    alone = [f"{name}={to}" for name in _SETTINGS for to in _SET_TO]
    chosen = random.Random(_SEED)
    mixed = [",".join(chosen.sample(alone, k=3)) for _ in range(_RANDOM)]
    twice = [
        "sbrk=1,sbrk=0",
        "cgocheck=2,cgocheck=1",
        "cgocheck=2,cgocheck=x",
        "fips140=on,fips140=x",
        "fips140=x,fips140=on",
        "sbrk",
        ",,",
        "=2",
    ]
    for text in (*alone, *mixed, *twice):
        found, refused = _go(plain, "GODEBUG", text.encode()), _is_refused("GODEBUG", text.encode())
        assert refused or found is not None, text
        assert not refused or found is None or "sbrk=" in text or "profstackdepth=-" in text, text


@pytest.mark.parametrize("value", ["none", "crash", "\u0663", "99999999999", "-1", "x", "wer", ""])
def test_goes_on_whatever_gotraceback_is(plain: Path, program: Programs, value: str) -> None:
    """Go takes any value of it, so it is let through."""
    assert _go(plain, "GOTRACEBACK", value.encode()) is not None
    done = program("import faults; print(faults.add(1, 2))", env={"GOTRACEBACK": value})

    assert (0, "3\n") == (done.returncode, done.stdout), done.stderr


_LOADED_BY_US = """
import faults, gostitch
try:
    print(faults.add(1, 2))
except gostitch.LibraryError as error:
    print("refused:", error)
"""
_LOADED = "import ctypes; ctypes.CDLL({!r}).Look()"
_CHANGES = {
    "removed": "del os.environ['GOMEMLIMIT']",
    "replaced by a bad one": "os.environ['GOMEMLIMIT'] = '5GB'",
    "replaced by a good one": "os.environ['GOMEMLIMIT'] = '5GiB'",
    "replaced in a copy": "os.environ['MORE'] = '1'; os.environ['GOMEMLIMIT'] = '5GiB'",
    "removed in a copy": "os.environ['MORE'] = '1'; del os.environ['GOMEMLIMIT']",
    "written over": "libc.memmove(libc.getenv(b'GOMEMLIMIT'), b'!!', 2)",
    "written over by a title": "libc.memset(libc.getenv(b'GOMEMLIMIT') - 11, 0, 12)",
    "cleared": "libc.clearenv()",
}


@pytest.mark.parametrize("before", ["7GB", "7GiB"])
@pytest.mark.parametrize("change", _CHANGES)
def test_the_environment_that_go_sees(
    plain: Path, program: Programs, before: str, change: str
) -> None:
    """A process is refused if a plain Go library, loaded in its place, would end it.

    Go looks where the kernel put the variables. setenv and unsetenv of glibc change that
    at times, and so do programs that change their title. What os.environ has is given to Go too.
    """
    prepare = (
        "import os, ctypes\nlibc = ctypes.CDLL(None)\nlibc.getenv.restype = ctypes.c_void_p\n"
        "libc.memmove.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]\n"
        "libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]\n"
        f"os.environ['WARM'] = os.environ['WARM'] + ''\n{_CHANGES[change]}\n"
    )
    env: dict[str, str | None] = {"GOMEMLIMIT": before, "WARM": "1"}
    go = program(prepare + _LOADED.format(str(plain / "plain.so")), env=env)
    ours = program(prepare + _LOADED_BY_US, env=env)

    assert 0 == ours.returncode, ours.stderr
    assert go.returncode in (0, 2, -6), go.stderr
    in_python = {"replaced by a bad one": "5GB", "removed": "", "removed in a copy": ""}
    now = in_python.get(change, "5GiB" if change.startswith("replaced") else before)
    assert (go.returncode != 0 or now.endswith("GB")) == ours.stdout.startswith("refused:")


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(
    "setting", ["cgocheck=2", "x=1,fips140=S3CRET", "sbrk=1", "profstackdepth=-5"]
)
def test_godebug_is_refused_in_words(program: Programs, setting: str, given: bool) -> None:
    """The sentence names variable, setting and remedy, and nothing else that GODEBUG holds."""
    text = "" if given else f"import os; os.environ['GODEBUG'] = 'secret=7,{setting}'\n"
    env: dict[str, str | None] = {"GODEBUG": f"secret=7,{setting}" if given else None}
    done = program(text + _LOADED_BY_US, env=env)

    assert 0 == done.returncode, done.stderr
    shown = setting.rpartition(",")[2].removesuffix("=S3CRET")  # a word may be anything
    assert f"GODEBUG has '{shown}', which the Go runtime" in done.stdout
    assert ("where the process is started" if given else "os.environ") in done.stdout
    assert "secret" not in done.stdout.lower()


def test_a_value_is_shown_without_control_characters(program: Programs) -> None:
    """It goes to terminals and logs."""
    hostile = "5\x1b[2J\u202e"
    early = program(_LOADED_BY_US, env={"GOMEMLIMIT": hostile})
    late = program(f"import os; os.environ['GOMEMLIMIT'] = {hostile!r}{_LOADED_BY_US}")

    for done in (early, late):
        assert "refused: " in done.stdout
        assert done.stdout.strip().isprintable()


def test_the_initial_environment() -> None:
    """It is what the process was started with, as POSIX's execve has it."""
    text = "from gostitch._process import bridge; print(*sorted(bridge.initial_environment()))"
    env = {b"A": b"1", b"EMPTY": b"", b"BYTES": b"\xff"}
    done = subprocess.run(
        [sys.executable, "-c", text], env=env, capture_output=True, timeout=60, check=True
    )

    assert b"b'A=1' b'BYTES=\\xff' b'EMPTY='" == done.stdout.strip()
