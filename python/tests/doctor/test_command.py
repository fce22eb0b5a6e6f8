"""The command: its output for people and programs, its options and its exit status."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gostitch
from doctor.diagnosis import diagnose
from gostitch import cli
from gostitch.doctor import examine

_STATUSES = {"ok", "note", "warning", "problem"}


def test_all_is_well(doctor: Callable) -> None:
    """With a library that works there is no problem, and the status is 0."""
    found = doctor()

    assert 0 == found.status
    assert [] == [each for each in found.findings.values() if each["status"] == "problem"]
    assert "ok" == found.findings["library.load"]["status"]
    assert "faults" in found.findings["library.file"]["facts"]["package"]
    assert 0 < found.findings["library.load"]["facts"]["functions"]
    assert "a call and a submitted call worked" in found.findings["library.load"]["words"]


def test_the_shape_of_json() -> None:
    """JSON holds the version, whether all is well, and findings with the same six keys each."""
    document = json.loads(diagnose("--json").stdout)

    assert ["gostitch", "ok", "findings"] == list(document)
    assert gostitch.__version__ == document["gostitch"]
    for finding in document["findings"]:
        assert ["id", "title", "status", "facts", "words", "fix"] == list(finding)
        assert finding["status"] in _STATUSES
        assert finding["words"].endswith("."), finding
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", finding["id"])
        assert isinstance(finding["facts"], dict)
        if finding["status"] in ("warning", "problem"):
            assert finding["fix"], finding


def test_ids_are_documented() -> None:
    """The ids, which programs rely on, are those that docs/doctor.md lists, in its order."""
    text = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text()
    documented = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", text, re.MULTILINE)

    assert documented == [finding.id for finding in examine()]


def test_the_sample_is_up_to_date() -> None:
    """The sample in docs/doctor.md has the headings and titles, and the layout, of today."""
    text = (Path(__file__).parents[3] / "docs" / "doctor.md").read_text()
    found = re.search(r"<!-- sample:begin.*?```\n(.*?)```\n<!-- sample:end", text, re.DOTALL)
    assert found is not None

    def outline(of: str) -> list[str]:
        return [
            re.sub(r"^  \w+ +", "  ", line)[:18]
            for line in of.splitlines()[2:]
            if line[2:3].strip()
        ][:-1]

    now = diagnose("--no-load", env={"COLUMNS": "100"}).stdout
    assert outline(found[1]) == outline(now)


def test_a_problem_is_status_1() -> None:
    """A problem gives the status 1, in text with its fix, and the last line says so."""
    done = diagnose(env={"GOSTITCH_LIBRARY": "/nowhere/lib.so"})

    assert 1 == done.returncode
    assert "There is no Go library at /nowhere/lib.so" in " ".join(done.stdout.split())
    assert "Fix: Correct or unset GOSTITCH_LIBRARY." in " ".join(done.stdout.split())
    assert done.stdout.splitlines()[-1].startswith("Something will not work: 2 problems")


@pytest.mark.parametrize(
    "arguments",
    [(), ("nothing",), ("doctor", "--no"), ("doctor", "--timeout", "0"), ("doctor", "more")],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    """Wrong usage is one line on stderr below the usage, and status 2."""
    command = [sys.executable, "-m", "gostitch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert (2, "") == (done.returncode, done.stdout)
    assert "usage: python -m gostitch" in done.stderr


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("doctor", "--help")])
def test_help_and_version(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Help and version go to stdout, with status 0."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)

    assert 0 == ended.value.code
    assert capsys.readouterr().out.startswith(("gostitch 0", "usage: gostitch"))


def test_the_script_is_installed() -> None:
    """The package installs the command ``gostitch``."""
    script = Path(sys.executable).with_name("gostitch")
    done = subprocess.run(
        [script, "--version"], capture_output=True, text=True, timeout=20, check=False
    )

    assert (f"gostitch {gostitch.__version__}\n", 0) == (done.stdout, done.returncode)


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("100", 100), ("300", 100), ("20", 60)])
def test_width(columns: str, width: int) -> None:
    """Lines are as wide as the terminal, from 60 to 100 columns; only paths may be longer."""
    out = diagnose("--verbose", env={"COLUMNS": columns, "GOSTITCH_LIBRARY": "/no where"}).stdout

    long = [line for line in out.splitlines() if len(line) > width]
    assert [] == [line for line in long if len(line.split()) > 1]
    assert any(len(line) > width - 20 for line in out.splitlines())


def test_without_a_terminal_there_is_no_colour() -> None:
    """Into a file or pipe goes plain text, and 80 columns are assumed."""
    out = diagnose(env={"COLUMNS": None}).stdout

    assert "\x1b" not in out
    assert all(len(line) <= 80 or len(line.split()) == 1 for line in out.splitlines())


def _on_terminal(**env: str) -> str:
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "gostitch", "doctor", "--no-load"]
    with subprocess.Popen(command, stdout=writer, env={**os.environ, **env}) as process:
        os.close(writer)
        out = b""
        try:
            while more := os.read(reader, 65536):
                out += more
        except OSError:
            pass  # how a terminal says that the other side is gone
        assert 0 == process.wait(20)
    os.close(reader)
    return out.decode()


def test_on_a_terminal_there_is_colour() -> None:
    """On a terminal the status is coloured, unless NO_COLOR or a dumb terminal forbid."""
    assert "\x1b[32mok\x1b[0m" in _on_terminal(TERM="xterm", NO_COLOR="")
    assert "\x1b" not in _on_terminal(TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in _on_terminal(TERM="dumb", NO_COLOR="")


def test_output_that_cannot_be_encoded(tmp_path: Path) -> None:
    """A path outside of the output's encoding is escaped instead of ending the command."""
    env = {"GOSTITCH_LIBRARY": str(tmp_path / "bäd\udcff.so"), "PYTHONIOENCODING": "ascii"}
    done = diagnose(env=env)

    assert (1, "") == (done.returncode, done.stderr)
    assert r"b\xe4d\udcff.so" in "".join(done.stdout.split())


def test_a_reader_that_has_seen_enough() -> None:
    """When the other end of the pipe is closed, there is no traceback."""
    command = f"{sys.executable} -m gostitch doctor --no-load --verbose | true"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=20, check=False
    )

    assert "" == done.stderr


def test_no_load() -> None:
    """With --no-load nothing is loaded, not even elsewhere."""
    done = diagnose("--no-load", "--json", env={"GOMEMLIMIT": "rubbish"})
    found = {each["id"]: each for each in json.loads(done.stdout)["findings"]}

    assert ("note", "The Go library is not loaded yet; the first call does it.") == (
        found["library.load"]["status"],
        found["library.load"]["words"],
    )


def test_verbose_shows_the_facts() -> None:
    """With --verbose all facts are shown, those inside others with their path."""
    out = diagnose("--verbose").stdout

    assert 'implementation = "CPython"' in out
    assert "modules._" in out


class TestExamine:
    def test_does_not_load(self, program: Callable) -> None:
        """examine() loads the library only when asked, then it is used."""
        text = """
import gostitch, gostitch.doctor
gostitch.doctor.examine()
print(gostitch.runtime_info()["loaded"])
found = {f.id: f for f in gostitch.doctor.examine(load="trial")}
print(gostitch.runtime_info()["loaded"], found["library.load"].status)
found = {f.id: f for f in gostitch.doctor.examine(load="here")}
print(gostitch.runtime_info()["loaded"], found["library.load"].status)
print(found["library.load"].facts["where"], found["process.signals"].status)
"""
        done = program(text, "-W", "error")

        assert "" == done.stderr
        assert ["False", "False ok", "True ok", "this process ok"] == done.stdout.splitlines()

    def test_changes_nothing(self, program: Callable) -> None:
        """Examining settles no start method and sets no tracer provider or handler."""
        text = """
import multiprocessing, signal, sys
before = [signal.getsignal(n) for n in signal.valid_signals()]
import gostitch.doctor
gostitch.doctor.examine()
multiprocessing.set_start_method("spawn")
print(before == [signal.getsignal(n) for n in signal.valid_signals()])
print([m for m in ("opentelemetry.trace", "sentry_sdk", "asyncio.events") if m in sys.modules][:2])
"""
        out = program(text).stdout.splitlines()

        assert "True" == out[0]
        assert "opentelemetry" not in out[1]
        assert "sentry" not in out[1]

    def test_wrong_load(self) -> None:
        """An unknown way to load is refused with the ways there are."""
        with pytest.raises(ValueError, match="load must be 'no', 'trial' or 'here', not 'yes'"):
            examine(load="yes")  # type: ignore[arg-type]

    def test_a_check_that_fails_is_a_finding(self, program: Callable) -> None:
        """A check that fails says so and does not hide the others."""
        text = """
import gostitch.doctor, tempfile
from gostitch import _mounts
_mounts.read = lambda: 1 / 0
for f in gostitch.doctor.examine():
    if f.id == "system.mounts":
        print(f.status, f.words)
"""
        expected = "warning This could not be looked at: ZeroDivisionError: division by zero."

        assert [expected] == program(text).stdout.splitlines()
